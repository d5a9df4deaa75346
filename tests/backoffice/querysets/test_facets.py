"""Values in use beside a list: how many rows each has, at a cost that does not grow."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.querysets import facets
from backoffice.querysets.facets import values_in_use
from library.models import Book, Library, Patron
from tests.factories import make_book, make_library, make_patron

pytestmark = pytest.mark.django_db
STATE = Library._meta.get_field("state")


def shown(model, path):
    found = values_in_use(STATE, model.objects.all(), path)
    return {value: str(number) for value, number in found.items()}


def test_rows_that_several_lead_to_count_once():
    two = [make_library(name=f"L{n}", state="NY") for n in range(2)]
    far = make_library(name="Far", state="CO")
    make_book(libraries=[*two, far])
    make_book(libraries=two)
    assert shown(Book, "libraries__state") == {"NY": "2", "CO": "1"}


def test_what_was_not_read_to_its_end_is_at_least_so_many(monkeypatch):
    """Of titles that are in many branches of a state, a few links are read, not all."""
    monkeypatch.setattr(facets, "LINKS", 5)
    branches = [make_library(name=f"L{n}", state="NY") for n in range(4)]
    for _book in range(3):
        make_book(libraries=branches)
    number = shown(Book, "libraries__state")["NY"]
    assert number in ("2+", "3+")  # the six links may be those of two titles
    monkeypatch.setattr(facets, "LINKS", 12)
    assert shown(Book, "libraries__state") == {"NY": "3"}


def test_no_row_is_read_beyond_the_bound(monkeypatch):
    """DISTINCT would have all rows of a hundred branches read before the first counts."""
    monkeypatch.setattr(facets, "RELATED_BOUND", 2)
    branch = make_library(state="NY")
    for _patron in range(4):
        make_patron(library=branch)
    with CaptureQueriesContext(connection) as queries:
        assert shown(Patron, "library__state") == {"NY": "2+"}
    (query,) = queries
    assert "SELECT DISTINCT" not in query["sql"]
    assert query["sql"].count("LIMIT 3") == 3
