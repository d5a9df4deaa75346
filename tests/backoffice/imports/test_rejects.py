"""Rejects: grouped by cause, and as a file that is mended and comes back."""

import csv

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.imports.engine import Import
from backoffice.imports.rejects import MARK, group_rejects, write_rejects
from backoffice.readers.source import open_source
from library.models import Book, Librarian, Library
from library.resources import BookResource, LibrarianResource, LibraryResource
from tests.backoffice.imports.running import HEADER, PRINCETON, SEAFORD, counted, run
from tests.factories import make_book, make_librarian, make_library

pytestmark = pytest.mark.django_db


def test_rejects_are_grouped_by_cause(write_csv):
    bad = [[f"A{i}", "x", "NY", "-4", "10001"] for i in range(3)]
    path = write_csv(HEADER, *bad, [*SEAFORD[:2], "ZZ", *SEAFORD[3:]])
    with Import(LibraryResource, open_source(path)) as imported:
        imported.check()
        causes = group_rejects(imported.checks)
    assert [(rows, field, line) for rows, field, _message, line in causes] == [
        (3, "phone_number", 2),
        (1, "state", 5),
    ]


def rejected_to(path, source, resource=LibraryResource, **options):
    """Import the source's good rows; the rest as the rows of a rejects file."""
    with Import(resource, source, **options) as imported:
        imported.apply()
        with path.open("wb") as file:
            write_rejects(imported, file)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_a_mended_rejects_file_imports_as_it_is(write_csv, tmp_path):
    path = write_csv(HEADER, PRINCETON, [*SEAFORD[:3], "-4", SEAFORD[4]], ["short"])
    rows = rejected_to(tmp_path / "rejects.csv", open_source(path))
    assert rows[0] == [*HEADER, "error"]
    assert rows[1][:5] == [*SEAFORD[:3], "'-4", SEAFORD[4]]
    assert rows[1][5].startswith("row 3, phone_number '-4': ")
    assert rows[2][0] == "short"
    assert rows[2][6] == "delete this cell once the row is right"
    rows[1][3] = SEAFORD[3]
    counts, rejected = run(LibraryResource, write_csv(*rows[:2]))
    assert (counted(counts), rejected) == ((1, 0, 0, 0), [])


def test_a_rejects_file_that_nobody_mended_is_rejected_again(write_csv, tmp_path):
    """Also where a row as it stands there, its cells filled up, could be taken."""
    book = make_book(title="T", libraries=[make_library(name="A")])
    path = write_csv(["title", "libraries"], ["T"], ["-4", "Nowhere"])
    rejects = tmp_path / "rejects.csv"
    rows = rejected_to(rejects, open_source(path), BookResource)
    assert [row[:2] for row in rows[1:]] == [["T", ""], ["'-4", "Nowhere"]]
    for _again in range(2):
        back = rejected_to(rejects, open_source(write_csv(*rows)), BookResource)
        assert [row[:2] + row[3:] for row in back] == [row[:2] + row[3:] for row in rows]
    assert book.libraries.get().name == "A"


def test_a_row_that_repeats_another_is_rejected_again_without_it(write_csv, tmp_path):
    other = [SEAFORD[0], "Elsewhere", *SEAFORD[2:]]
    rejects = tmp_path / "rejects.csv"
    rows = rejected_to(rejects, open_source(write_csv(HEADER, SEAFORD, other)))
    assert rows[1][6] == str(MARK)
    counts, _rejects = run(LibraryResource, rejects)
    assert counted(counts) == (0, 0, 0, 1)
    rows[1] = rows[1][:6]  # its mark deleted, it says what is right now
    counts, _rejects = run(LibraryResource, write_csv(*rows))
    assert counted(counts) == (0, 1, 0, 0)
    assert Library.objects.get().address == "Elsewhere"


