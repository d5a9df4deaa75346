"""A deleted record comes back with what went with it, in one change that can be undone."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.changes.deletion import Deletion
from backoffice.changes.models import Change
from backoffice.changes.restore import NothingRestored, Restore
from backoffice.jobs.steps import undo_job
from library.models import Book, Librarian, Library, Patron
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db


def delete(row):
    """Delete it as the admin does; the record of its deletion."""
    Deletion(type(row)._base_manager.filter(pk=row.pk)).run(title=str(row))
    return type(row).history.filter(**{type(row)._meta.pk.attname: row.pk}).latest("history_id")


def restore(record, **options):
    with Restore(record, **options) as restoring:
        return restoring.run(user=None)


def plan(record):
    with Restore(record) as restoring:
        return restoring.plan(sample=9)


def rows(*models):
    return {model: list(model._base_manager.order_by("pk").values()) for model in models}


ALL = (Library, Patron, Librarian, Book, Book.libraries.through)


@pytest.fixture
def library():
    library = make_library(name="Main")
    for name in ("Ann", "Bob", "Cyd"):
        make_patron(name=name, library=library)
    make_librarian(name="Lib", library=library)
    make_book(title="Both", libraries=[library, make_library(name="Other")])
    make_book(title="Only here", libraries=[library])
    return library


def links():
    return set(Book.libraries.through.objects.values_list("book_id", "library_id"))


def test_a_library_comes_back_with_its_people_and_its_books(library):
    before, linked = rows(Library, Patron, Librarian, Book), links()
    record = delete(library)
    assert not Patron.objects.exists()
    found = plan(record)
    assert [(part.key, part.number) for part in found.parts] == [
        ("library.Patron", 3),
        ("library.Librarian", 1),
        ("library.Book~", 2),
    ]
    assert (found.problem, found.left, found.notes) == ("", [], [])
    change, _parts = restore(record)
    assert rows(Library, Patron, Librarian, Book) == before
    assert links() == linked
    assert (change.kind, change.new, change.updated) == ("restored", 5, 2)
    for model, kind in ((Library, "+"), (Patron, "+"), (Librarian, "+"), (Book, "~")):
        written = model.history.filter(history_change=change)
        assert {record.history_type for record in written} == {kind}


def test_a_restoration_is_undone(library):
    record = delete(library)
    gone = rows(*ALL)
    change, _parts = restore(record)
    undo = undo_job(change)
    assert (undo.status, undo.removed, undo.updated, undo.rejected) == ("done", 5, 2, 0)
    assert rows(*ALL) == gone
    assert plan(library.history.latest()).problem == ""


def test_what_was_used_since_stays_when_a_restoration_is_undone(library):
    change, _parts = restore(delete(library))
    patron = make_patron(library=library)
    undo = undo_job(change)
    assert undo.rejected == 1
    assert list(Library.objects.filter(name="Main")) == [library]
    assert list(Patron.objects.all()) == [patron]


def test_a_book_whose_title_was_mended_since_gets_its_link_back(library):
    record = delete(library)
    book = Book.objects.get(title="Only here")
    book.title = "Mended"
    book.save()
    restore(record)
    assert list(Library.objects.filter(book__title="Mended")) == [library]
    latest = book.history.latest()
    assert (latest.title, latest.libraries.count()) == ("Mended", 1)


def test_the_undo_of_a_deletion_gives_a_mended_book_its_link_back(library):
    delete(library)
    book = Book.objects.get(title="Only here")
    book.title = "Mended"
    book.save()
    change = Change.objects.get()
    undo = undo_job(change)
    assert (undo.new, undo.updated, undo.rejected) == (5, 2, 0)
    assert set(Library.objects.get(name="Main").book_set.values_list("title", flat=True)) == {
        "Mended",
        "Both",
    }
    assert book.history.latest().history_change == undo


def test_a_link_that_was_taken_away_before_stays_away(library):
    book = Book.objects.get(title="Only here")
    book.libraries.clear()
    restore(delete(library))
    assert not book.libraries.exists()


def test_people_who_went_before_stay_away(library):
    delete(Patron.objects.get(name="Ann"))
    Patron.objects.get(name="Bob").delete()
    restore(delete(library))
    assert list(Patron.objects.values_list("name", flat=True)) == ["Cyd"]


def test_parts_can_be_left_out(library):
    restore(delete(library), without=["library.Patron", "library.Book~"])
    assert not Patron.objects.exists()
    assert Librarian.objects.exists()
    assert set(Library.objects.get(name="Main").book_set.all()) == set()


def test_what_lost_links_is_told_apart_from_its_namesakes(library, monkeypatch):
    monkeypatch.setattr(Book, "told_apart_by", {"title": ("id",)}, raising=False)
    make_book(title="Both")
    (book,) = library.book_set.filter(title="Both")
    found = plan(delete(library))
    (part,) = [part for part in found.parts if part.lost]
    assert part.names == [f"Both — {book.pk}", "Only here"]


def test_a_patron_does_not_come_back_without_the_library(library):
    patron = Patron.objects.get(name="Ann")
    delete(library)
    record = Patron.history.filter(id=patron.pk).latest()
    assert plan(record).problem == "What it referred to no longer exists."
    with pytest.raises(NothingRestored):
        restore(record)
    assert not Patron.objects.exists()


def test_a_patron_that_is_there_again_is_named_and_left_alone(library):
    patron, other = Patron.objects.get(name="Ann"), make_library()
    record = delete(library)
    Patron.objects.create(pk=patron.pk, name="Ann", library=other)
    assert [(text, why) for _m, _pk, text, why in plan(record).left] == [
        ("Ann", "It exists again.")
    ]
    restore(record)
    patron.refresh_from_db()
    assert patron.library == other


@pytest.mark.parametrize("of", ["a row", "a queryset"])
def test_what_a_script_deleted_comes_back_by_its_time(library, of):
    Patron.objects.get(name="Ann").delete()
    before, linked = rows(Library, Patron, Librarian, Book), links()
    library.delete() if of == "a row" else Library.objects.filter(name="Main").delete()
    restore(Library.history.filter(history_type="-").latest())
    assert rows(Library, Patron, Librarian, Book) == before
    assert links() == linked


def test_a_book_that_a_script_deleted_comes_back_with_its_links():
    library = make_library()
    book = make_book(libraries=[library])
    book.delete()
    restore(Book.history.filter(history_type="-").latest())
    assert set(Book.objects.get().libraries.all()) == {library}


def test_it_takes_as_many_statements_for_many_rows_as_for_few(library):
    def statements(number):
        for _ in range(number):
            make_patron(library=library)
            make_book(libraries=[library])
        record = delete(library)
        with CaptureQueriesContext(connection) as queries:
            restore(record)
        return len(queries)

    restore(delete(library))
    assert statements(30) == statements(1)


def test_the_history_of_a_book_names_who_deleted_the_library(library):
    user = make_user()
    library._history_user = user
    book = Book.objects.get(title="Both")
    library.delete()
    latest = book.history.latest()
    assert latest.history_user == user
    assert latest.history_change_reason == "The library Main was deleted"
    assert [str(link.library_id) for link in latest.libraries.all()] == [
        str(Library.objects.get(name="Other").pk)
    ]
