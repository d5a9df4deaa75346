"""Filters kept under a name: saving, sharing, renaming, removing."""

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.urls import reverse

from backoffice.admin.lists import filtersets
from backoffice.filters.models import SavedFilter
from library.models import Library, Patron
from tests.backoffice.admin.pages import url
from tests.factories import make_user

pytestmark = pytest.mark.django_db

SAVE = "/admin/library/library/save-filter/"


def make_saved(user, **fields):
    defaults = {"model": "library.Library", "name": "Jersey", "query": "state=NJ"}
    return SavedFilter.objects.create(user=user, **defaults | fields)


@pytest.fixture
def ann(client):
    make_user()  # somebody else came first
    user = make_user(username="ann", permissions=["library.view_library"])
    client.force_login(user)
    return user


def test_a_list_is_saved_under_a_name(client, ann):
    query = "?state=NJ&state=NY&name=b&q=x&o=-2&p=3&all=&e=1&zip_code="
    response = client.post(SAVE + query, {"name": "Jersey", "shared": "on"})
    saved = SavedFilter.objects.get()
    assert (saved.user, saved.model, saved.name) == (ann, "library.Library", "Jersey")
    assert (saved.query, saved.shared) == ("name=b&o=-2&q=x&state=NJ&state=NY", True)
    assert response.url == url(Library, "changelist") + "?" + saved.query


def test_a_list_shows_own_and_shared_filters_of_its_model(client, ann):
    bob = make_user(username="bob")
    make_saved(ann, name="Mine")
    make_saved(bob, name="Bob's secret")
    make_saved(bob, name="Ours", shared=True, query="state=NY")
    make_saved(bob, name="Of patrons", shared=True, model="library.Patron")
    text = client.get(url(Library, "changelist") + "?state=NJ").text
    assert '<a href="?state=NJ" aria-current="true">Mine</a>' in text
    assert '<a href="?state=NY">Ours <small>(somebody else)</small></a>' in text
    assert "secret" not in text
    assert "Of patrons" not in text
    client.force_login(make_user(permissions=["library.view_library", "auth.view_user"]))
    assert "(bob)" in client.get(url(Library, "changelist")).text


def test_a_shared_filter_shows_each_their_rows(client, ann):
    make_saved(make_user(), shared=True, model="library.Patron", query="library__state=NJ")
    assert client.get(url(Patron, "changelist") + "?library__state=NJ").status_code == 403


def test_a_filter_is_offered_to_be_saved_once(client, ann):
    address = url(Library, "changelist")
    assert 'id="save-filter"' not in client.get(address).text
    assert 'id="save-filter"' in client.get(address + "?state=NJ").text
    make_saved(ann)
    assert 'id="save-filter"' not in client.get(address + "?state=NJ").text


def test_ones_own_come_before_any_number_of_others(client, ann, monkeypatch):
    monkeypatch.setattr(filtersets, "SAVED", 2)
    for name in ("Apple", "Berry"):
        make_saved(make_user(), name=name, shared=True)
    make_saved(ann, name="Cherry")
    shown = client.get(url(Library, "changelist")).context["cl"].saved_filters
    assert [saved.name for saved in shown] == ["Cherry", "Apple"]


def test_a_name_that_is_taken_is_asked_about(client, ann):
    make_saved(ann)
    make_saved(make_user(), name="Theirs")
    page = client.post(SAVE + "?state=NY", {"name": "Jersey"})
    assert page.status_code == 200
    assert "You already have a view of this name" in page.text
    assert 'value="Jersey"' in page.text
    assert SavedFilter.objects.get(user=ann).query == "state=NJ"
    client.post(SAVE + "?state=NY", {"name": "Jersey", "replace": "on"})
    assert SavedFilter.objects.get(user=ann).query == "state=NY"
    client.post(SAVE + "?state=NY", {"name": "Theirs"})
    assert SavedFilter.objects.filter(user=ann).count() == 2


@pytest.mark.parametrize("name", ["", "   ", "\x00", "\u200b", "a" * 101])
def test_a_name_that_can_t_be_is_refused(client, ann, name):
    page = client.post(SAVE + "?state=NY", {"name": name})
    assert page.context["form"].errors["name"]
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize("query", ["", "?p=2", "?patron_count_min=x", "?nome=x", "?state=ZZ"])
def test_what_is_no_filter_is_not_saved(client, ann, query):
    assert client.post(SAVE + query, {"name": "x"}).status_code == 302
    assert not SavedFilter.objects.exists()


def test_saving_takes_the_right_to_view(client):
    assert client.post(SAVE + "?state=NY", {"name": "x"}).url.startswith("/admin/login/")
    client.force_login(make_user(permissions=["library.view_patron"]))
    assert client.post(SAVE + "?state=NY", {"name": "x"}).status_code == 403
    assert not SavedFilter.objects.exists()


def test_saving_is_no_link(ann):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    assert client.get(SAVE + "?state=NY&name=x").status_code == 200
    assert client.post(SAVE + "?state=NY", {"name": "x"}).status_code == 403
    assert not SavedFilter.objects.exists()


def test_staff_rename_share_and_remove_their_own(client, ann):
    mine = make_saved(ann)
    make_saved(ann, name="Other")
    change = url(SavedFilter, "change", mine.pk)
    assert "You already have a view" in client.post(change, {"name": "Other"}).text
    client.post(change, {"name": "Renamed", "shared": "on"})
    mine.refresh_from_db()
    assert (mine.name, mine.shared, mine.query) == ("Renamed", True, "state=NJ")
    client.post(url(SavedFilter, "delete", mine.pk), {"post": "yes"})
    assert not SavedFilter.objects.filter(pk=mine.pk).exists()


def test_anothers_is_out_of_reach(client, ann):
    theirs = make_saved(make_user(), shared=True)
    assert theirs.name not in client.get(url(SavedFilter, "changelist")).text
    for page in ("change", "delete", "history"):
        address = url(SavedFilter, page, theirs.pk)
        assert client.get(address).status_code == 302
        assert client.post(address, {"name": "Hacked", "post": "yes"}).status_code == 302
    chosen = {"action": "delete_selected", "_selected_action": theirs.pk, "post": "yes"}
    client.post(url(SavedFilter, "changelist"), chosen)
    theirs.refresh_from_db()
    assert theirs.name == "Jersey"
    assert client.get(reverse("admin:backoffice_savedfilter_changelist")).status_code == 200


def test_a_superuser_sees_all(admin_client):
    saved = make_saved(make_user())
    page = admin_client.get(url(SavedFilter, "changelist"))
    assert "Jersey" in page.text
    assert f'href="{url(Library, "changelist")}?state=NJ"' in page.text
    assert admin_client.get(url(SavedFilter, "change", saved.pk)).status_code == 200


def test_a_filter_of_a_model_that_is_gone_is_still_listed(admin_client):
    make_saved(make_user(), model="gone.Model")
    assert "gone.Model" in admin_client.get(url(SavedFilter, "changelist")).text


def test_nobody_adds_one_by_hand(admin_client):
    assert admin_client.get(url(SavedFilter, "add")).status_code == 403


def test_they_go_with_their_account(admin_client):
    ann = make_user(username="ann")
    make_saved(ann)
    admin_client.post(url(User, "delete", ann.pk), {"post": "yes"})
    assert not User.objects.filter(username="ann").exists()
    assert not SavedFilter.objects.exists()


def test_a_name_is_one_users_once(ann):
    make_saved(ann)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_saved(ann)
    make_saved(ann, model="library.Patron")
