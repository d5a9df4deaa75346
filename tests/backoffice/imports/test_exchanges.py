"""Records that exchange unique values in one file."""

import pytest

from library.models import Librarian
from library.resources import LibrarianResource
from tests.backoffice.imports.running import counted, run
from tests.factories import make_librarian, make_library

pytestmark = pytest.mark.django_db


@pytest.fixture
def places():
    """Three librarians, each in the library of the same number, and a library that is free."""
    for name in "123":
        make_librarian(name=f"Librarian {name}", library=make_library(name=name))
    make_library(name="4")


def moved(write_csv, *rows):
    rows = [(f"Librarian {name}", library) for name, library in rows]
    path = write_csv(["name", "library"], *rows)
    return run(LibrarianResource, path, match=["name"])


def placed():
    found = Librarian.objects.values_list("name", "library__name")
    return {name.removeprefix("Librarian "): library for name, library in found}


def test_two_change_places(write_csv, places):
    keys = dict(Librarian.objects.values_list("name", "pk"))
    counts, rejects = moved(write_csv, ("1", "2"), ("2", "1"), ("3", "3"))
    assert (counted(counts), rejects) == ((0, 2, 1, 0), [])
    assert placed() == {"1": "2", "2": "1", "3": "3"}
    assert dict(Librarian.objects.values_list("name", "pk")) == keys
    assert Librarian.history.filter(history_type="~", history_change_reason=None).count() == 2
    again, _rejects = moved(write_csv, ("1", "2"), ("2", "1"), ("3", "3"))
    assert counted(again) == (0, 0, 3, 0)


@pytest.mark.parametrize("order", [("123"), ("321"), ("213")])
def test_three_go_round(write_csv, places, order):
    rows = {"1": ("1", "2"), "2": ("2", "3"), "3": ("3", "1")}
    counts, rejects = moved(write_csv, *(rows[name] for name in order))
    assert (counted(counts), rejects) == ((0, 3, 0, 0), [])
    assert placed() == {"1": "2", "2": "3", "3": "1"}


@pytest.mark.parametrize("order", [("123"), ("321")])
def test_a_chain_moves_up_and_a_new_one_takes_the_place_that_is_left(write_csv, places, order):
    rows = {"1": ("1", "2"), "2": ("2", "3"), "3": ("3", "4")}
    counts, rejects = moved(write_csv, *(rows[name] for name in order), ("new", "1"))
    assert (counted(counts), rejects) == ((1, 3, 0, 0), [])
    assert placed() == {"1": "2", "2": "3", "3": "4", "new": "1"}


def test_where_one_end_is_rejected_all_that_hang_on_it_are(write_csv, places):
    counts, rejects = moved(write_csv, ("1", "2"), ("2", "3"), ("3", "nowhere"))
    assert counted(counts) == (0, 0, 0, 3)
    assert [text.partition(":")[0] for text in rejects] == [
        "row 2, library '2'",
        "row 3, library '3'",
        "row 4, library 'nowhere'",
    ]
    assert placed() == {"1": "1", "2": "2", "3": "3"}


def test_a_place_whose_librarian_the_file_does_not_move_is_taken(write_csv, places):
    counts, rejects = moved(write_csv, ("1", "2"))
    assert counted(counts) == (0, 0, 0, 1)
    assert "Belongs to another record" in rejects[0]
