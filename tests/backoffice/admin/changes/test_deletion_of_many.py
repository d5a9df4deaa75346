"""Deleting the ticked rows or a whole list: what has to be typed, and what remains."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.admin.changes import deletion as admin_deletion
from backoffice.changes.models import Change
from backoffice.trail.models import Entry
from library.models import Book, Library, Patron
from tests.backoffice.admin.changes.test_deletion import ACROSS, SURE, act, delete
from tests.backoffice.admin.pages import perm, url
from tests.factories import make_library, make_patron, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def patrons():
    library = make_library()
    Patron.objects.bulk_create(Patron(name=f"Ann {n}", library=library) for n in range(1200))
    return [make_patron(name="Bob", library=library)]


def test_the_ticked_rows_are_deleted(admin_client, patrons):
    keys = list(Patron.objects.values_list("pk", flat=True)[:3])
    page = act(admin_client, Patron, keys=keys)
    assert page.text.count('name="_selected_action"') == 3
    assert "id_confirmation" not in page.text
    response = act(admin_client, Patron, keys=keys, **SURE)
    assert response.status_code == 302
    assert Patron.objects.count() == 1198
    assert LogEntry.objects.filter(action_flag=DELETION).count() == 3


def test_a_list_across_pages_is_carried_by_its_filter(admin_client, patrons):
    page = act(admin_client, Patron, "?q=Ann", **ACROSS)
    assert page.text.count('name="_selected_action"') == 1
    assert 'name="select_across" value="1"' in page.text
    assert "Patrons: 1,200" in page.text
    assert "Type <strong>1,200</strong>" in page.text
    assert len(page.content) < 20_000


@pytest.mark.parametrize("typed", ["", "1201", "x", "12"])
def test_a_wrong_number_deletes_nothing(admin_client, patrons, typed):
    response = act(admin_client, Patron, "?q=Ann", confirmation=typed, **ACROSS, **SURE)
    assert "Nothing was deleted" in response.text
    assert Patron.objects.count() == 1201


def test_the_number_deletes_the_list_and_no_more(admin_client, superuser, patrons):
    response = act(admin_client, Patron, "?q=Ann", confirmation="1,200", **ACROSS, **SURE)
    assert response.status_code == 302
    assert list(Patron.objects.values_list("name", flat=True)) == ["Bob"]
    records = Patron.history.filter(history_type="-", history_user=superuser)
    assert records.count() == 1200
    entry = LogEntry.objects.get()
    assert (entry.object_repr, entry.object_id) == ("1,200 patrons", None)
    page = admin_client.get(response.url)
    assert "Successfully deleted 1,200 patrons." in page.text
    assert admin_client.get(url(Entry, "changelist")).status_code == 200


def test_rows_that_came_since_the_page_are_shown_first(admin_client):
    library = make_library(name="Seen")
    page = act(admin_client, Library, "?q=Seen", **ACROSS)
    shown = {"expected": page.context["expected"]}
    assert f'name="expected" value="{shown["expected"]}"' in page.text
    make_library(name="Seen later")
    page = act(admin_client, Library, "?q=Seen", **ACROSS, **SURE, **shown)
    assert "the records to delete have changed since the page was shown" in page.text
    shown = {"expected": page.context["expected"]}
    make_patron(library=library)
    page = act(admin_client, Library, "?q=Seen", **ACROSS, **SURE, **shown)
    assert "the records to delete have changed since the page was shown" in page.text
    assert Library.objects.count() == 2
    shown = {"expected": page.context["expected"]}
    assert act(admin_client, Library, "?q=Seen", **ACROSS, **SURE, **shown).status_code == 302
    assert not Library.objects.exists()


def test_deleting_a_list_takes_as_many_statements_for_many_rows(admin_client, patrons):
    numbers = []
    for query, number in (("?name=Bob", "1"), ("?name__startswith=Ann", "1200")):
        with CaptureQueriesContext(connection) as queries:
            act(admin_client, Patron, query, confirmation=number, **ACROSS, **SURE)
        numbers.append(len(queries))
    assert not Patron.objects.exists()
    assert numbers[1] <= numbers[0]


@pytest.mark.parametrize("query", ["", "?name=Old", "?q=Old", "?state=NY"])
def test_what_is_gone_already_is_said(admin_client, query):
    keys = [make_library(name=f"Old {n}").pk for n in range(2)]
    for data in (ACROSS, {}):
        Library.objects.filter(pk__in=keys).delete()
        response = act(admin_client, Library, query, keys=keys, **SURE, **data)
        page = admin_client.get(response.url)
        assert "The records have changed since. Nothing was deleted" in page.text
    assert not LogEntry.objects.exists()


def test_children_that_the_filter_looks_at_go_too(admin_client, busy, monkeypatch):
    library_admin = admin.site.get_model_admin(Library)
    monkeypatch.setattr(library_admin, "search_fields", ("patron__name",))
    response = act(admin_client, Library, "?q=P001", confirmation="1", **ACROSS, **SURE)
    assert response.status_code == 302
    assert list(Library.objects.values_list("name", flat=True)) == ["Other"]


def test_models_without_a_history_are_logged_row_by_row(admin_client, monkeypatch):
    monkeypatch.setattr(admin_deletion, "LOGGED", 2)
    for n in range(4):
        Group.objects.create(name=f"G{n}")
    act(admin_client, Group, **ACROSS, **SURE)
    assert not Group.objects.exists()
    assert LogEntry.objects.count() == 4


def test_nothing_is_left_half_deleted(admin_client, busy, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("django.db.models.QuerySet._raw_delete", fail)
    with pytest.raises(RuntimeError):
        delete(admin_client, busy, confirmation="Busy Branch")
    assert Patron.objects.count() == 120
    assert not Patron.history.filter(history_type="-").exists()
    assert not LogEntry.objects.exists()


def test_a_deleted_list_comes_back_from_its_page(admin_client, busy):
    response = act(admin_client, Library, keys=[busy.pk], confirmation="1", **SURE)
    page = admin_client.get(response.url)
    change = Change.objects.get()
    undo = reverse("admin:library_library_import_undo", args=[change.pk])
    assert f'<a href="{undo}">Undo</a>' in page.text
    job = reverse("admin:library_library_import_job", args=[change.pk])
    assert "Undo this deletion" in admin_client.get(job).text
    assert admin_client.get(undo).context["counts"].restored == 123
    done = admin_client.post(undo, follow=True).context["job"]
    assert (done.new, done.updated) == (122, 1)  # the book is another's too
    assert Patron.objects.filter(library=busy).count() == 120
    assert Book.objects.filter(libraries=busy).exists()


def test_to_bring_records_back_takes_the_permission_to_add_them(admin_client, client, busy):
    delete(admin_client, busy, confirmation="Busy Branch")
    change = Change.objects.get()
    may = [perm(action, Library) for action in ("view", "add", "change")]
    client.force_login(make_user(permissions=may))
    undo = reverse("admin:library_library_import_undo", args=[change.pk])
    assert "Nothing was undone" in client.post(undo, follow=True).text
    assert not Library.objects.filter(pk=busy.pk).exists()
