"""Keys that differ a little: the same record, or one that only looks like it."""

import pytest

from backoffice.imports.engine import Import
from backoffice.readers.source import open_source
from library.models import Book, Library, Patron
from library.resources import BookResource, LibraryResource, PatronResource
from tests.backoffice.imports.running import HEADER, PRINCETON, counted, run
from tests.factories import make_book, make_library, make_patron

pytestmark = pytest.mark.django_db

DENVER = ["Denver Public Library", "10 W 14th Ave", "CO", "720-865-1111", "80204"]
SHOUTED = ["DENVER PUBLIC LIBRARY", "12 W 14th Ave", "CO", "720-865-1111", "80204"]
UNTIDY = [
    "Jane\u00a0Doe",
    "Jane\u2009 Doe",
    "Jane\u200d Doe",
    "Ja\u00adne Doe",
    "Jane\ufe0f Doe",
]


@pytest.mark.parametrize("name", UNTIDY)
def test_a_row_that_differs_in_white_space_is_that_record(write_csv, name):
    patron = make_patron(name="Jane Doe", library=make_library(name="Troy"))
    counts, rejects = run(PatronResource, write_csv(["name", "library"], [name, "Troy "]))
    assert (counted(counts), rejects) == ((0, 0, 1, 0), [])
    assert Patron.objects.get() == patron


@pytest.mark.parametrize("stored", UNTIDY)
def test_a_record_keeps_the_spelling_that_it_has(write_csv, stored):
    library = make_library(name=stored, address="1 Main", zip_code="12180")
    path = write_csv(HEADER, ["Jane Doe", "2 Main", "NY", "518-274-7071", "12180"])
    counts, _rejects = run(LibraryResource, path)
    assert counted(counts) == (0, 1, 0, 0)
    library.refresh_from_db()
    assert (library.name, library.address) == (stored, "2 Main")


def test_the_exact_record_goes_before_the_same(write_csv):
    for name in ("Troy", "Troy\u200b", "TROY"):
        make_library(name=name, address="", state="NY", phone_number="", zip_code="12180")
    rows = [[name, "1 Main", "NY", "518-274-7071", "12180"] for name in ("Troy\u200b", "TROY")]
    counts, rejects = run(LibraryResource, write_csv(HEADER, *rows))
    assert (counted(counts), rejects) == ((0, 2, 0, 0), [])
    assert list(Library.objects.order_by("pk").values_list("address", flat=True)) == [
        "",
        "1 Main",
        "1 Main",
    ]


def test_several_records_that_are_the_same_are_named(write_csv):
    make_library(name="Troy\u200b", zip_code="12180")
    make_library(name="Tr\u200boy", zip_code="12180")
    row = ["Troy", "1 Main", "NY", "518-274-7071", "12180"]
    counts, rejects = run(LibraryResource, write_csv(HEADER, row))
    assert counted(counts) == (0, 0, 0, 1)
    assert "Fits 2 records" in rejects[0]


def test_new_records_get_clean_text(write_csv):
    row = ["Cafe\u0301\u00a0 Library", "1\tMain\u200b  St", "NY", "518-274-7071", "12180"]
    counts, _rejects = run(LibraryResource, write_csv(HEADER, row))
    assert counted(counts) == (1, 0, 0, 0)
    library = Library.objects.get()
    assert (library.name, library.address) == ("Café Library", "1 Main St")
    assert counted(run(LibraryResource, write_csv(HEADER, row))[0]) == (0, 0, 1, 0)


def test_a_text_that_the_record_has_so_is_kept(write_csv):
    make_library(name="Troy", address="1  Main", zip_code="12180", phone_number="518-274-7071")
    row = ["Troy", "1  Main", "NY", "518-274-7071", "12180"]
    assert counted(run(LibraryResource, write_csv(HEADER, row))[0])[0] == 0
    assert Library.objects.get().address == "1  Main"


def test_a_name_of_nothing_visible_is_blank(write_csv):
    row = ["\u200b", "1 Main", "NY", "518-274-7071", "12180"]
    counts, rejects = run(LibraryResource, write_csv(HEADER, row))
    assert counted(counts) == (0, 0, 0, 1)
    assert "blank" in rejects[0]


def test_rows_of_a_file_that_are_the_same_are_one(write_csv):
    row = ["Jane Doe", "1 Main", "NY", "518-274-7071", "12180"]
    rows = [[name, *row[1:]] for name in ("Jane Doe", *UNTIDY)]
    counts, rejects = run(LibraryResource, write_csv(HEADER, *rows))
    assert (counted(counts), rejects) == ((1, 0, 5, 0), [])
    other = ["Jane  Doe", "2 Main", *row[2:]]
    Library.objects.all().delete()
    counts, rejects = run(LibraryResource, write_csv(HEADER, row, other))
    assert counted(counts) == (1, 0, 0, 1)
    assert "Repeats row 2" in rejects[0]


