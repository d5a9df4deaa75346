"""A text is found whether or not the search index can find it."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.querysets.contains import contains, has_trigram
from library.models import Book

pytestmark = pytest.mark.django_db

text = st.text(st.sampled_from("ab A1.'é名_%"), min_size=1, max_size=5)
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="only PostgreSQL has the index"
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(titles=st.lists(text, max_size=10), part=text)
def test_it_finds_what_django_finds(titles, part):
    Book.objects.all().delete()
    Book.objects.bulk_create(Book(title=title) for title in titles)
    found = Book.objects.filter(contains("title", part)).values_list("pk", flat=True)
    expected = Book.objects.filter(title__icontains=part).values_list("pk", flat=True)
    assert set(found) == set(expected)


@on_postgresql
@given(part=text)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_it_knows_what_trigrams_postgresql_takes_of_a_text(part):
    """What `show_trgm` has of the text in two surroundings, but not of these alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array(SELECT unnest(show_trgm(%s)) INTERSECT SELECT unnest(show_trgm(%s))"
            " EXCEPT SELECT unnest(show_trgm('x')) EXCEPT SELECT unnest(show_trgm('9')))",
            [f"x{part}x", f"9{part}9"],
        )
        ((shared,),) = cursor.fetchall()
    assert has_trigram(part) == bool(shared)


@on_postgresql
@pytest.mark.parametrize(
    ("part", "by_index"),
    [("wu", False), ("-1", True), ("Wu ", True), ("rivers", True), ("名", False), ("'", False)],
)
def test_the_index_is_left_alone_where_it_would_be_read_whole(part, by_index):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexonlyscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
    plan = Book.objects.filter(contains("title", part)).explain()
    assert ("book_search" in plan) == by_index
