"""Streamed rows equal those of django-import-export, without a query and an object for each."""

import datetime

import pytest
from import_export.fields import Field

from backoffice.exports.delimited import delimited_blocks
from backoffice.exports.rows import export_chunks
from backoffice.resources.resource import Resource
from library.models import Library
from library.resources import (
    BookResource,
    LibrarianResource,
    LibraryResource,
    PatronResource,
)
from tests.everything.loans.models import Loan
from tests.everything.loans.resources import LoanResource
from tests.factories import make_book, make_librarian, make_library, make_patron

pytestmark = pytest.mark.django_db


def rows(resource_class, queryset=None, names=None):
    resource = resource_class()
    queryset = resource.get_queryset() if queryset is None else queryset
    chunks = export_chunks(resource, queryset, names)
    return [list(row) for chunk in chunks for row in chunk]


@pytest.fixture
def data():
    one = make_library(name="Main", zip_code="10001", address="=1+1")
    two = make_library(name="Main", zip_code="10002")
    odd = make_library(name="A|B\\C", zip_code="08542")
    patron = make_patron(name="Bob", library=one)
    make_patron(name="Bob", library=two)
    make_librarian(library=odd)
    book = make_book(title="Dune", libraries=[two, one, odd])
    make_book(title="-Emma-")
    loan = Loan.objects.create(number="1", patron=patron, due=datetime.date(2026, 12, 1))
    loan.books.add(book)
    Loan.objects.create(number="2", patron=patron)


@pytest.mark.parametrize(
    "resource_class",
    [LibraryResource, PatronResource, LibrarianResource, BookResource, LoanResource],
)
def test_rows_are_those_of_upstreams_export(data, resource_class):
    dataset = resource_class().export()
    expected = [["" if cell is None else str(cell) for cell in row] for row in dataset]
    assert rows(resource_class) == [
        dataset.headers,
        *expected,
    ]


def test_a_queryset_and_columns_can_be_chosen(data):
    queryset = Library.objects.filter(name="Main").order_by("-zip_code")
    assert rows(LibraryResource, queryset, ["zip_code", "name"]) == [
        ["zip_code", "name"],
        ["10002", "Main"],
        ["10001", "Main"],
    ]


def test_queries_don_t_grow_with_the_rows_of_a_chunk(django_assert_num_queries):
    libraries = [make_library() for _ in range(5)]
    for _ in range(30):
        make_book(libraries=libraries)
    # The books, their libraries, and which names are shared: by two, or by a bracketed one.
    with django_assert_num_queries(4):
        rows(BookResource)


def test_a_resource_with_columns_of_its_own_is_read_row_by_row(data):
    class Labels(Resource):
        label = Field()

        class Meta:
            model = Library
            fields = ("name", "label")

        def dehydrate_label(self, library):
            return f"={library.name}!"

    assert rows(Labels)[1] == ["Main", "'=Main!"]


def test_a_byte_order_mark_comes_once():
    lines = list(delimited_blocks([[["é"]], [["a"], ["b"]]], encoding="utf-8-sig"))
    assert len(lines) > 1
    assert b"".join(lines).count("\ufeff".encode()) == 1
    assert b"".join(lines).startswith("\ufeff".encode())


def test_what_filter_export_leaves_is_exported_whichever_way_rows_are_read(data):
    class Filtered(LibraryResource):
        class Meta:
            model = Library
            fields = ("name", "zip_code")
            import_id_fields = ("name", "zip_code")

        def filter_export(self, queryset, **kwargs):
            return queryset.filter(name="Main")

    class Labelled(Filtered):
        label = Field(readonly=True, dehydrate_method=lambda library: library.name.upper())

        class Meta:
            fields = ("name", "label")

    assert len(rows(Filtered)) == 3
    assert rows(Labelled)[1:] == [["Main", "MAIN"], ["Main", "MAIN"]]


def test_a_field_with_an_attribute_of_another_name_is_that_attribute(data):
    class Renamed(Resource):
        zip = Field("zip_code", column_name="ZIP", readonly=True)

        class Meta:
            model = Library
            fields = ("zip",)

    assert rows(Renamed)[:2] == [["ZIP"], ["10001"]]
