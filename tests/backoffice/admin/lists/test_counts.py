"""Numbers of rows: exact, to a bound, or estimated."""

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from backoffice.querysets.counts import Count, count_rows
from library.models import Library
from tests.factories import make_library, make_patron

pytestmark = pytest.mark.django_db


def test_few_rows_are_counted_exactly():
    make_library()
    count = count_rows(Library.objects.all(), bound=2)
    assert (count, count.is_exact, str(count)) == (1, True, "1")
    assert count_rows(Library.objects.none()) == 0


def test_many_rows_are_counted_to_the_bound(libraries):
    count = count_rows(Library.objects.filter(state="NY"), bound=10)
    assert (count, count.at_least, f"{count}") == (10, True, "10+")


def test_rows_that_are_costly_to_find_are_counted_less_far(libraries, long):
    rows = Library.objects.filter(state="NY")
    assert str(count_rows(rows, is_costly=True)) == "4+"


def test_a_count_reads_no_more_rows_than_its_bound(libraries):
    with CaptureQueriesContext(connection) as queries:
        count_rows(Library.objects.filter(state="NY"), bound=10)
    assert len(queries) == 1
    assert "LIMIT 11" in queries[0]["sql"]


def test_rows_that_no_join_repeats_are_counted_as_they_are(libraries):
    """PostgreSQL would find all different rows before it counts the first."""
    rows = Library.objects.filter(state="NY").distinct()
    joined = Library.objects.filter(patron__name="Ann").distinct()
    make_patron(name="Ann", library=libraries[0])
    make_patron(name="Ann", library=libraries[0])
    with CaptureQueriesContext(connection) as queries:
        assert count_rows(rows) == 18
        assert count_rows(joined) == 1
    assert ["DISTINCT" in query["sql"] for query in queries] == [False, True]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's DISTINCT ON")
def test_rows_that_are_to_differ_in_a_field_are_counted_so(libraries):
    rows = Library.objects.order_by("state").distinct("state")
    assert count_rows(rows) == len(rows)


def test_a_whole_table_is_estimated():
    Library.objects.bulk_create(
        Library(name=f"L{n}", state="NY", zip_code="10001") for n in range(3000)
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE library_library")
    count = count_rows(Library.objects.all(), bound=100)
    assert (str(count), count.is_exact) == ("about 3,000", False)
    if connection.vendor == "sqlite":
        # It knows keys alone; gaps between them are reckoned with.
        odd = Library.objects.alias(odd=F("pk") % 2).filter(odd=1)
        odd.delete()
        assert abs(count_rows(Library.objects.all(), bound=100) - 1500) <= 20


def test_numbers_are_written_with_their_thousands():
    assert str(Count(1234567)) == "1,234,567"
    assert str(Count(1000, at_least=True)) == "1,000+"
