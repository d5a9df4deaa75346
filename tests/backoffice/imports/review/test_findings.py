"""The preview is what is written: whatever changed since the check stops the import."""

import pytest

from backoffice.imports.engine import DatabaseMoved, Import
from backoffice.imports.review.findings import remembered
from backoffice.readers.source import open_source
from library.models import Book, Library, Patron
from library.resources import BookResource, LibraryResource, PatronResource
from tests.backoffice.imports.running import HEADER, PRINCETON, SEAFORD
from tests.factories import make_book, make_library, make_patron

pytestmark = pytest.mark.django_db

FIELDS = dict(zip(HEADER, SEAFORD, strict=True))


def written_after(change, path, resource_class=LibraryResource):
    """Check the file, make a change, and write what was shown; the reason where it stops."""
    with Import(resource_class, open_source(path)) as imported:
        counts = imported.check()
        with remembered(imported) as moved:
            change()
            try:
                imported.apply(expected=counts, moved=moved)
            except DatabaseMoved as error:
                return str(error)
    return ""


@pytest.fixture
def path(write_csv):
    make_library(**FIELDS | {"address": "An old address"})
    make_library(**dict(zip(HEADER, PRINCETON, strict=True)) | {"state": "NY"})
    return write_csv(HEADER, PRINCETON, SEAFORD)


def test_what_has_not_changed_is_written(path):
    assert written_after(make_library, path) == ""
    assert Library.objects.get(name="Seaford").address == SEAFORD[1]


def test_a_record_that_changed_is_named(path):
    """Its row would update it as before, so the counts are the same."""
    records = Library.objects.filter(name="Seaford")
    reason = written_after(lambda: records.update(address="Elsewhere"), path)
    assert "Row 3, Seaford (11783): it has changed since it was checked." in reason
    assert "Row 2" not in reason
    assert "now, " not in reason  # no counts, which are the same
    assert records.get().address == "Elsewhere"


def test_another_record_of_the_same_key_is_named(path):
    def replace():
        Library.objects.filter(name="Seaford").delete()
        make_library(**FIELDS | {"address": "An old address"})

    assert "Row 3, Seaford (11783)" in written_after(replace, path)


def test_a_record_that_is_no_longer_there_is_named(path):
    def rename():
        Library.objects.filter(name="Seaford").update(name="Wantagh")

    reason = written_after(rename, path)
    assert "Row 3: the record that it was to update is another one now." in reason
    assert "1 new" in reason


def test_many_records_are_compared(write_csv, monkeypatch):
    monkeypatch.setattr("backoffice.imports.checksums.CHUNK", 2)
    libraries = [make_library(name=f"L{i}", zip_code="10001") for i in range(7)]
    path = write_csv(
        HEADER, *([f"L{i}", "New", "NY", "212-222-6559", "10001"] for i in range(7))
    )
    for library in libraries:
        others = Library.objects.filter(pk=library.pk)
        reason = written_after(lambda rows=others: rows.update(address="Elsewhere"), path)
        assert f" {library.name} (10001)" in reason
        assert reason.count("Row ") == 1
    last = Library.objects.filter(name="L6")  # one less, at the end of a chunk
    assert written_after(lambda: last.update(address="New"), path).count("Row ") == 1
    first = Library.objects.filter(name="L0")
    assert written_after(lambda: first.update(address="New"), path).count("Row 2") == 1


def test_other_links_are_another_record(write_csv):
    a, b = make_library(name="A"), make_library(name="B")
    book = make_book(title="T", libraries=[a])
    path = write_csv(["title", "libraries"], ["T", "A|B"])
    link = Book.libraries.through.objects.filter(book=book)
    reason = written_after(lambda: link.update(library=b), path, BookResource)
    assert "Row 2, T: it has changed" in reason


def test_a_reference_that_means_another_record_stops_it(write_csv):
    a, b = make_library(name="A"), make_library(name="B")
    path = write_csv(["name", "library"], ["Ann", "A"])

    def swap():
        Library.objects.filter(pk=a.pk).update(name="C")
        Library.objects.filter(pk=b.pk).update(name="A")

    reason = written_after(swap, path, PatronResource)
    assert "what rows refer to is another record now" in reason
    assert not Patron.objects.exists()


def test_another_row_that_is_new_stops_it(write_csv):
    """One record was made and one deleted, so the counts are the same."""
    library = make_library(name="A")
    patron = make_patron(name="Ann", library=library)
    path = write_csv(["name", "library"], ["Ann", "A"], ["Bob", "A"])

    def swap():
        patron.delete()
        make_patron(name="Bob", library=library)

    assert "Other rows are new" in written_after(swap, path, PatronResource)
