"""The choices of an export, kept under a name, and chosen again."""

import re

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.urls import reverse

from backoffice.admin.lists import export_profiles
from backoffice.exports.profiles import ExportProfile
from library.models import Librarian, Library
from tests.backoffice.admin.lists.test_exports import EXPORT, FIELDS, NUMBERS, table, unread
from tests.backoffice.admin.pages import perm, url
from tests.factories import limit, make_librarian, make_library, make_user

pytestmark = pytest.mark.django_db

RIGHTS = [perm("view", Library), perm("export", Library)]


def make_profile(user, **fields):
    defaults = {
        "model": "library.Library",
        "name": "Post",
        "resource": "LibraryResource",
        "columns": ["zip_code", "name"],
        "format": "csv",
        "encoding": "utf-8-sig",
    }
    return ExportProfile.objects.create(user=user, **defaults | fields)


@pytest.fixture
def ann(client):
    user = make_user(username="ann", permissions=RIGHTS)
    client.force_login(user)
    return user


def use(client, profile, **data):
    sent = {"profile": profile.pk if profile else "", "_use": "1", **data}
    return client.post(reverse(EXPORT), sent)


def filled_in(page):
    """What the page's form sends if nobody changes it."""
    form = page.context["form"]
    data = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in data.items() if value not in (None, False)}


def export(client, data, query=""):
    response = client.post(reverse(EXPORT) + query, data)
    assert response.streaming, response.context["form"].errors
    response.streaming_content = [b"".join(response.streaming_content)]
    return table(response)


def test_choices_are_kept_and_used_again(client, ann):
    make_library(name="Apple", zip_code="10001")
    kept = unread(
        client,
        columns=("name", "zip_code"),
        name="tsv",
        encoding="utf-8-sig",
        position_libraryresource_zip_code="1",
        profile_name=" Post ",
        profile_shared="on",
        _keep="1",
    )
    assert "The choices are kept as the profile “Post”." in kept.text
    profile = ExportProfile.objects.get()
    assert (profile.user, profile.name, profile.shared) == (ann, "Post", True)
    assert (profile.model, profile.resource) == ("library.Library", "LibraryResource")
    assert profile.columns == ["zip_code", "name"]
    assert (profile.format, profile.encoding) == ("tsv", "utf-8-sig")
    data = filled_in(use(client, profile))
    assert (data["format"], data["encoding"]) == (NUMBERS["tsv"], "utf-8-sig")
    rows = export(client, data | {"format": NUMBERS["csv"]})
    assert rows == [["zip_code", "name"], ["10001", "Apple"]]


def test_without_a_profile_the_page_is_as_always(client, ann):
    make_profile(ann)
    page = client.get(reverse(EXPORT))
    assert page.context["form"]["profile"].value() is None
    assert filled_in(use(client, None)) == filled_in(page)
    assert [name for name in FIELDS if f"libraryresource_{name}" in filled_in(page)] == [
        *FIELDS
    ]


def test_a_column_moves_from_the_place_at_which_it_was_shown(client, ann):
    make_library()
    profile = make_profile(ann, columns=["zip_code", "state", "name"])
    data = filled_in(use(client, profile)) | {"position_libraryresource_name": "1"}
    assert export(client, data)[0] == ["name", "zip_code", "state"]
    data |= {"position_libraryresource_name": "3", "position_libraryresource_zip_code": "2"}
    assert export(client, data)[0] == ["state", "zip_code", "name"]


def test_the_columns_are_shown_in_the_profile_s_order(client, ann):
    page = use(client, make_profile(ann))
    shown = re.findall(r'type="checkbox" name="libraryresource_(\w+)"', page.text)
    assert shown[:3] == ["zip_code", "name", "address"]
    page = client.post(reverse(EXPORT), filled_in(page) | {"format": "99"})
    assert re.findall(r'type="checkbox" name="libraryresource_(\w+)"', page.text) == shown