def test_a_look_alike_is_rejected_and_named(write_csv):
    make_library(name=DENVER[0], zip_code="80204")
    counts, rejects = run(LibraryResource, write_csv(HEADER, SHOUTED))
    assert counted(counts) == (0, 0, 0, 1)
    assert "Looks like “Denver Public Library (80204)”" in rejects[0]


def test_a_look_alike_is_found_after_what_rows_look_like_was_freed(write_csv):
    make_library(name=DENVER[0], zip_code="80204")
    with Import(LibraryResource, open_source(write_csv(HEADER, SHOUTED))) as imported:
        imported.stage()
        imported.staging.forget_looks()
        assert counted(imported.check()) == (0, 0, 0, 1)


def test_a_look_alike_can_be_the_same(write_csv):
    make_library(name=PRINCETON[0], zip_code="08542-3214")
    row = [PRINCETON[0].upper(), "66 Witherspoon", "NJ", "609-924-9529", "08542"]
    counts, _rejects = run(LibraryResource, write_csv(HEADER, row), alike="same")
    assert counted(counts) == (0, 1, 0, 0)
    library = Library.objects.get()
    assert (library.name, library.zip_code) == (PRINCETON[0], "08542-3214")
    assert library.address == "66 Witherspoon"
    assert counted(run(LibraryResource, write_csv(HEADER, row), alike="same")[0]) == (
        0,
        0,
        1,
        0,
    )


def test_a_look_alike_can_be_new(write_csv):
    make_library(name=DENVER[0], zip_code="80204")
    counts, _rejects = run(LibraryResource, write_csv(HEADER, SHOUTED), alike="new")
    assert counted(counts) == (1, 0, 0, 0)


def test_several_look_alikes_are_named_and_none_is_the_same(write_csv):
    for name in ("Denver Public Library", "denver public library"):
        make_library(name=name, zip_code="80204")
    counts, rejects = run(LibraryResource, write_csv(HEADER, SHOUTED), alike="same")
    assert counted(counts) == (0, 0, 0, 1)
    assert "“Denver Public Library (80204)”, “denver public library (80204)”" in rejects[0]


@pytest.mark.parametrize(
    ("alike", "expected"),
    [("reject", (1, 0, 0, 1)), ("same", (1, 0, 0, 1)), ("new", (2, 0, 0, 0))],
)
def test_rows_of_a_file_that_look_alike(write_csv, alike, expected):
    counts, rejects = run(LibraryResource, write_csv(HEADER, DENVER, SHOUTED), alike=alike)
    assert counted(counts) == expected
    assert all("row 2" in reject for reject in rejects)


def test_the_other_columns_of_the_key_are_equal_or_not(write_csv):
    troy, kent = make_library(name="Troy"), make_library(name="Kent")
    make_patron(name="Jane Doe", library=troy)
    rows = [["JANE DOE", "Kent"], ["jane doe", "Troy"]]
    counts, rejects = run(PatronResource, write_csv(["name", "library"], *rows))
    assert counted(counts) == (1, 0, 0, 1)
    assert "row 3" in rejects[0]
    assert Patron.objects.filter(library=kent).get().name == "JANE DOE"


def test_a_reference_that_looks_like_one_record_is_taken_and_told(write_csv):
    make_library(name="O’Hara Library", zip_code="60601-1234")
    path = write_csv(["title", "libraries"], ["Emma", "o'hara library (60601)"])
    with Import(BookResource, open_source(path)) as imported:
        assert counted(imported.apply()) == (1, 0, 0, 0)
        (warning,) = imported.warnings
    assert "o'hara library (60601) → O’Hara Library (60601-1234)" in warning


def test_a_reference_that_is_the_same_is_taken_without_a_word(write_csv):
    library = make_library(name="Café Library")
    path = write_csv(["title", "libraries"], ["Emma", "Cafe\u0301\u00a0 Library"])
    with Import(BookResource, open_source(path)) as imported:
        assert counted(imported.apply()) == (1, 0, 0, 0)
        assert imported.warnings == []
    assert Book.objects.get().libraries.get() == library


def test_a_reference_that_looks_like_several_is_rejected(write_csv):
    for name in ("Troy", "troy"):
        make_library(name=name)
    counts, rejects = run(BookResource, write_csv(["title", "libraries"], ["Emma", "TROY"]))
    assert counted(counts) == (0, 0, 0, 1)
    assert "Fits 2 records" in rejects[0]


def test_one_text_alone_can_be_the_key(write_csv):
    make_book(title="Emma", libraries=[make_library(name="Troy")])
    counts, rejects = run(BookResource, write_csv(["title", "libraries"], ["EMMA", "Troy"]))
    assert counted(counts) == (0, 0, 0, 1)
    assert "Looks like “Emma”" in rejects[0]
