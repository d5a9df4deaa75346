"""The pages of accounts and roles: nobody is locked out, and who gives up rights is asked."""

import re
import threading

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.urls import reverse

from backoffice import keepers
from library.models import Book
from tests.backoffice.admin.pages import perm, sent, url
from tests.factories import make_user

pytestmark = pytest.mark.django_db

MANAGE = [
    perm(action, model)
    for model in (User, Group)
    for action in ("view", "add", "change", "delete")
]


def change(client, row, **values):
    address = url(type(row), "change", row.pk)
    data = sent(client.get(address)) | values
    return client.post(address, {k: v for k, v in data.items() if v is not None}, follow=True)


def errors(page):
    return " ".join(map(str, page.context["adminform"].form.non_field_errors()))


def permission(label):
    app_label, codename = label.split(".")
    return Permission.objects.get(content_type__app_label=app_label, codename=codename)


@pytest.fixture
def role():
    group = Group.objects.create(name="Keepers")
    group.permissions.set(map(permission, MANAGE))
    return group


@pytest.fixture
def keeper(client, role):
    user = make_user(username="keeper")
    user.groups.add(role)
    client.force_login(user)
    return user


# The last ones --------------------------------------------------------------------------


@pytest.mark.parametrize("flag", keepers.FLAGS)
def test_the_form_says_why_and_keeps_what_was_typed(admin_client, superuser, flag):
    page = change(admin_client, superuser, first_name="Ann", **{flag: None})
    assert "Make somebody else one first" in errors(page)
    assert 'value="Ann"' in page.text
    superuser.refresh_from_db()
    assert getattr(superuser, flag)
    assert not superuser.first_name


def test_the_last_superuser_is_deleted_by_no_page(admin_client, superuser):
    page = admin_client.post(url(User, "delete", superuser.pk), {"post": "yes"}, follow=True)
    assert "Make somebody else one first" in page.text
    chosen = {"action": "delete_selected", "_selected_action": superuser.pk, "post": "yes"}
    page = admin_client.post(url(User, "changelist"), chosen, follow=True)
    assert "Make somebody else one first" in page.text
    assert User.objects.filter(pk=superuser.pk).exists()


def test_the_last_who_manages_accounts_keeps_the_role(client, keeper, role):
    assert "Nobody who can manage accounts" in errors(change(client, keeper, groups=[]))
    left = [p.pk for p in role.permissions.exclude(codename="change_user")]
    assert "Nobody who can manage accounts" in errors(change(client, role, permissions=left))
    page = client.post(url(Group, "delete", role.pk), {"post": "yes"}, follow=True)
    assert "Nobody who can manage accounts" in page.text
    assert keepers.managers("default").get() == keeper


def test_the_last_who_manages_accounts_gets_another_role_at_once(client, keeper, role):
    other = Group.objects.create(name="Others")
    other.permissions.set(role.permissions.all())
    assert change(client, keeper, groups=[other.pk]).redirect_chain
    assert list(keeper.groups.all()) == [other]


def disable_password(client, user):
    data = {"usable_password": "false", "unset-password": ""}
    page = client.post(reverse("admin:auth_user_password_change", args=[user.pk]), data)
    user.refresh_from_db()
    return page


@pytest.mark.parametrize("fields", [{"is_superuser": True}, {"permissions": MANAGE}])
def test_the_last_password_of_a_keeper_is_not_disabled(client, fields):
    make_user(username="single-sign-on", **fields)
    make_user(username="clerk", password="x9-Kd02-lq")
    user = make_user(username="keeper", password="x9-Kd02-lq", **fields)
    client.force_login(user)
    assert (
        "Nobody else who could look after the accounts" in disable_password(client, user).text
    )
    assert user.has_usable_password()
    make_user(password="x9-Kd02-lq", **fields)
    assert disable_password(client, user).status_code == 302
    assert not user.has_usable_password()