@pytest.mark.parametrize("order", ["x,,libraryresource_state", "libraryresource_state"])
def test_an_order_that_was_made_up_shows_and_hides_nothing(client, ann, order):
    make_library()
    data = filled_in(client.get(reverse(EXPORT))) | {"order": order, "format": "0"}
    data = {name: value for name, value in data.items() if "position" not in name}
    assert set(export(client, data)[0]) >= set(FIELDS)


def test_the_profile_in_use_is_changed_under_its_name(client, ann):
    profile = make_profile(ann, shared=True)
    data = filled_in(use(client, profile)) | {"libraryresource_state": "on", "_keep": "1"}
    client.post(reverse(EXPORT), data)
    profile.refresh_from_db()
    assert profile.columns == ["zip_code", "name", "state"]
    assert profile.shared
    assert ExportProfile.objects.count() == 1


def test_another_s_name_is_no_obstacle_and_one_s_own_is_asked_about(client, ann):
    theirs = make_profile(make_user(), shared=True)
    data = filled_in(use(client, theirs)) | {"_keep": "1"}
    client.post(reverse(EXPORT), data)  # a copy of it
    mine = ExportProfile.objects.get(user=ann)
    assert mine.columns == theirs.columns
    assert not mine.shared  # nobody said so
    fresh = filled_in(client.get(reverse(EXPORT))) | {"profile_name": "Post", "_keep": "1"}
    page = client.post(reverse(EXPORT), fresh | {"format": NUMBERS["csv"]})
    assert "You already have a profile of this name." in page.text
    mine.refresh_from_db()
    assert mine.columns == theirs.columns
    page = client.post(reverse(EXPORT), fresh | {"format": NUMBERS["csv"], "profile_name": ""})
    assert "Name it" in page.text
    assert "No profile was kept." in page.text
    assert ExportProfile.objects.count() == 2


def test_own_and_shared_ones_of_the_model_are_offered(client, ann):
    bob = make_user(username="bob")
    make_profile(ann, name="Mine")
    secret = make_profile(bob, name="Bob's secret")
    make_profile(bob, name="Ours", shared=True)
    make_profile(bob, name="Of patrons", shared=True, model="library.Patron")
    text = client.get(reverse(EXPORT)).text
    assert ">Mine</option>" in text
    assert ">Ours (somebody else)</option>" in text
    assert "secret" not in text
    assert "Of patrons" not in text
    assert filled_in(use(client, secret)) == filled_in(use(client, None))


def test_columns_that_are_gone_are_told(client, ann):
    page = use(client, make_profile(ann, columns=["name", "fax"], format="dbf"))
    assert "not there any more, or that you may not see: fax." in page.text
    data = filled_in(page)
    assert [name for name in data if name.startswith("libraryresource_")] == [
        "libraryresource_name"
    ]
    assert "format" not in data


def test_a_profile_gives_no_column_that_the_user_may_not_see(client, ann):
    make_librarian(library=make_library())
    profile = make_profile(make_user(), columns=["name", "librarian"], shared=True)
    page = use(client, profile)
    assert page.context["form"].lost == ["Librarian"]
    data = filled_in(page)
    assert export(client, data | {"libraryresource_librarian": "on"})[0] == ["name"]
    client.force_login(make_user(permissions=[*RIGHTS, perm("view", Librarian)]))
    page = use(client, profile)
    assert page.context["form"].lost == []
    assert export(client, filled_in(page))[0] == ["name", "librarian"]


def test_whoever_may_not_export_uses_and_keeps_none(client):
    user = make_user(permissions=[perm("view", Library)])
    client.force_login(user)
    assert use(client, make_profile(user)).status_code == 403
    assert unread(client, profile_name="x", _keep="1").status_code == 403
    assert ExportProfile.objects.count() == 1


