"""What staff choose about an import: what it writes, what stays, what cells are read as."""

import pytest

from backoffice.imports.engine import Import
from backoffice.imports.mapping import MappingError
from backoffice.readers.source import open_source
from library.models import Book, Library
from library.resources import BookResource, LibraryResource
from tests.backoffice.imports.running import HEADER, PRINCETON, SEAFORD, counted, repaired, run
from tests.everything.models import Given
from tests.everything.resources import RESOURCES
from tests.factories import make_book, make_library

pytestmark = pytest.mark.django_db

BROOKS = ["Brooks", "1 Main Street", "VT", "802-254-5290", "05301"]


@pytest.fixture
def princeton():
    """A record that the file would change."""
    return make_library(name=PRINCETON[0], zip_code=PRINCETON[4], state="NJ", address="1 Old")


@pytest.fixture
def path(write_csv):
    """A row that changes a record, two new ones, and one that is no good."""
    return write_csv(HEADER, PRINCETON, SEAFORD, BROOKS, ["Bad", "1 Main St", "NY", "-4", "1"])


def test_new_records_alone(path, princeton):
    counts, _rejects = run(LibraryResource, path, only="new")
    assert counted(counts) == (2, 0, 1, 1)
    assert counts.rows == 4
    princeton.refresh_from_db()
    assert princeton.address == "1 Old"
    assert princeton.history.count() == 1
    assert Library.objects.count() == 3


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("options", [{"only": "new"}, {"protected": ["address"]}])
def test_a_row_that_repeats_another_is_unchanged(write_csv, options, is_there):
    if is_there:
        make_library(name=SEAFORD[0], zip_code=SEAFORD[4], address="1 Old")
    other = [SEAFORD[0], "2 Other", *SEAFORD[2:]]
    counts, rejects = run(
        LibraryResource, write_csv(HEADER, SEAFORD, SEAFORD, other), **options
    )
    assert (counts.new + counts.updated + counts.unchanged, counts.rejected) == (2, 1)
    assert "row 4" in rejects[0]


def test_updates_alone(path, princeton):
    counts, rejects = run(LibraryResource, path, only="updates")
    assert counted(counts) == (0, 1, 0, 3)
    assert counts.rows == 4
    said = "There is no such library yet, and only updates are wanted."
    assert f"row 3, name, zip_code 'Seaford, 11783': {said}" in rejects
    princeton.refresh_from_db()
    assert princeton.address == PRINCETON[1]
    assert Library.objects.count() == 1


def test_updates_alone_say_nothing_of_columns_that_new_records_lack(write_csv, princeton):
    path = write_csv(["name", "zip_code", "address"], [PRINCETON[0], PRINCETON[4], "2 New"])
    for only, warned in (("updates", 0), ("", 1)):
        with Import(LibraryResource, open_source(path), only=only) as imported:
            assert sum("a new record needs" in text for text in imported.warnings) == warned


def test_a_file_imported_with_both_halves_is_imported_whole(path, princeton):
    run(LibraryResource, path, only="new")
    run(LibraryResource, path, only="updates")
    counts, _rejects = run(LibraryResource, path)
    assert counted(counts) == (0, 0, 3, 1)


def test_links_stay_where_only_new_records_are_wanted(write_csv):
    one, two = make_library(name="One"), make_library(name="Two")
    book = make_book(title="Emma", libraries=[one])
    path = write_csv(["title", "libraries"], ["Emma", "Two"], ["Ulysses", "Two"])
    counts, _rejects = run(BookResource, path, only="new")
    assert counted(counts) == (1, 0, 1, 0)
    assert list(book.libraries.all()) == [one]
    assert list(Book.objects.get(title="Ulysses").libraries.all()) == [two]


