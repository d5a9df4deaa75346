"""What somebody may do, and whoever changed it, with what was given and taken."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from backoffice.trail.models import Entry
from tests.backoffice.admin.pages import form_data, url
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def said(action="rights"):
    return list(Entry.objects.filter(action=action).values_list("object_name", "message"))


def test_groups_and_switches_of_an_account_are_noted_as_they_change(admin_client):
    manager, auditor = (Group.objects.create(name=name) for name in ("Managers", "Auditors"))
    user = make_user(username="fry")
    user.groups.add(auditor)
    address = url(User, "change", user.pk)
    page = admin_client.get(address)
    data = form_data(page, groups=[manager.pk], is_superuser="on")
    assert admin_client.post(address, data).status_code == 302
    ((name, message),) = said()
    assert name == "fry"
    assert "+ Managers" in message
    assert "− Auditors" in message
    assert "Superuser status: no → yes" in message
    entry = Entry.objects.get(action="rights")
    assert (entry.address, entry.name) == ("127.0.0.1", "admin")


def test_permissions_of_a_group_are_noted(admin_client):
    group = Group.objects.create(name="Readers")
    permission = Permission.objects.get(codename="view_patron")
    address = url(Group, "change", group.pk)
    data = form_data(admin_client.get(address), permissions=[permission.pk])
    assert admin_client.post(address, data).status_code == 302
    ((name, message),) = said()
    assert (name, message) == ("Readers", f"Permissions: + {permission}")


def test_what_gives_no_rights_is_a_change_alone(admin_client):
    user = make_user(username="fry")
    address = url(User, "change", user.pk)
    data = form_data(admin_client.get(address), first_name="Philip")
    assert admin_client.post(address, data).status_code == 302
    assert said() == []
    assert [name for name, _message in said("change")] == ["fry"]


def test_a_password_is_noted_without_it(client):
    user = make_user(username="fry", password="walk the pages now")
    client.force_login(user)
    new = "leela walks them as well"
    data = {
        "old_password": "walk the pages now",
        "new_password1": new,
        "new_password2": new,
    }
    response = client.post(reverse("admin:password_change"), data)
    assert response.status_code == 302
    assert said("password") == [("fry", "")]
    assert not Entry.objects.filter(message__contains=new).exists()
