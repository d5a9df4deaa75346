"""What a cell refers to is found, or its row is rejected: references and links."""

import pytest

from backoffice.resources.references import ReferenceKey
from library.models import Book, Librarian, Library, Patron
from library.resources import (
    BookResource,
    LibrarianResource,
    PatronResource,
)
from tests.backoffice.imports.running import counted, run
from tests.factories import make_book, make_librarian, make_library

pytestmark = pytest.mark.django_db


def test_links_decide_whether_a_row_says_something_new(write_csv):
    for name in "AB":
        make_library(name=name)
    path = write_csv(
        ["title", "libraries"], ["Dune", "A|B"], ["Dune", "B|A"], ["Dune", ""], ["Dune", "A"]
    )
    counts, rejects = run(BookResource, path)
    assert counted(counts) == (1, 0, 1, 2)
    assert rejects[1:] == [
        "row 5, title 'Dune': Repeats row 2. Keep one of the two. Several in one cell are"
        " separated by | (libraries)."
    ]


def test_a_reference_is_read_as_a_name_or_as_a_name_with_zip_code(write_csv):
    one = make_library(name="North", zip_code="10001")
    two = make_library(name="Main", zip_code="10002")
    make_library(name="Main", zip_code="10003")
    path = write_csv(["name", "library"], ["Ann", "North"], ["Bob", "Main (10002)"])
    counts, rejects = run(PatronResource, path)
    assert (counted(counts), rejects) == ((2, 0, 0, 0), [])
    assert dict(Patron.objects.values_list("name", "library")) == {"Ann": one.pk, "Bob": two.pk}


def test_a_name_in_brackets_means_the_record_that_is_written_so(write_csv):
    """The library that has all of it as its name is written with its own ZIP code behind."""
    meant, _other = (make_library(name="Main", zip_code=zip_code) for zip_code in ("1", "2"))
    named_so = make_library(name="Main (1)", zip_code="3")
    path = write_csv(["name", "library"], ["Ann", "Main (1)"], ["Bob", "Main (1) (3)"])
    counts, _rejects = run(PatronResource, path)
    assert counted(counts) == (2, 0, 0, 0)
    assert set(Patron.objects.values_list("name", "library")) == {
        ("Ann", meant.pk),
        ("Bob", named_so.pk),
    }
    assert list(ReferenceKey(Library).find("Main (1)")) == [meant.pk]


def test_brackets_without_end_cost_no_more_than_a_name_is_long():
    labels = ReferenceKey(Library).label_candidates("x (" * 10_000 + "0)")
    assert max(map(len, labels[1:])) <= Library._meta.get_field("name").max_length
    assert ReferenceKey(Library).label_candidates("A (B) (1)") == ["A (B) (1)", "A", "A (B)"]


def test_a_reference_that_is_unknown_or_fits_several_rejects_the_row(write_csv):
    make_library(name="Main", zip_code="10002")
    make_library(name="Main", zip_code="10003")
    path = write_csv(["name", "library"], ["Ann", "Nowhere"], ["Bob", "Main"], ["Cid", ""])
    counts, rejects = run(PatronResource, path)
    assert counted(counts) == (0, 0, 0, 3)
    assert rejects[0].startswith("row 2, library 'Nowhere': No such record")
    assert rejects[1].startswith("row 3, library 'Main': Fits 2 records.")
    assert rejects[2].startswith("row 4, library '': ")
    assert not Patron.objects.exists()


def test_links_become_what_the_cell_lists(write_csv):
    a, b, c = (make_library(name=name) for name in "ABC")
    book = make_book(title="Dune", libraries=[a, b])
    same = make_book(title="Emma", libraries=[c])
    path = write_csv(
        ["title", "libraries"], ["Dune", "B|C"], ["Emma", "C"], ["Ulysses", "A|B|A"]
    )
    counts, rejects = run(BookResource, path)
    assert (counted(counts), rejects) == ((1, 1, 1, 0), [])
    assert set(book.libraries.all()) == {b, c}
    assert set(same.libraries.all()) == {c}
    assert set(Book.objects.get(title="Ulysses").libraries.all()) == {a, b}


def test_a_name_with_a_bar_in_it_can_be_a_link(write_csv):
    odd = make_library(name="A|B")
    run(BookResource, write_csv(["title", "libraries"], ["Dune", r"A\|B"]))
    assert set(Book.objects.get().libraries.all()) == {odd}


def test_one_unknown_library_of_several_rejects_the_book(write_csv):
    make_library(name="A")
    path = write_csv(["title", "libraries"], ["Dune", "A|Nowhere"])
    counts, rejects = run(BookResource, path)
    assert counted(counts) == (0, 0, 0, 1)
    assert rejects == [
        "row 2, libraries 'Nowhere': No such record is here. Write its name as it is here,"
        " or create it first. Several in one cell are separated by | (libraries)."
    ]
    assert not Book.objects.exists()


def test_a_second_librarian_for_a_library_is_a_rejected_row(write_csv):
    library = make_library(name="A")
    make_librarian(name="Fry", library=library)
    path = write_csv(["name", "library"], ["Leela", "A"])
    counts, rejects = run(LibrarianResource, path, match=["name"])
    assert counted(counts) == (0, 0, 0, 1)
    assert "row 2, library 'A': Belongs to another record (librarian) already." in rejects
    counts, _rejects = run(LibrarianResource, path)
    assert counted(counts) == (0, 1, 0, 0)
    assert Librarian.objects.get().name == "Leela"
