"""A form that meets somebody else's lock is kept, and done by one more click."""

import threading
import time
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.urls import reverse

from backoffice.changes.models import Change
from backoffice.tables.table import Table
from library.models import Book, Library, Patron
from tests.backoffice.admin.changes.test_imports import check
from tests.backoffice.admin.pages import url
from tests.backoffice.admin.submissions.tokens import filled, hidden, said, token
from tests.factories import make_book, make_library, make_patron

pytestmark = pytest.mark.django_db(transaction=True)

FILE = "name,address,state,phone_number,zip_code\nNew,1 Main Street,NY,212-222-6559,10001\n"


@pytest.fixture(autouse=True)
def _short_waits(settings, tmp_path):
    settings.SAVE_WAIT_SECONDS, settings.DATA_DIR = 0.1, tmp_path
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (patience,) = cursor.fetchone()
        cursor.execute("PRAGMA busy_timeout = 100")
    yield
    with connection.cursor() as cursor:  # a database in memory outlives close()
        cursor.execute(f"PRAGMA busy_timeout = {patience:d}")


@contextmanager
def locked(*models):
    """Somebody else writes these tables as an import does, as long as the block lasts."""
    held, done = threading.Event(), threading.Event()

    def work():
        try:
            with transaction.atomic():
                for model in models:
                    Table(model).lock()
                held.set()
                done.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert held.wait(10)
    try:
        yield
    finally:
        done.set()
        thread.join()


def again(client, page):
    """Send what the page kept, as one click does."""
    return client.post(page.request["PATH_INFO"], hidden(page))


def sent_while_locked(client, forms):
    pages = {}
    with locked(Library, Patron, Book):
        for name, (address, data) in forms.items():
            begun = time.monotonic()
            page = client.post(address, data)
            assert page.status_code == 503, name
            assert page.headers["Retry-After"] == "5"
            assert time.monotonic() - begun < 10
            pages[name] = again(client, page)
            assert pages[name].status_code == 503, name
    return pages


def test_every_form_is_kept_and_done_by_one_more_click(admin_client):
    library, patron, book = make_library(name="Old"), make_patron(), make_book()
    change, add = url(Library, "change", library.pk), url(Patron, "add")
    delete, books = url(Patron, "delete", patron.pk), url(Book, "changelist")
    libraries, other = url(Library, "changelist"), make_library(state="NY")
    edit = {
        "action": "edit_selected",
        "_selected_action": other.pk,
        "change": "state",
        "edit-state": "NJ",
    }
    preview = admin_client.post(libraries, edit | {"_preview": "1"})
    edit |= {"_apply": "1", "expected": preview.context["expected"]}
    chosen = {"action": "delete_selected", "_selected_action": book.pk}
    asks = admin_client.post(books, chosen)
    forms = {
        "record": (change, filled(admin_client, change, name="New name")),
        "added": (add, filled(admin_client, add, name="Bob", library=library.pk)),
        "deleted": (delete, token(admin_client.get(delete)) | {"post": "yes"}),
        "edited": (libraries, token(preview) | edit),
        "selected": (books, token(asks) | chosen | {"post": "yes"}),
    }
    Change.objects.create(model=Library._meta.label, status="applying", title="x.csv")
    pages = sent_while_locked(admin_client, forms)
    assert "An import into libraries, or its undo, is being written." in pages["record"].text
    assert "Nothing was saved yet." in pages["record"].text
    assert "New name" in pages["record"].text
    for name, page in pages.items():
        for _click in range(2):  # the second is a repeat
            assert again(admin_client, page).status_code == 302, name
    assert Library.history.filter(name="New name").count() == 1
    assert [patron.name for patron in Patron.objects.all()] == ["Bob"]
    assert not Book.objects.exists()
    other.refresh_from_db()
    assert other.state == "NJ"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one lock for all")
def test_a_library_s_page_waits_for_an_import_of_titles_if_it_changes_their_links(admin_client):
    library, book = make_library(), make_book()
    change = url(Library, "change", library.pk)
    with locked(Book):
        alone = filled(admin_client, change, name="New name")
        assert admin_client.post(change, alone).status_code == 302
        with_title = filled(admin_client, change, book_set=[book.pk], zip_code="10003")
        kept = admin_client.post(change, with_title)
        assert kept.status_code == 503
    assert again(admin_client, kept).status_code == 302
    library.refresh_from_db()
    assert (library.name, library.zip_code) == ("New name", "10003")
    assert list(library.book_set.all()) == [book]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite waits at its first write")
def test_an_import_in_the_request_and_its_undo_are_kept(admin_client):
    review = check(admin_client, FILE)
    job = review.context["job"]
    page = reverse("admin:library_library_import_job", args=[job.pk])
    undo = reverse("admin:library_library_import_undo", args=[job.pk])
    state = review.context["review"].state
    kept = sent_while_locked(admin_client, {"apply": (page, token(review) | {"_apply": state})})
    job.refresh_from_db()
    assert (job.status, job.waiting) == ("checked", "")
    assert "Send it again in a moment: what was done is not done twice" in kept["apply"].text
    assert "somebody else was writing there" in admin_client.get(page).text
    done = admin_client.get(again(admin_client, kept["apply"]).url)
    assert done.context["job"].status == "done"

    kept = sent_while_locked(admin_client, {"undo": (undo, token(admin_client.get(undo)))})
    job.refresh_from_db()
    assert job.status == "done"
    done = admin_client.get(again(admin_client, kept["undo"]).url)
    assert (done.context["job"].kind, done.context["job"].status) == ("undo", "done")
    assert not said(done)
    assert not Library.objects.exists()