@pytest.mark.slow
def test_the_rejects_of_the_survey_change_nothing_until_they_are_mended(shared_data, tmp_path):
    rejects = tmp_path / "rejects.csv"
    rows = rejected_to(rejects, open_source(shared_data / "imls_pls_fy2018_outlets.csv"))
    written = list(Library.objects.order_by("pk").values_list())
    counts, _rejects = run(LibraryResource, rejects)
    assert counted(counts) == (0, 0, 0, len(rows) - 1)
    assert list(Library.objects.order_by("pk").values_list()) == written


def dump(model=Library):
    return list(model.objects.order_by("pk").values_list())


names = st.sampled_from(["A", "B", "a", "A\xa0", ""])
few = st.sampled_from(["A", "B", ""])
laws = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def library_row(name, address, state="NY", zip_code="10001"):
    return [name, address, state, "212-222-6559", zip_code]


library_rows = st.lists(
    st.builds(
        library_row,
        *(names, few),
        st.sampled_from(["NY", "ZZ", ""]),
        st.sampled_from(["10001", "10001-1234", "-"]),
    ),
    max_size=8,
)


@laws
@given(
    stored=st.lists(st.builds(library_row, names.filter(bool), few.filter(bool)), max_size=3),
    rows=library_rows,
    alike=st.sampled_from(["reject", "same", "new"]),
    keep_blank=st.booleans(),
)
def test_rejects_that_nobody_mended_change_nothing(
    write_csv, tmp_path, stored, rows, alike, keep_blank
):
    options = {"alike": alike, "keep_blank": keep_blank}
    Library.objects.all().delete()
    for row in stored:
        make_library(**dict(zip(HEADER, row, strict=True)))
    rejects = tmp_path / "rejects.csv"
    again = rejected_to(rejects, open_source(write_csv(HEADER, *rows)), **options)
    written = dump()
    if len(again) > 1:
        counts, _rejects = run(LibraryResource, rejects, **options)
        assert (counts.new, counts.updated) == (0, 0)
    assert dump() == written


@pytest.mark.slow
@laws
@given(rows=st.lists(st.tuples(few, few), max_size=7))
def test_rejected_titles_that_nobody_mended_change_nothing(write_csv, tmp_path, rows):
    Library.objects.all().delete()
    Book.objects.all().delete()
    make_library(name="A")
    rejects = tmp_path / "rejects.csv"
    again = rejected_to(
        rejects, open_source(write_csv(["title", "libraries"], *rows)), BookResource
    )
    written = dump(Book), dump(Book.libraries.through)
    if len(again) > 1:
        counts, _rejects = run(BookResource, rejects)
        assert (counts.new, counts.updated) == (0, 0)
    assert (dump(Book), dump(Book.libraries.through)) == written


@pytest.mark.slow
@laws
@given(
    stored=st.permutations("ABC"),
    rows=st.lists(st.tuples(st.sampled_from("ABCD"), st.sampled_from("ABCDE")), max_size=5),
)
def test_rejected_exchanges_that_nobody_mended_change_nothing(
    write_csv, tmp_path, stored, rows
):
    Library.objects.all().delete()
    for name, library in zip("ABC", stored, strict=True):
        make_librarian(name=name, library=make_library(name=library))
    make_library(name="D")
    rejects = tmp_path / "rejects.csv"
    source = open_source(write_csv(["name", "library"], *rows))
    again = rejected_to(rejects, source, LibrarianResource, match=["name"])
    written = dump(Librarian)
    if len(again) > 1:
        counts, _rejects = run(LibrarianResource, rejects, match=["name"])
        assert (counts.new, counts.updated) == (0, 0)
    assert dump(Librarian) == written


@pytest.mark.slow
@laws
@given(rows=st.lists(st.builds(library_row, few, few, st.sampled_from(["NY", "ZZ"]))))
def test_mended_rejects_are_what_a_right_file_would_have_been(write_csv, tmp_path, rows):
    """Where each row has a key of its own."""
    rows = [[f"{number} {row[0]}", *row[1:]] for number, row in enumerate(rows)]

    def mended(row):
        return [row[0], row[1] or "1 Street", row[2].replace("ZZ", "NJ"), *row[3:5]]

    def values():
        return sorted(Library.objects.values_list(*HEADER))

    Library.objects.all().delete()
    run(LibraryResource, write_csv(HEADER, *map(mended, rows)))
    right = values()
    Library.objects.all().delete()
    rejects = rejected_to(tmp_path / "rejects.csv", open_source(write_csv(HEADER, *rows)))
    assert not any(row[6:] for row in rejects)
    run(LibraryResource, write_csv(rejects[0], *([*mended(r), r[5]] for r in rejects[1:])))
    assert values() == right