def test_a_protected_field_stays_in_records_and_is_given_to_new_ones(write_csv, princeton):
    path = write_csv(HEADER, PRINCETON, SEAFORD)
    princeton.state = "NY"
    princeton.save()
    with Import(LibraryResource, open_source(path), protected=["address"]) as imported:
        imported.check()
        changes = {change.line: change for change in imported.changes()}
        assert (changes[2].new[1], changes[2].old[1]) == ("1 Old", "1 Old")
        assert counted(imported.apply()) == (1, 1, 0, 0)
    princeton.refresh_from_db()
    assert (princeton.address, princeton.state) == ("1 Old", "NJ")
    assert Library.objects.get(name="Seaford").address == SEAFORD[1]


def test_a_difference_in_protected_fields_alone_is_none(write_csv, princeton):
    path = write_csv(["name", "zip_code", "address"], [PRINCETON[0], PRINCETON[4], "2 New"])
    counts, _rejects = run(LibraryResource, path, protected=["address", "state"])
    assert counted(counts) == (0, 0, 1, 0)


def test_protected_links_stay_and_are_given_to_new_records(write_csv):
    one, two = make_library(name="One"), make_library(name="Two")
    book = make_book(title="Emma", libraries=[one])
    path = write_csv(["title", "libraries"], ["Emma", "Two"], ["Ulysses", "Two"])
    counts, _rejects = run(BookResource, path, protected=["libraries"])
    assert counted(counts) == (1, 0, 1, 0)
    assert list(book.libraries.all()) == [one]
    assert list(Book.objects.get(title="Ulysses").libraries.all()) == [two]


@pytest.mark.parametrize("option", [{"protected": ["colour"]}, {"values": {"colour": {}}}])
def test_a_field_that_is_none_is_refused(path, option):
    with pytest.raises(MappingError, match="There is no column colour"):
        run(LibraryResource, path, **option)


def test_values_are_read_as_what_was_said_and_told(write_csv):
    calif, none = [*SEAFORD[:2], " Calif.", *SEAFORD[3:]], [*BROOKS[:3], "N/A?", BROOKS[4]]
    path = write_csv(HEADER, calif, none, PRINCETON)
    values = {"state": {"Calif.": "CA"}, "phone_number": {"N/A?": "", "-4": ""}}
    with Import(LibraryResource, open_source(path), values=values) as run:
        counts = run.check()
        assert counted(counts) == (2, 0, 0, 1)
        assert repaired(run) == [
            (2, "state", " Calif.", "CA"),
            (3, "phone_number", "N/A?", ""),
        ]
        assert [reject.code for reject in run.rejects()] == ["empty"]


def test_a_blank_can_be_read_as_a_value_and_an_error_of_a_spreadsheet_as_blank(write_csv):
    rows = [[*SEAFORD[:2], "", *SEAFORD[3:]], [BROOKS[0], "#N/A", *BROOKS[2:]]]
    values = {"state": {"": "VT"}, "address": {"#N/A": "unknown"}}
    run(LibraryResource, write_csv(HEADER, *rows), values=values)
    assert Library.objects.get(name="Seaford").state == "VT"
    assert Library.objects.get(name="Brooks").address == "unknown"


def test_a_value_is_read_anew_before_a_repair(write_csv):
    path = write_csv(HEADER, [*PRINCETON[:4], "?"])
    run(LibraryResource, path, values={"zip_code": {"?": "8542"}}, repairs=["zip_zeros"])
    assert Library.objects.get().zip_code == "08542"


def test_the_default_that_a_blank_is_in_a_new_record_is_shown(write_csv):
    there = Given.objects.create(code="A", number=3)
    path = write_csv(["code", "number", "unlike"], ["A", "", str(there.unlike)], ["B", "", ""])
    with Import(RESOURCES[Given], open_source(path)) as imported:
        imported.check()
        (shown,) = imported.changes()
        assert shown.new == ("B", "7", "")  # another default is made for each row
        imported.apply()
    assert dict(Given.objects.values_list("code", "number")) == {"A": 3, "B": 7}
