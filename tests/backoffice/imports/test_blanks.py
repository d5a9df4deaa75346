"""What blank cells clear, and new records without links, are counted and told."""

import pytest

from backoffice.imports.blanks import count_cleared
from backoffice.imports.engine import Import
from backoffice.readers.source import open_source
from library.models import Book
from library.resources import BookResource, LibraryResource
from tests.backoffice.imports.running import HEADER
from tests.everything.models import Given
from tests.everything.resources import RESOURCES
from tests.factories import make_book, make_library

pytestmark = pytest.mark.django_db


def told(resource_class, path, **options):
    """What a check says, which is what a write says as well."""
    with Import(resource_class, open_source(path), **options) as imported:
        imported.check()
        said = imported.warnings
    with Import(resource_class, open_source(path), **options) as imported:
        imported.apply()
        assert imported.warnings == said
    return said


@pytest.fixture
def books():
    kent, troy = make_library(name="Kent"), make_library(name="Troy")
    for title in ("Emma", "Persuasion"):
        make_book(title=title, libraries=[kent, troy])
    make_book(title="Sanditon")


def test_titles_without_a_column_of_libraries_are_told(write_csv, books):
    path = write_csv(["title"], ["Emma"], ["Mansfield Park"], ["Lady Susan"])
    assert told(BookResource, path) == [
        "2 new records have no library: the file has no column for Libraries."
    ]
    assert told(BookResource, path) == []  # they are there by now


def test_titles_with_a_column_of_libraries_are_not_told(write_csv, books):
    path = write_csv(["title", "libraries"], ["Lady Susan", "Kent"], ["Emma", ""])
    assert told(BookResource, path) == []


def test_links_that_blank_cells_clear_are_told(write_csv, books):
    rows = ["Emma", ""], ["Persuasion", "Kent"], ["Sanditon", ""], ["Unknown", ""]
    path = write_csv(["title", "libraries"], *rows)
    assert told(BookResource, path) == []
    assert told(BookResource, path, keep_blank=False) == [
        "Blank cells clear what is stored: Libraries of 1 record."
    ]
    assert [book.libraries.count() for book in Book.objects.order_by("title")] == [0, 1, 0]


def test_values_that_blank_cells_clear_are_told(write_csv):
    Given.objects.create(code="a", text="x")
    path = write_csv(["code", "text"], ["a", ""])
    assert told(RESOURCES[Given], path, keep_blank=False) == [
        "Blank cells clear what is stored: Text of 1 record."
    ]
    assert told(RESOURCES[Given], path, keep_blank=False) == []


def test_all_columns_are_counted_by_one_statement(write_csv, django_assert_num_queries):
    for code in "ab":
        Given.objects.create(code=code, text="x", text_by_database="y")
    path = write_csv(["code", "text", "text_by_database"], ["a", "", ""], ["b", "", "z"])
    with Import(RESOURCES[Given], open_source(path), keep_blank=False) as imported:
        imported.check()
        with django_assert_num_queries(1):
            found = count_cleared(imported.checks, imported.columns)
    assert found == {"text": 2, "text_by_database": 1}
    with Import(RESOURCES[Given], open_source(path)) as imported:
        imported.check()
        with django_assert_num_queries(0):
            assert count_cleared(imported.checks, imported.columns) == {}


def test_what_may_not_be_blank_is_rejected_and_not_told(write_csv):
    make_library(name="Kent", zip_code="06757")
    path = write_csv(HEADER, ["Kent", "", "CT", "860-555-0123", "06757"])
    assert told(LibraryResource, path, keep_blank=False) == []
