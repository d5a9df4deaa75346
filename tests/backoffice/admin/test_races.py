"""Rows that a colleague moves out of the filter meanwhile keep what the colleague wrote."""

import threading
import time
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from backoffice.changes.models import Change
from backoffice.filters.models import SavedFilter
from library.models import Library
from tests.backoffice.admin.changes.test_edits import expect, post
from tests.backoffice.admin.pages import sent, url
from tests.factories import make_library, make_user

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time"),
]
FILTERS = ["?state=NY", "?state=NY&name=Branch", "?state=NY&q=Branch"]


@contextmanager
def colleague(library, **values):
    """Has changed the library, and commits once somebody waits for it."""
    begun = threading.Event()

    def change():
        try:
            with transaction.atomic():
                Library.objects.filter(pk=library.pk).update(**values)
                begun.set()
                until_somebody_waits()
        finally:
            connection.close()

    thread = threading.Thread(target=change)
    thread.start()
    assert begun.wait(10)
    yield
    thread.join()


def until_somebody_waits():
    with connection.cursor() as cursor:
        for _ in range(500):
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone():
                return
            time.sleep(0.01)


@pytest.mark.parametrize("query", [*FILTERS, "?name=Branch", "?q=Branch"])
def test_a_deletion_leaves_it(admin_client, query):
    moved, _other = make_library(), make_library()
    data = {"action": "delete_selected", "_selected_action": [moved.pk], "select_across": "1"}
    with colleague(moved, state="CA", name="Main"):
        admin_client.post(url(Library, "changelist") + query, data | {"post": "yes"})
    assert Library.objects.get() == moved
    assert not Library.history.filter(history_type="-", id=moved.pk).exists()


@pytest.mark.parametrize("state", ["CA", "NJ"])
@pytest.mark.parametrize("both_seen", [True, False])
@pytest.mark.parametrize("query", FILTERS)
def test_an_edit_leaves_it(admin_client, state, both_seen, query):
    moved, other = make_library(), make_library()
    expected = expect(admin_client, [moved, other] if both_seen else [other], state="NJ")
    options = {"url": url(Library, "changelist") + query, "across": True, "state": "NJ"}
    with colleague(moved, state=state):
        post(admin_client, "apply", [moved], expected=expected, **options)
    moved.refresh_from_db()
    assert moved.state == state
    assert not moved.history.filter(history_change_reason__startswith="edit").exists()
    assert [job.updated for job in Change.objects.all()] == ([] if both_seen else [1])


def test_what_has_the_value_by_then_is_counted_right(admin_client):
    moved, same = make_library(), make_library(zip_code="08542")
    options = {"url": url(Library, "changelist") + "?state=NY", "across": True}
    expected = expect(admin_client, [same], zip_code="08542", **options)
    with colleague(moved, state="CA"):
        page = post(
            admin_client, "apply", [same], zip_code="08542", expected=expected, **options
        )
    assert "The records have changed since" in page.text
    assert not Change.objects.exists()


def test_a_form_waits_and_keeps_it(admin_client):
    library = make_library(name="Before")
    address = url(Library, "change", library.pk)
    data = sent(admin_client.get(address)) | {"address": "2 New Street"}
    with colleague(library, name="After"):
        assert admin_client.post(address, data).status_code == 302
    library.refresh_from_db()
    assert (library.name, library.address) == ("After", "2 New Street")


def test_of_two_views_that_become_the_start_at_once_one_is():
    user = make_user()
    one, other = (
        SavedFilter.objects.create(user=user, model="library.Library", name=name, query="")
        for name in ("one", "other")
    )

    def start():
        try:
            with transaction.atomic():
                other.start = True
                other.save()
                begun.set()
                until_somebody_waits()
        finally:
            connection.close()

    begun = threading.Event()
    thread = threading.Thread(target=start)
    thread.start()
    assert begun.wait(10)
    one.start = True
    one.save()
    thread.join()
    assert SavedFilter.objects.get(start=True) == one
