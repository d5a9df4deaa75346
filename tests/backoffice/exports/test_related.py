"""Columns of related records: in one statement, within one's limits, in no import."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.exports.rows import export_chunks
from backoffice.querysets.reach import Reach
from backoffice.resources.related import RelatedColumn
from library.models import Library, Patron
from library.resources import BookResource, LibraryResource, PatronResource
from tests.factories import (
    limit,
    make_book,
    make_librarian,
    make_library,
    make_patron,
    make_user,
)

pytestmark = pytest.mark.django_db


def rows(resource, names):
    chunks = export_chunks(resource, resource.get_queryset().order_by("pk"), names)
    return [list(row) for chunk in chunks for row in chunk]


@pytest.fixture
def libraries():
    one, two = make_library(name="One", state="NJ"), make_library(name="Two", state="NY")
    make_librarian(name="=Lee", library=one)
    for name in ("Ann", "Bob"):
        make_patron(name=name, library=one)
    make_book(title="Dune", libraries=[one, two])
    return one, two


def test_values_and_numbers_of_related_records_are_columns(libraries):
    names = ["name", "librarian", "number_of_patrons", "number_of_books"]
    assert rows(LibraryResource(), names) == [
        names,
        ["One", "'=Lee", "2", "1"],
        ["Two", "", "0", "1"],
    ]
    assert rows(PatronResource(), ["name", "library_state"])[1:] == [
        ["Ann", "NJ"],
        ["Bob", "NJ"],
    ]
    assert rows(BookResource(), ["number_of_libraries"])[1:] == [["2"]]


def test_a_resource_that_is_read_row_by_row_has_them_too(libraries):
    class Worded(LibraryResource):
        def dehydrate_state(self, library):
            return library.get_state_display()

        class Meta:
            model = Library
            fields = ("name", "state")
            import_id_fields = ("name", "zip_code")

    assert rows(Worded(), ["state", "librarian", "number_of_patrons"])[1:] == [
        ["New Jersey", "'=Lee", "2"],
        ["New York", "", "0"],
    ]


def test_statements_do_not_grow_with_the_rows(libraries):
    def counted():
        with CaptureQueriesContext(connection) as queries:
            rows(LibraryResource(), ["name", *LibraryResource.related])
        return len(queries)

    few = counted()
    for _n in range(20):
        make_patron(library=make_library())
    assert counted() == few


def test_related_records_beyond_ones_limits_are_neither_told_nor_counted(libraries):
    _one, two = libraries
    user = limit(make_user(), two)
    assert rows(BookResource().within(Reach.of(user)), ["number_of_libraries"])[1:] == [["1"]]
    assert rows(PatronResource().within(Reach.of(user)), ["name", "library_state"])[1:] == [
        ["Ann", ""],
        ["Bob", ""],
    ]


def test_they_are_no_columns_by_default_and_no_import_reads_them(libraries):
    assert "librarian" not in rows(LibraryResource(), None)[0]
    assert not set(LibraryResource.related) & set(LibraryResource.spellings())


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("patron", ""),
        ("librarian__name", ""),
        ("book", ""),
        ("patron__name", "no field of one"),
        ("librarian", "no relation to many"),
        ("librarian__library", "no field of one"),
        ("librarian__nmae", "no related field"),
        ("nothing", "no related field"),
        ("state", "no relat"),
    ],
)
def test_a_path_that_leads_nowhere_is_said_by_a_check(path, problem):
    found = RelatedColumn(path, "").problem(Library)
    assert problem in found
    assert bool(problem) == bool(found)


def test_a_path_forward_is_right():
    assert RelatedColumn("library__state", "").problem(Patron) == ""
