"""Filters by related rows: how many, which, and whose."""

import re

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.querysets import related
from library.models import Book, Library, Patron
from tests.backoffice.filters.filtersets import FILTERSETS, filterset, found
from tests.factories import make_book, make_library, make_user

pytestmark = pytest.mark.django_db


# Numbers of related rows ------------------------------------------------------------------


@pytest.mark.parametrize("branches", [0, 10_000], ids=["many branches", "few branches"])
@pytest.mark.parametrize("few", [0, related.FEW], ids=["many rows", "few rows"])
@pytest.mark.parametrize("once", [0, 1_000], ids=["all counted", "counted row by row"])
@pytest.mark.parametrize(
    ("low", "high", "names"),
    [
        (0, 0, "B"),
        (0, 1, "BC"),
        (1, 1, "C"),
        (1, 2, "AC"),
        ("", 0, "B"),
        (0, "", "ABC"),
        (3, "", ""),
        ("", "", "ABC"),
    ],
)
def test_numbers_of_related_rows_go_from_one_to_another(
    rows, monkeypatch, low, high, names, few, branches, once
):
    monkeypatch.setattr("backoffice.filters.related.ONCE", once)
    monkeypatch.setattr("backoffice.filters.related.BRANCHES", branches)
    monkeypatch.setattr(related, "FEW", few)
    data = {"patron_count_min": str(low), "patron_count_max": str(high)}
    bound = FILTERSETS[Library](data, Library.objects.all())
    assert "".join(name[0] for name in found(bound)) == names


def test_a_number_of_related_rows_is_one_grouped_statement(rows, monkeypatch):
    monkeypatch.setattr("backoffice.filters.related.BRANCHES", 2)
    bound = filterset(Library, "patron_count_min", "1")
    with CaptureQueriesContext(connection) as queries:
        found(bound)
    assert len(queries) == 3
    assert "GROUP BY" in queries[1]["sql"]


def test_of_few_branches_no_more_patrons_are_read_than_it_takes(rows, monkeypatch):
    """Ten thousand branches have ten million patrons."""
    monkeypatch.setattr("backoffice.filters.related.ONCE", 100)
    data = {"patron_count_min": "3", "patron_count_max": "7"}
    sql = str(FILTERSETS[Library](data, Library.objects.all()).qs.query)
    assert "GROUP BY" not in sql
    assert "COUNT" not in sql
    assert re.findall(r"LIMIT 1 OFFSET \d", sql) == ["LIMIT 1 OFFSET 2", "LIMIT 1 OFFSET 7"]


def test_where_that_is_most_of_them_they_are_counted_once_for_the_page(rows):
    """Branches with 900 to 1,100 patrons: each statement of a page would read all patrons."""
    data = {"patron_count_min": "1", "patron_count_max": "1"}
    with CaptureQueriesContext(connection) as queries:
        sql = str(FILTERSETS[Library](data, Library.objects.all()).qs.query)
    assert "GROUP BY" in queries[-1]["sql"]
    assert "patron" not in sql


def test_titles_of_branches_with_many_links_are_found_in_their_order(rows, monkeypatch):
    """All links of a few large branches are no few rows."""
    books = [make_book(title=f"T{n}", libraries=Library.objects.all()) for n in range(3)]
    names = list(Library.objects.values_list("name", flat=True))
    few = related.any_of(Book, "libraries__name", names)
    monkeypatch.setattr(related, "LINKS", 2)
    many = related.any_of(Book, "libraries__name", names)
    assert (few.is_costly, many.is_costly) == (False, True)
    for condition in (few, many):
        assert set(Book.objects.filter(condition.q)) >= set(books)


@pytest.mark.parametrize("high", ["0", "1"])
def test_at_most_so_many_is_asked_of_each_row(rows, high):
    """A million keys of those that have more can't be gone through for each row."""
    sql = str(filterset(Library, "patron_count_max", high).qs.query)
    assert not re.search(r"\bIN \(SELECT", sql)


def test_from_more_than_to_is_an_error(rows):
    data = {"patron_count_min": "2", "patron_count_max": "1"}
    bound = FILTERSETS[Library](data, Library.objects.all())
    assert "larger" in str(bound.errors["patron_count"])


# References -------------------------------------------------------------------------------


def test_a_reference_that_fits_several_says_which(rows):
    for zip_code in ("10003", "10004"):
        make_library(name="Main", zip_code=zip_code)
    errors = str(filterset(Patron, "library", "Main").errors["library"])
    assert "Main (10003); Main (10004)" in errors
    assert filterset(Patron, "library", "Main (10003)").is_valid()


def test_a_reference_that_is_not_found_says_what_is_near(rows):
    errors = str(filterset(Patron, "library", "cherry").errors["library"])
    assert "Cherry Branch (80204)" in errors


def test_titles_that_nothing_tells_apart_are_all_meant(rows):
    make_book(title="Emma", libraries=[Library.objects.get(name="Apple Branch")])
    assert found(filterset(Library, "book", "Emma")) == ["Apple Branch", "Berry Branch"]


def test_a_reference_is_looked_up_by_the_index_of_its_label(rows):
    # Enough of them that the index by the name is the best by far, not one of several.
    Library.objects.bulk_create(
        Library(name=f"Branch {n}", state="NY", zip_code="10001") for n in range(2000)
    )
    bound = filterset(Patron, "library", "Apple Branch")
    with CaptureQueriesContext(connection) as queries:
        assert bound.is_valid()
    (query,) = queries
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE library_library")
        plan = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{plan} {query['sql']}")
        text = str(cursor.fetchall())
    assert "library_name_zip" in text
    assert "Index Cond" in text or "SEARCH" in text


# Whose rows -------------------------------------------------------------------------------


@pytest.fixture
def request_of(rf):
    def make(*permissions):
        request = rf.get("/")
        request.user = make_user(permissions=permissions)
        return request

    return make


def test_filters_of_rows_that_one_may_not_view_are_left_out(request_of):
    request = request_of("library.view_library", "library.view_patron")
    filters = FILTERSETS[Library](request=request, admin_site=admin.site).filters
    assert "patron_count" in filters
    assert not {"book", "librarian"} & set(filters)


def test_related_rows_are_those_that_their_admin_shows(rows, request_of, monkeypatch):
    patron_admin, book_admin = (admin.site.get_model_admin(model) for model in (Patron, Book))
    monkeypatch.setattr(
        patron_admin, "get_queryset", lambda request: Patron.objects.filter(name="Jane")
    )
    monkeypatch.setattr(
        book_admin, "get_queryset", lambda request: Book.objects.filter(title="Dune")
    )
    request = request_of("library.view_patron", "library.view_book")
    bound = filterset(Library, "patron_count_min", "1", request=request)
    assert found(bound) == ["Cherry Branch"]
    assert not filterset(Library, "book", "Emma", request=request).is_valid()
    library_admin = admin.site.get_model_admin(Library)
    monkeypatch.setattr(
        library_admin, "get_queryset", lambda request: Library.objects.filter(state="CO")
    )
    request = request_of("library.view_library")
    assert found(filterset(Book, "library_count_min", "2", request=request)) == []
    assert found(filterset(Book, "library_count_min", "1", request=request)) == ["Dune"]