def test_ticked_rows_stay_ticked(client, ann):
    make_library(name="Apple")
    berry = make_library(name="Berry")
    profile = make_profile(ann)
    page = use(client, profile, **{ACTION_CHECKBOX_NAME: [str(berry.pk)]})
    data = filled_in(page) | {ACTION_CHECKBOX_NAME: page.context["ticked"]}
    kept = client.post(reverse(EXPORT), data | {"_keep": "1"})
    assert kept.context["ticked"] == [str(berry.pk)]
    assert [row[1] for row in export(client, data)[1:]] == ["Berry"]


def test_users_with_limits_see_their_own_alone(client, ann):
    limit(ann, make_library())
    make_profile(make_user(), name="Ours", shared=True)
    make_profile(ann, name="Mine")
    offered = client.get(reverse(EXPORT)).context["profiles"]
    assert [profile.name for profile in offered] == ["Mine"]


def test_staff_rename_share_and_remove_their_own(client, ann):
    mine = make_profile(ann)
    make_profile(ann, name="Other")
    theirs = make_profile(make_user(), shared=True)
    text = client.get(url(ExportProfile, "changelist")).text
    assert f'href="{reverse(EXPORT)}"' in text
    change = url(ExportProfile, "change", mine.pk)
    assert "ZIP code, Name" in client.get(change).text
    assert "You already have a profile" in client.post(change, {"name": "Other"}).text
    client.post(change, {"name": "Renamed", "shared": "on"})
    mine.refresh_from_db()
    assert (mine.name, mine.shared) == ("Renamed", True)
    assert (
        client.post(url(ExportProfile, "change", theirs.pk), {"name": "x"}).status_code == 302
    )
    client.post(url(ExportProfile, "delete", mine.pk), {"post": "yes"})
    client.post(url(ExportProfile, "delete", theirs.pk), {"post": "yes"})
    assert set(ExportProfile.objects.values_list("name", flat=True)) == {"Other", "Post"}


def test_the_menu_has_them_for_those_who_export(client, ann):
    line = f'href="{url(ExportProfile, "changelist")}"'
    assert line in client.get(reverse("admin:index")).text
    client.force_login(make_user(permissions=[perm("view", Library)]))
    assert line not in client.get(reverse("admin:index")).text


def test_a_profile_s_model_may_be_gone(client, ann):
    gone = make_profile(ann, model="gone.Model")
    assert "zip_code, name" in client.get(url(ExportProfile, "change", gone.pk)).text
    assert "gone.Model" in client.get(url(ExportProfile, "changelist")).text
    assert Library._meta.label not in client.get(url(ExportProfile, "changelist")).text


def test_the_site_may_have_no_export_of_a_profile_s_model_any_more(client, ann):
    gone = make_profile(ann, model="sessions.Session")
    page = client.get(url(ExportProfile, "changelist"))
    assert ">Sessions</td>" in page.text
    assert client.get(url(ExportProfile, "change", gone.pk)).status_code == 200


def test_two_windows_that_keep_one_new_name_at_once_overwrite_nothing(client, ann, monkeypatch):
    def meanwhile(request, model):
        make_profile(ann, name="New")  # by the other window, after this one has looked
        return None

    monkeypatch.setattr(export_profiles, "chosen", meanwhile)
    data = filled_in(client.get(reverse(EXPORT))) | {"profile_name": "New", "_keep": "1"}
    page = client.post(reverse(EXPORT), data | {"format": NUMBERS["xlsx"]})
    assert "You already have a profile of this name." in page.text
    assert "No profile was kept." in page.text
    assert ExportProfile.objects.get().columns == ["zip_code", "name"]


def test_a_resource_that_is_called_otherwise_now_is_told(client, ann):
    told = "are not there any more, or are called otherwise now"
    assert told not in use(client, make_profile(ann)).text
    page = use(client, make_profile(ann, name="Old", resource="BranchResource"))
    assert told in page.text
    client.post(reverse(EXPORT), filled_in(page) | {"_keep": "1"})  # as the page says
    profile = ExportProfile.objects.get(name="Old")
    assert profile.resource == "LibraryResource"
    assert told not in use(client, profile).text