def test_the_password_of_somebody_else_is_disabled(admin_client, superuser):
    assert not superuser.has_usable_password()
    clerk = make_user(username="clerk", password="x9-Kd02-lq")
    assert disable_password(admin_client, clerk).status_code == 302
    assert not clerk.has_usable_password()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_two_who_demote_each_other_at_once_leave_one():
    people = [make_user(username=name, is_superuser=True) for name in ("ann", "bob")]
    both, sends = threading.Barrier(2), []
    for viewer, other in (people, people[::-1]):
        client, address = Client(), url(User, "change", other.pk)
        client.force_login(viewer)
        data = sent(client.get(address))
        data.pop("is_superuser")
        sends.append((client, address, data))

    def demote(client, address, data):
        try:
            both.wait(30)
            client.post(address, data)
        finally:
            connection.close()

    threads = [threading.Thread(target=demote, args=send) for send in sends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keepers.superusers("default").count() == 1


# One's own rights -----------------------------------------------------------------------


def confirmed(page):
    (value,) = re.findall(r'name="give-up" value="(\w+)"', page.text)
    return {"give-up": value}


def test_who_gives_up_rights_is_asked_first(admin_client, superuser):
    make_user(is_superuser=True)
    page = change(admin_client, superuser, is_superuser=None, first_name="Ann")
    assert "You would no longer be a superuser" in errors(page)
    superuser.refresh_from_db()
    assert superuser.is_superuser
    data = sent(page) | confirmed(page)
    admin_client.post(url(User, "change", superuser.pk), data)
    superuser.refresh_from_db()
    assert (superuser.is_superuser, superuser.first_name) == (False, "Ann")


@pytest.mark.parametrize("flag", ["is_active", "is_staff"])
def test_who_could_not_sign_in_any_more_is_told(admin_client, superuser, flag):
    make_user(is_superuser=True)
    assert "could not sign in" in errors(change(admin_client, superuser, **{flag: None}))


def test_what_would_be_lost_is_said_in_words(client, keeper, role):
    make_user(is_superuser=True)
    readers = Group.objects.create(name="Readers")
    readers.permissions.add(permission(perm("view", Book)), permission(perm("view", User)))
    keeper.groups.add(readers)
    said = errors(change(client, keeper, groups=[role.pk]))
    assert "Books: view" in said
    assert "sers: view" not in said  # by the other role
    left = [p.pk for p in readers.permissions.exclude(codename="view_book")]
    page = change(client, readers, permissions=left)
    assert "Books: view" in errors(page)
    assert readers.permissions.count() == 2
    client.post(url(Group, "change", readers.pk), sent(page) | confirmed(page))
    assert readers.permissions.count() == 1


def test_what_takes_no_right_of_ones_own_is_not_asked(client, keeper, role):
    other = make_user(permissions=[perm("view", User)])
    assert change(client, other, user_permissions=[]).redirect_chain
    assert change(client, keeper, first_name="Ann").redirect_chain
    keeper.user_permissions.add(permission(perm("view", User)))
    assert change(client, keeper, user_permissions=[]).redirect_chain
    assert change(client, role, name="Others").redirect_chain


def test_a_deletion_says_what_of_ones_own_goes_with_it(client, keeper, role):
    make_user(is_superuser=True)
    other, readers = make_user(), Group.objects.create(name="Readers")
    readers.permissions.add(permission(perm("view", Book)), permission(perm("view", User)))
    keeper.groups.add(readers)
    said = "These are rights of your own"
    for row, is_own in ((keeper, True), (other, False), (readers, True)):
        page = client.get(url(type(row), "delete", row.pk))
        assert (said in page.text) == is_own
        chosen = {"action": "delete_selected", "_selected_action": row.pk}
        page = client.post(url(type(row), "changelist"), chosen)
        assert (said in page.text) == is_own
    assert page.context["given_up"] == ["Books: view"]


# Roles and staff ------------------------------------------------------------------------


def test_whoever_gets_a_role_is_staff(admin_client, role):
    clerk = make_user(username="clerk", is_staff=False)
    page = change(admin_client, clerk, groups=[role.pk])
    clerk.refresh_from_db()
    assert clerk.is_staff
    assert "“clerk” is staff now" in page.text


def test_what_becomes_of_staff_without_a_role_is_said(admin_client, role):
    clerk = make_user(username="clerk")
    clerk.groups.add(role)
    page = change(admin_client, clerk, groups=[])
    clerk.refresh_from_db()
    assert clerk.is_staff
    assert "“clerk” has no role any more, and is still staff" in page.text


def test_a_role_without_staff_is_said_to_be_of_no_use(admin_client, role):
    clerk = make_user(username="clerk")
    clerk.groups.add(role)
    assert "can&#x27;t sign in here" in change(admin_client, clerk, is_staff=None).text
