"""What others need of an account that is deleted is handed over, and the page says so."""

import pytest
from django.contrib.auth.models import User

from backoffice.admin.accounts import handover
from backoffice.changes.profiles import Profile
from backoffice.exports.profiles import ExportProfile
from backoffice.filters.models import SavedFilter
from tests.backoffice.admin.pages import perm, statements, url
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def save_filter(user, name, **fields):
    defaults = {"model": "library.Library", "query": "state=NJ", "shared": True}
    return SavedFilter.objects.create(user=user, name=name, **defaults | fields)


@pytest.fixture
def bob():
    """Owns two shared filters, one of his own, and an import profile."""
    user = make_user(username="bob")
    save_filter(user, "New Jersey")
    save_filter(user, "New York")
    save_filter(user, "Mine", shared=False)
    Profile.objects.create(name="County", model="library.Library", owner=user)
    return user


def delete(client, user, **data):
    return client.post(url(User, "delete", user.pk), {"post": "yes"} | data, follow=True)


def owned(user):
    """The names of all that a user owns."""
    filters = SavedFilter.objects.filter(user=user).values_list("name", flat=True)
    return sorted(
        [*filters, *Profile.objects.filter(owner=user).values_list("name", flat=True)]
    )


def test_the_page_says_what_is_handed_over_and_what_goes(admin_client, superuser, bob):
    page = admin_client.get(url(User, "delete", bob.pk))
    assert "2 saved views: New Jersey, New York" in page.text
    assert "1 import profile: County" in page.text
    assert "make the account inactive instead" in page.text
    going = page.text.split('id="deleted-objects"')[1].split("</ul>")[0]
    assert "Mine" in going
    assert "New Jersey" not in going
    assert owned(bob) == ["County", "Mine", "New Jersey", "New York"]


def test_it_goes_to_whoever_deletes(admin_client, superuser, bob):
    save_filter(superuser, "New York", query="state=NY")
    done = delete(admin_client, bob)
    assert owned(superuser) == ["County", "New Jersey", "New York", "New York (2)"]
    assert not SavedFilter.objects.filter(name="Mine").exists()
    assert "Handed over to admin: 2 saved views: New Jersey, New York" in done.text


def test_so_do_the_export_profiles_that_others_use(admin_client, superuser, bob):
    for user, name, shared in (
        (superuser, "Post", True),
        (bob, "Post", True),
        (bob, "X", False),
    ):
        ExportProfile.objects.create(
            user=user, model="library.Library", name=name, format="csv", shared=shared
        )
    page = admin_client.get(url(User, "delete", bob.pk))
    assert "1 export profile: Post" in page.text
    delete(admin_client, bob)
    kept = ExportProfile.objects.filter(user=superuser).values_list("name", flat=True)
    assert sorted(kept) == ["Post", "Post (2)"]
    assert ExportProfile.objects.count() == 2


def test_a_superuser_chooses_somebody(admin_client, superuser, bob):
    ann = make_user(username="ann")
    assert "hand_over_to" in admin_client.get(url(User, "delete", bob.pk)).text
    delete(admin_client, bob, hand_over_to=ann.pk)
    assert owned(ann) == ["County", "New Jersey", "New York"]
    assert owned(superuser) == []


@pytest.mark.parametrize("who", ["inactive", "the account itself", "nobody"])
def test_who_can_not_own_it_is_refused(admin_client, bob, who):
    inactive = make_user(is_active=False)
    chosen = {"inactive": inactive.pk, "the account itself": bob.pk, "nobody": "x"}[who]
    done = delete(admin_client, bob, hand_over_to=chosen)
    assert "Nothing was deleted: choose an active account of staff." in done.text
    assert owned(bob) == ["County", "Mine", "New Jersey", "New York"]


def test_of_many_accounts_one_is_named(admin_client, bob, monkeypatch):
    monkeypatch.setattr(handover, "OFFERED", 1)
    ann = make_user(username="ann")
    page = admin_client.get(url(User, "delete", bob.pk))
    assert 'name="hand_over_to" value="admin"' in page.text
    delete(admin_client, bob, hand_over_to="ann")
    assert owned(ann) == ["County", "New Jersey", "New York"]


def test_others_get_it_themselves(client, bob):
    actions = ("view", "change", "delete")
    manager = make_user(username="manager", permissions=[perm(a, User) for a in actions])
    client.force_login(manager)
    page = client.get(url(User, "delete", bob.pk))
    assert "hand_over_to" not in page.text
    assert "manager will own it." in page.text
    ann = make_user()
    delete(client, bob, hand_over_to=ann.pk)
    assert owned(manager) == ["County", "New Jersey", "New York"]


def test_who_deletes_their_own_account_leaves_it_to_a_superuser(client, superuser):
    leaving = make_user(is_superuser=True)
    save_filter(leaving, "Ours")
    client.force_login(leaving)
    delete(client, leaving)
    assert owned(superuser) == ["Ours"]


def test_several_accounts_at_once(admin_client, superuser, bob):
    ann = make_user(username="ann")
    save_filter(ann, "New York")
    form = {"action": "delete_selected", "_selected_action": [ann.pk, bob.pk]}
    page = admin_client.post(url(User, "changelist"), form)
    assert "3 saved views: " in page.text
    sure = form | {"post": "yes", "expected": page.context["expected"]}
    admin_client.post(url(User, "changelist"), sure)
    assert owned(superuser) == ["County", "New Jersey", "New York", "New York (2)"]
    assert not User.objects.filter(username__in=["ann", "bob"]).exists()


def test_the_page_takes_as_many_statements_for_many_filters_as_for_few(admin_client, bob):
    few = statements(admin_client, url(User, "delete", bob.pk))
    for n in range(30):
        save_filter(bob, f"Filter {n}")
    assert statements(admin_client, url(User, "delete", bob.pk)) == few
