"""Records that look alike are the same ones by the index as by reading all."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.tables import lookalikes
from backoffice.tables.lookalikes import groups_of_lookalikes
from backoffice.tables.table import Table
from library.models import Book, Library, Patron
from tests.factories import make_library

pytestmark = pytest.mark.django_db

text = st.text(
    st.sampled_from("aAbB '\"’-–\u00a0\u200beéÉ\u0301Şßﬁ½名"), min_size=1, max_size=3
)
few = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def by_reading_all(table, match):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookalikes, "has_index", lambda *_args: False)
        return sorted(groups_of_lookalikes(table, match))


@few
@given(titles=st.lists(text, max_size=20))
def test_titles(titles):
    Book.objects.all().delete()
    Book.objects.bulk_create(Book(title=title) for title in titles)
    expected = by_reading_all(Table(Book), ["title"])
    assert sorted(groups_of_lookalikes(Table(Book), ["title"])) == expected


@few
@given(people=st.lists(st.tuples(text, st.booleans()), max_size=20))
def test_people_of_two_branches(people):
    Library.objects.all().delete()
    branches = make_library(name="Troy"), make_library(name="Kent")
    Patron.objects.bulk_create(
        Patron(name=name, library=branches[first]) for name, first in people
    )
    match = ["name", "library"]
    expected = by_reading_all(Table(Patron), match)
    assert sorted(groups_of_lookalikes(Table(Patron), match)) == expected


def test_more_forms_than_are_looked_up_at_once(monkeypatch):
    monkeypatch.setattr(lookalikes, "CHUNK", 2)
    Book.objects.bulk_create(
        Book(title=title) for n in range(7) for title in (f"{n}  blanks", f"{n} BLANKS")
    )
    groups = groups_of_lookalikes(Table(Book), ["title"])
    assert sorted(map(len, groups)) == [2] * 7
