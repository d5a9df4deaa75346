"""Accounts and rights that come, go or change by a command stand in the trail, once."""

import io
import json

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.urls import reverse

from backoffice.management.accounts import noted
from backoffice.trail.models import Entry
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def lines():
    """`(who, action, model, name of the object, what)` of each line, in their order."""
    return [
        (each.name, each.action, each.model, each.object_name, each.said)
        for each in Entry.objects.order_by("pk")
    ]


def fixture(tmp_path, *rows):
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps(rows))
    return str(path)


def test_a_superuser_is_made(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "the slow fern hums at nine")
    call_command(
        "createsuperuser", "--no-input", username="ann", email="a@b.org", stdout=io.StringIO()
    )
    who, said = "manage.py createsuperuser", "superuser status, staff status, active"
    assert lines() == [(who, "add", "auth.User", "ann", said)]


def test_a_password_is_set(monkeypatch):
    make_user(username="ann")
    typed = "django.contrib.auth.management.commands.changepassword.Command._get_pass"
    monkeypatch.setattr(typed, lambda *args: "the slow fern hums at nine")
    call_command("changepassword", "ann", stdout=io.StringIO())
    (line,) = lines()
    assert line == (
        "manage.py changepassword",
        "password",
        "auth.User",
        "ann",
        "Changed password.",
    )


def test_a_fixture_gives_and_takes_rights(tmp_path):
    view, add = (Permission.objects.get(codename=f"{name}_book") for name in ("view", "add"))
    role, ann = Group.objects.create(name="Readers"), make_user(username="ann")
    role.permissions.add(view)
    ann.groups.add(role)
    user = {"username": "ann", "password": "", "is_superuser": True, "groups": []}
    user["date_joined"] = "2026-01-01T00:00:00Z"
    path = fixture(
        tmp_path,
        {"model": "auth.user", "pk": ann.pk, "fields": user | {"is_staff": True}},
        {
            "model": "auth.group",
            "pk": role.pk,
            "fields": {"name": "Readers", "permissions": [add.pk]},
        },
        {"model": "library.book", "pk": 1, "fields": {"title": "Dune", "libraries": []}},
    )
    call_command("loaddata", path, verbosity=0)
    found = [(action, name, said) for _who, action, _model, name, said in lines()]
    assert found[0][:2] == ("change", "ann")
    assert "superuser status" in found[0][2]
    assert ("change", "ann", "Deleted role “Readers”.") in found
    assert ("change", "Readers", "Deleted permission “Books: view”.") in found
    assert ("change", "Readers", "Added permission “Books: add”.") in found
    assert {who for who, *_rest in lines()} == {"manage.py loaddata"}

    Entry._base_manager.all()._raw_delete("default")
    call_command("loaddata", path, verbosity=0)
    assert lines() == []  # for it changes nothing


def test_the_demo_s_account_is_noted_once(tmp_path):
    Group.objects.all().delete()
    path = fixture(tmp_path, {"model": "auth.group", "pk": 7, "fields": {"name": "Readers"}})
    call_command("demo", path, stdout=io.StringIO(), verbosity=0)
    assert [line[:4] for line in lines()] == [
        ("manage.py loaddata", "add", "auth.Group", "Readers"),
        ("manage.py demo", "add", "auth.User", "demo"),
    ]


def test_whatever_a_command_does_is_noted():
    ann, bob = make_user(username="ann"), make_user(username="bob")
    role = Group.objects.create(name="Readers")
    with noted("manage.py tidy"):
        role.user_set.add(ann)
        ann.groups.clear()
        ann.groups.clear()
        ann.first_name = "Ann"
        ann.save(update_fields=["last_name"])
        ann.save()
        role.user_set.set([bob])
        role.user_set.clear()
        bob.delete()
        role.delete()
    assert [(action, name, said) for _who, action, _model, name, said in lines()] == [
        ("change", "Readers", "Added user “ann”."),
        ("change", "ann", "Deleted role “Readers”."),
        ("change", "ann", "Changed first name."),
        ("change", "Readers", "Added user “bob”."),
        ("change", "Readers", "Deleted user “bob”."),
        ("delete", "bob", ""),
        ("delete", "Readers", ""),
    ]
    User.objects.create(username="unseen")  # it listens to nothing any more
    assert not Entry.objects.filter(object_name="unseen").exists()


def test_a_page_writes_its_own_line_alone(client):
    client.force_login(make_user(username="root", is_superuser=True))
    before = Entry.objects.count()
    client.post(reverse("admin:auth_group_add"), {"name": "Readers"})
    assert Group.objects.filter(name="Readers").exists()
    assert Entry.objects.count() == before + 1
