"""Accounts: nobody can get or grant permissions that they don't have."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User

from backoffice.admin.base import PlainModelAdmin
from library.models import Book, Library
from tests.backoffice.admin.pages import form_data, perm, url
from tests.factories import make_user

pytestmark = pytest.mark.django_db

MAY_MANAGE = [
    perm(action, model)
    for model in (User, Group)
    for action in ("view", "add", "change", "delete")
]


def permission(label):
    app_label, codename = label.split(".")
    return Permission.objects.get(content_type__app_label=app_label, codename=codename)


@pytest.fixture
def manager(client):
    user = make_user(username="manager", permissions=[*MAY_MANAGE, perm("view", Book)])
    client.force_login(user)
    return user


def save(client, row, **changes):
    address = url(type(row), "change", row.pk)
    data = form_data(client.get(address), **changes)
    response = client.post(address, data)
    row.refresh_from_db()
    return response


def test_users_and_groups_are_on_our_base():
    for model in (User, Group):
        assert isinstance(admin.site.get_model_admin(model), PlainModelAdmin)


def test_a_manager_can_not_make_a_superuser(client, manager):
    colleague = make_user()
    page = client.get(url(User, "change", colleague.pk))
    assert "is_superuser" not in page.context["adminform"].form.fields
    for account in (colleague, manager):
        assert save(client, account, is_superuser="on").status_code == 302
        assert not account.is_superuser


def test_a_manager_grants_only_what_they_hold(client, manager):
    colleague = make_user()
    held, beyond = permission(perm("view", Book)), permission(perm("delete", Library))
    assert save(client, colleague, user_permissions=[held.pk]).status_code == 302
    response = save(client, colleague, user_permissions=[held.pk, beyond.pk])
    assert response.context["adminform"].form.errors["user_permissions"]
    assert list(colleague.user_permissions.all()) == [held]


def test_a_manager_puts_people_only_into_groups_within_their_own_reach(client, manager):
    colleague = make_user()
    small, big = Group.objects.create(name="small"), Group.objects.create(name="big")
    small.permissions.add(permission(perm("view", Book)))
    big.permissions.add(permission(perm("view", Book)), permission(perm("delete", Library)))
    assert save(client, colleague, groups=[small.pk]).status_code == 302
    response = save(client, colleague, groups=[small.pk, big.pk])
    assert response.context["adminform"].form.errors["groups"]
    assert list(colleague.groups.all()) == [small]


def test_permissions_held_by_a_group_count_as_held(client):
    group = Group.objects.create(name="managers")
    group.permissions.set([permission(label) for label in MAY_MANAGE])
    user = make_user()
    user.groups.add(group)
    client.force_login(user)
    colleague = make_user()
    assert save(client, colleague, groups=[group.pk]).status_code == 302
    assert list(colleague.groups.all()) == [group]


def accounts_beyond():
    superuser = make_user(username="root", is_superuser=True)
    stronger = make_user(username="stronger", permissions=[perm("delete", Library)])
    asleep = make_user(
        username="asleep", permissions=[perm("delete", Library)], is_active=False
    )
    return [superuser, stronger, asleep]


def test_a_manager_can_not_touch_an_account_that_may_do_more(client, manager):
    for account in accounts_beyond():
        assert client.get(url(User, "change", account.pk)).status_code == 200
        response = client.post(url(User, "change", account.pk), {"username": "mine"})
        assert response.status_code == 403
        password = {"password1": "x9-Kd02-lq", "password2": "x9-Kd02-lq"}
        address = f"{url(User, 'changelist')}{account.pk}/password/"
        assert client.post(address, password).status_code == 403
        assert client.post(url(User, "delete", account.pk), {"post": "yes"}).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": account.pk, "post": "yes"}
        assert client.post(url(User, "changelist"), chosen).status_code in (200, 403)
        before = account.username
        account.refresh_from_db()
        assert account.username == before


def test_a_manager_changes_the_password_of_an_account_within_reach(client, manager):
    colleague = make_user()
    address = f"{url(User, 'changelist')}{colleague.pk}/password/"
    data = {
        "usable_password": "true",
        "password1": "x9-Kd02-lq",
        "password2": "x9-Kd02-lq",
        "set-password": "",
    }
    assert client.post(address, data).status_code == 302
    colleague.refresh_from_db()
    assert colleague.check_password("x9-Kd02-lq")


def test_a_manager_can_not_widen_a_group(client, manager):
    group = Group.objects.create(name="own")
    manager.groups.add(group)
    beyond = permission(perm("delete", Library))
    response = save(client, group, permissions=[beyond.pk])
    assert response.context["adminform"].form.errors["permissions"]
    group.permissions.add(beyond)
    other = Group.objects.create(name="other")
    other.permissions.add(permission(perm("change", Library)))
    assert client.post(url(Group, "change", other.pk), {"name": "x"}).status_code == 403
    assert client.post(url(Group, "delete", other.pk), {"post": "yes"}).status_code == 403


def test_a_superuser_may_do_all_of_it(admin_client):
    colleague = make_user()
    beyond = permission(perm("delete", Library))
    response = save(admin_client, colleague, is_superuser="on", user_permissions=[beyond.pk])
    assert response.status_code == 302
    assert colleague.is_superuser
    assert list(colleague.user_permissions.all()) == [beyond]


def test_a_new_account_is_made_in_two_steps(client, manager):
    data = {"username": "fresh", "usable_password": "true"}
    data |= dict.fromkeys(("password1", "password2"), "x9-Kd02-lq")
    response = client.post(url(User, "add"), data)
    assert response.url == url(User, "change", User.objects.get(username="fresh").pk)
