"""What looks alike is found by the database, too: it leaves out nothing that may."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.tables.lookalikes import may_look_like
from backoffice.tables.texts import alike
from library.models import Book
from tests.factories import make_book

pytestmark = pytest.mark.django_db

text = st.text(
    st.sampled_from("abAB19 '\"’-–\u00a0\u200b\u00adéÉıİſK_%"), min_size=1, max_size=8
)


def found(texts):
    where = may_look_like("title", texts, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT title FROM library_book {'WHERE ' + where if where else ''}")  # noqa: S608
        return {title for (title,) in cursor.fetchall()}


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(new=st.lists(text, max_size=3), live=st.lists(text, max_size=20))
def test_whatever_looks_alike_is_found(new, live):
    Book.objects.all().delete()
    Book.objects.bulk_create(Book(title=title) for title in live)
    looked_for = set(map(alike, new))
    assert {title for title in live if alike(title) in looked_for} <= found(new)


def test_most_of_the_others_are_left_out():
    for title in ("Main Street", "MAIN  “STREET”", "East", "Ma\u200bin", "Élan"):
        make_book(title=title)
    assert found(["main street"]) == {"Main Street", "MAIN  “STREET”", "Ma\u200bin", "Élan"}