def test_a_blank_that_another_row_fills_comes_back_as_a_reject(write_csv, tmp_path):
    other = [SEAFORD[0], "", "NJ", *SEAFORD[3:]]
    rejects = tmp_path / "rejects.csv"
    rows = rejected_to(rejects, open_source(write_csv(HEADER, other, SEAFORD)))
    assert rows[1][5].endswith("the cell is blank. Another row has the same key.")
    assert rows[1][6] == str(MARK)
    assert counted(run(LibraryResource, rejects)[0]) == (0, 0, 0, 1)
    rows[1] = rows[1][:6]  # its mark deleted, it says what is right now: a blank keeps
    assert counted(run(LibraryResource, write_csv(*rows))[0]) == (0, 1, 0, 0)
    assert dump() == [(Library.objects.get().pk, *SEAFORD[:2], "NJ", *SEAFORD[3:])]


def test_what_the_record_has_already_is_no_repeat_that_differs(write_csv):
    """The first row, rejected when it came first, is the record when it comes again."""
    path = write_csv(HEADER, [SEAFORD[0], "", *SEAFORD[2:]], SEAFORD, SEAFORD)
    assert counted(run(LibraryResource, path)[0]) == (1, 0, 1, 1)
    assert counted(run(LibraryResource, path)[0]) == (0, 0, 3, 0)
    make_library(name="A")
    path = write_csv(["title", "libraries"], ["T", ""], ["T", "A"], ["T", "A"])
    assert counted(run(BookResource, path)[0]) == (1, 0, 1, 1)
    assert counted(run(BookResource, path)[0]) == (0, 0, 3, 0)


def test_what_was_escaped_is_not_escaped_once_more(write_csv, tmp_path):
    cells = ["'+Plus", "' edge '", "''=x", "=a", "'tis", "\t"]
    path = write_csv(["title", "libraries"], *([cell, "Nowhere"] for cell in cells))
    rows = rejected_to(tmp_path / "rejects.csv", open_source(path), BookResource)
    assert [row[0] for row in rows[1:]] == ["'+Plus", "' edge '", "''=x", "'=a", "'tis", ""]


def test_a_rejects_file_has_the_characters_that_its_source_has_not(tmp_path):
    path = tmp_path / "old.csv"
    row = "Bücherei Köln,1 Straße,NY,112-222-6559,10001"
    path.write_text(",".join(HEADER) + f"\n{row}\n", encoding="cp850")
    rows = rejected_to(tmp_path / "rejects.csv", open_source(path, encoding="cp850"))
    assert rows[1][0] == "Bücherei Köln"
    assert "\N{EN DASH}" in rows[1][5]


@pytest.mark.parametrize("mark", [" ", ":", "^", ";", "\t"])
def test_a_rejects_file_is_read_again_whatever_parted_the_cells(tmp_path, mark):
    path, rejects = tmp_path / "parted.csv", tmp_path / "rejects.csv"
    row = ["Kent Library", "1 Main Street", "CT", "112-222-6559", "06757"]
    lines = [mark.join(HEADER), *[mark.join(f'"{cell}"' for cell in row)] * 2]
    path.write_text("\n".join(lines) + "\n")
    known = LibraryResource.spellings()
    with Import(LibraryResource, open_source(path, known=known)) as imported:
        imported.apply()
        with rejects.open("wb") as file:
            write_rejects(imported, file)
    counts, said = run(LibraryResource, rejects)
    assert counted(counts) == (0, 0, 0, 2)
    assert all("phone_number '112-222-6559'" in reject for reject in said)
