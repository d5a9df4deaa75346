"""Import profiles in the admin: who sees them, and what can be changed."""

import datetime
import json

import pytest

from backoffice.changes.profiles import Profile
from tests.backoffice.admin.pages import form_data, url
from tests.factories import make_user

pytestmark = pytest.mark.django_db

RIGHTS = ["library.view_library", "library.add_library", "library.change_library"]


@pytest.fixture
def profile():
    return Profile.objects.create(
        name="County",
        model="library.Library",
        resource="library.resources.LibraryResource",
        headers=["Wo", "PLZ"],
        options={
            "overrides": {"name": "Wo", "address": ""},
            "constants": {"state": "VT"},
            "values": {"phone_number": {"N/A": ""}},
            "delimiter": "\t",
            "clear_blank": True,
            "match": ["name"],
        },
    )


def change(client, profile, **fields):
    options = json.dumps(profile.options)
    data = {"name": profile.name, "options": options, "initial-options": options, "mail": "on"}
    return client.post(url(Profile, "change", profile.pk), data | fields)


def test_what_a_colleague_has_changed_is_not_written_over(admin_client, profile):
    address = url(Profile, "change", profile.pk)
    data = form_data(admin_client.get(address))
    now = {"constants": {"state": "NH"}}
    Profile.objects.update(options=now)
    mine = {"options": json.dumps({"constants": {"state": "NY"}})}
    sent = admin_client.post(address, data | mine)
    assert "Options is now “{&quot;constants&quot;: {&quot;state&quot;: &quot;NH" in sent.text
    assert admin_client.post(address, data | {"name": "Town"}).status_code == 302
    profile.refresh_from_db()
    assert (profile.name, profile.options) == ("Town", now)


def test_a_profile_is_told_in_words(admin_client, profile):
    page = admin_client.get(url(Profile, "change", profile.pk)).text
    for text in (
        "name from the column “Wo”",
        "address from no column",
        "state is “VT” in every row",
        "phone_number: “N/A” is read as “”",
        "Between cells: tab",
        "A blank cell clears the present value</div>",
        "Records are told apart by: name",
        "Wo, PLZ",
    ):
        assert text in page
    assert "County" in admin_client.get(url(Profile, "changelist")).text


def test_it_is_renamed_changed_and_deleted(admin_client, profile):
    options = {"constants": {"state": "NH"}}
    change(admin_client, profile, name="Town", options=json.dumps(options), mail="")
    profile.refresh_from_db()
    assert (profile.name, profile.options, profile.mail) == ("Town", options, False)
    admin_client.post(url(Profile, "delete", profile.pk), {"post": "yes"})
    assert not Profile.objects.exists()


@pytest.mark.parametrize(
    "options",
    [
        [],
        {"colour": 1},
        {"constants": {"colour": "red"}},
        {"constants": {"state": 1}},
        {"constants": "VT"},
        {"values": {"state": "VT"}},
        {"values": {"state": {"a": None}}},
        {"protected": ["colour"]},
        {"match": 1},
        {"alike": "perhaps"},
        {"only": "some"},
        {"header_row": "first"},
    ],
)
def test_choices_that_no_import_takes_are_refused(admin_client, profile, options):
    page = change(admin_client, profile, options=json.dumps(options))
    assert page.context["adminform"].form.errors["options"]


def test_whoever_may_import_sees_and_changes_them(client, profile):
    client.force_login(make_user(permissions=RIGHTS))
    assert "County" in client.get(url(Profile, "changelist")).text
    assert change(client, profile, name="Town").status_code == 302
    assert client.get(url(Profile, "add")).status_code == 403


def test_a_feed_has_a_time_and_a_folder(admin_client, profile, settings):
    address = url(Profile, "change", profile.pk)
    settings.IMPORT_FOLDER = ""
    assert "IMPORT_FOLDER is not set" in admin_client.get(address).text
    settings.IMPORT_FOLDER = "/srv/feeds"
    assert "/srv/feeds/County" in admin_client.get(address).text
    change(admin_client, profile, run_at="03:30")
    profile.refresh_from_db()
    assert profile.run_at == datetime.time(3, 30)


def test_nobody_is_made_the_owner_by_others(client, superuser, profile):
    """A feed writes in its owner's name."""
    owner, other = make_user(permissions=RIGHTS), make_user(permissions=RIGHTS)
    client.force_login(owner)
    change(client, profile)
    profile.refresh_from_db()
    assert profile.owner == owner  # it had none
    client.force_login(other)
    change(client, profile, owner=other.pk)
    profile.refresh_from_db()
    assert profile.owner == owner
    client.force_login(other)
    change(client, profile, run_at="03:30")
    profile.refresh_from_db()
    assert profile.owner == other  # who says what it does from now on
    client.force_login(superuser)
    change(client, profile, run_at="04:30", owner=owner.pk)
    profile.refresh_from_db()
    assert (profile.owner, profile.run_at) == (owner, datetime.time(4, 30))
    client.force_login(other)
    owner.is_active = False
    owner.save()
    change(client, profile)
    profile.refresh_from_db()
    assert profile.owner == other


@pytest.mark.parametrize(
    "rights", [[], RIGHTS[:2], ["library.add_patron", "library.change_patron"]]
)
def test_others_do_not(client, profile, rights):
    client.force_login(make_user(permissions=rights))
    listing = client.get(url(Profile, "changelist"))
    assert listing.status_code == 403 or "County" not in listing.text
    for page in ("change", "delete"):
        assert client.get(url(Profile, page, profile.pk)).status_code in (302, 403)
    change(client, profile, name="Mine")
    profile.refresh_from_db()
    assert profile.name == "County"
