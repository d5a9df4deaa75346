"""The last account that keeps the house stays, whatever writes."""

import json

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from backoffice import keepers
from backoffice.changes.deletion import Deletion
from tests.factories import make_user

pytestmark = pytest.mark.django_db

RIGHTS = ("auth.view_user", "auth.change_user")
BECAUSE_SUPERUSER = "no active superuser left"
BECAUSE_MANAGER = "Nobody who can manage accounts"


def rights():
    return Permission.objects.filter(codename__in=("view_user", "change_user"))


@pytest.fixture
def root():
    return make_user(username="root", is_superuser=True)


@pytest.fixture
def role():
    group = Group.objects.create(name="Keepers")
    group.permissions.set(rights())
    return group


@pytest.fixture
def keeper(role):
    """Manages accounts by a role; nobody else does."""
    user = make_user(username="keeper")
    user.groups.add(role)
    return user


def refused(why):
    return pytest.raises(keepers.LockedOut, match=why)


@pytest.mark.parametrize("flag", keepers.FLAGS)
def test_the_last_superuser_keeps_what_makes_one(root, flag):
    make_user(is_superuser=True, is_active=False)
    make_user(is_superuser=True, is_staff=False)
    setattr(root, flag, False)
    with refused(BECAUSE_SUPERUSER):
        root.save()
    with refused(BECAUSE_SUPERUSER):
        root.save(update_fields=[flag])
    make_user(is_superuser=True)
    root.save()


def test_other_writing_of_the_last_superuser_is_no_concern(root):
    root.first_name = "Ann"
    root.save()
    root.is_active = False
    root.save(update_fields=["last_login"])
    assert User.objects.get().is_active


def test_the_last_superuser_is_not_deleted(root):
    make_user()
    for rows in (root, User.objects.all(), User.objects.filter(username="root")):
        with refused(BECAUSE_SUPERUSER), transaction.atomic():
            rows.delete()
    make_user(is_superuser=True)
    root.delete()


@pytest.mark.parametrize("flag", ["is_active", "is_staff"])
def test_the_last_who_manages_accounts_keeps_what_it_takes(keeper, flag):
    make_user(permissions=RIGHTS[:1])
    make_user(permissions=RIGHTS, is_active=False)
    setattr(keeper, flag, False)
    with refused(BECAUSE_MANAGER):
        keeper.save()
    make_user(permissions=RIGHTS)
    keeper.save()


@pytest.mark.parametrize(
    "take",
    [
        lambda keeper, role: keeper.delete(),
        lambda keeper, role: role.delete(),
        lambda keeper, role: Group.objects.all().delete(),
        lambda keeper, role: keeper.groups.remove(role),
        lambda keeper, role: keeper.groups.clear(),
        lambda keeper, role: keeper.groups.set([]),
        lambda keeper, role: role.user_set.remove(keeper),
        lambda keeper, role: role.user_set.clear(),
        lambda keeper, role: role.permissions.remove(rights()[0]),
        lambda keeper, role: role.permissions.clear(),
        lambda keeper, role: rights()[1].group_set.remove(role),
    ],
)
def test_the_rights_of_the_last_who_manages_accounts_stay(keeper, role, take):
    with refused(BECAUSE_MANAGER), transaction.atomic():
        take(keeper, role)
    assert keepers.managers("default").get() == keeper
    other = make_user(permissions=RIGHTS)
    take(keeper, role)
    assert other in keepers.managers("default")


def test_own_permissions_count_as_those_of_a_role():
    user = make_user(permissions=RIGHTS)
    with refused(BECAUSE_MANAGER), transaction.atomic():
        user.user_permissions.remove(rights()[0])
    role = Group.objects.create(name="Viewers")
    role.permissions.add(Permission.objects.get(codename="view_user"))
    user.groups.add(role)
    user.user_permissions.remove(Permission.objects.get(codename="view_user"))
    assert keepers.managers("default").exists()


def test_two_that_go_together_are_both_the_last():
    for _time in range(2):
        make_user(is_superuser=True)
    with refused(BECAUSE_SUPERUSER), transaction.atomic():
        User.objects.all().delete()
    first, _second = User.objects.all()
    first.delete()


def test_where_nobody_keeps_the_house_nothing_is_refused(role):
    user = make_user(permissions=RIGHTS[:1])
    user.user_permissions.clear()
    role.permissions.clear()
    user.delete()


# What is written in SQL -----------------------------------------------------------------


def test_a_deletion_of_many_stops(root):
    make_user()
    with refused(BECAUSE_SUPERUSER):
        Deletion(User.objects.all()).run(title="2 users")
    assert User.objects.count() == 2
    Deletion(User.objects.exclude(pk=root.pk)).run(title="1 user")


def test_a_deletion_of_roles_stops(keeper, role):
    with refused(BECAUSE_MANAGER):
        Deletion(Group.objects.all()).run(title="1 role")
    assert keepers.managers("default").exists()


def test_a_block_that_takes_the_last_one_raises(root):
    with refused(BECAUSE_SUPERUSER), transaction.atomic(), keepers.kept("default", User):
        User.objects.update(is_superuser=False)
    assert keepers.superusers("default").exists()


def test_a_role_is_exchanged_for_another_at_once(keeper, role):
    other = Group.objects.create(name="Others")
    other.permissions.set(rights())
    with transaction.atomic(), keepers.kept("default", Group):
        other.user_set.add(keeper)
        role.user_set.remove(keeper)


def test_loading_the_roles_again_is_no_concern(root):
    for _time in range(2):
        call_command("loaddata", "roles", verbosity=0)


@pytest.mark.parametrize("validate", [True, False])
def test_a_fixture_does_not_take_the_last_superuser(root, tmp_path, validate):
    """A record is a whole one: what it leaves out is false."""
    path = tmp_path / "accounts.json"

    def load(*accounts):
        nodes = [{"model": "auth.user", "pk": pk, "fields": said} for pk, said in accounts]
        path.write_text(json.dumps(nodes))
        call_command("loaddata", str(path), validate=validate, verbosity=0)

    one = (root.pk, {"username": "root", "password": "!"})
    with pytest.raises(CommandError, match=BECAUSE_SUPERUSER):
        load(one)
    root.refresh_from_db()
    assert root.is_superuser
    flags = dict.fromkeys(keepers.FLAGS, True)
    load(one, (root.pk + 1, {"username": "other", "password": "!", **flags}))
    assert User.objects.get(is_superuser=True).username == "other"


def test_it_is_an_error_of_the_database_to_whoever_catches_those():
    assert issubclass(keepers.LockedOut, IntegrityError)
