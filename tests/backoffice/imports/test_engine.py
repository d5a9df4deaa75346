"""A file becomes rows: the new, updated, unchanged and rejected ones, and what is stored."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.history.records import Signature
from backoffice.imports import preview
from backoffice.imports.engine import DatabaseMoved, DatabaseRefused, Import
from backoffice.imports.mapping import MappingError
from backoffice.readers.source import open_source
from library.models import Book, Library
from library.resources import (
    BookResource,
    LibrarianResource,
    LibraryResource,
)
from tests.backoffice.imports.running import HEADER, PRINCETON, SEAFORD, counted, repaired, run
from tests.factories import make_book, make_librarian, make_library, make_user

pytestmark = pytest.mark.django_db


def test_new_rows_are_created_as_the_file_has_them(write_csv):
    counts, rejects = run(LibraryResource, write_csv(HEADER, PRINCETON, SEAFORD))
    assert counted(counts) == (2, 0, 0, 0)
    assert rejects == []
    assert list(Library.objects.order_by("pk").values_list(*HEADER)) == [
        tuple(PRINCETON),
        tuple(SEAFORD),
    ]


def test_the_same_file_again_writes_nothing(write_csv):
    path = write_csv(HEADER, PRINCETON, SEAFORD)
    run(LibraryResource, path)
    before = Library.history.count()
    counts, _rejects = run(LibraryResource, path)
    assert counted(counts) == (0, 0, 2, 0)
    assert Library.history.count() == before


def test_only_the_columns_of_the_file_are_changed(write_csv):
    library = make_library(name="A", zip_code="10001", address="1 Old Street", state="NY")
    path = write_csv(["name", "zip_code", "address"], ["A", "10001", "2 New Street"])
    counts, _rejects = run(LibraryResource, path)
    assert counted(counts) == (0, 1, 0, 0)
    library.refresh_from_db()
    assert (library.address, library.state) == ("2 New Street", "NY")


def test_a_new_row_needs_every_field(write_csv):
    path = write_csv(["name", "zip_code"], ["A", "10001"])
    counts, rejects = run(LibraryResource, path)
    assert counted(counts) == (0, 0, 0, 1)
    assert "row 2, address: A new record needs it, and the file has no such column." in rejects


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "", "row 2, name '': This field cannot be blank."),
        ("name", "x" * 300, "more than 200 characters"),
        ("state", "ZZ", "row 2, state 'ZZ': “ZZ” is no US state: write its two-letter code"),
        ("zip_code", "8542", "row 2, zip_code '8542': "),
        ("zip_code", "8542.0", "A spreadsheet made a decimal number of it."),
        ("phone_number", "-4", "row 2, phone_number '-4': "),
        ("phone_number", "6.09925E+09", "A spreadsheet shortened this number"),
    ],
)
def test_a_bad_cell_rejects_its_row_and_says_why(write_csv, field, value, says):
    row = dict(zip(HEADER, PRINCETON, strict=True)) | {field: value}
    counts, rejects = run(LibraryResource, write_csv(HEADER, list(row.values()), SEAFORD))
    assert counted(counts) == (1, 0, 0, 1)
    assert len(rejects) == 1
    assert rejects[0].startswith(f"row 2, {field} '{value[:200]}'")
    assert says in rejects[0]


def test_every_bad_cell_of_a_row_is_named(write_csv):
    bad = ["", "1 Main Street", "ZZ", "-4", "8542"]
    counts, rejects = run(LibraryResource, write_csv(HEADER, bad))
    assert counts.rejected == 1
    assert [text.split(",")[1].split()[0] for text in rejects] == [
        "name",
        "phone_number",
        "state",
        "zip_code",
    ]


def test_a_row_that_repeats_an_accepted_one_names_it(write_csv):
    bad = [*PRINCETON[:3], "-4", PRINCETON[4]]
    other = [*PRINCETON[:3], "212-222-6559", PRINCETON[4]]
    path = write_csv(HEADER, bad, PRINCETON, other)
    counts, rejects = run(LibraryResource, path)
    assert counted(counts) == (1, 0, 0, 2)
    # Row 2 was rejected for its phone, so it is row 3 that row 4 repeats.
    assert "Repeats row 3" in rejects[-1]
    assert "'Princeton, 08542-3214'" in rejects[-1]


def test_a_row_that_says_nothing_new_is_unchanged(write_csv):
    silent = [PRINCETON[0], "", "", "", PRINCETON[4]]
    path = write_csv(HEADER, PRINCETON, PRINCETON, silent)
    counts, rejects = run(LibraryResource, path)
    assert counted(counts) == (1, 0, 1, 1)
    assert "row 4, address '': A new record needs it" in rejects[0]
    assert counted(run(LibraryResource, path)[0]) == (0, 0, 3, 0)


def test_a_row_that_repeats_one_that_is_taken_is_rejected_with_it(write_csv):
    """The librarian's library is another's: what repeats the row says nothing else."""
    other = make_librarian(name="Ann")
    name = other.library.name
    path = write_csv(["name", "library"], ["Bo", name], ["Bo", name])
    counts, rejects = run(LibrarianResource, path, match=["name"])
    assert counted(counts) == (0, 0, 0, 2)
    assert all("Belongs to another record" in text for text in rejects)


def test_texts_that_say_nothing_are_blank(write_csv):
    make_library(name="A", zip_code="10001", address="1 Street", phone_number="212-222-6559")
    path = write_csv(["name", "zip_code", "phone_number"], ["A", "10001", "-4"])
    assert run(LibraryResource, path)[0].rejected == 1
    assert counted(run(LibraryResource, path, nothing=["-4"])[0]) == (0, 0, 1, 0)


def test_a_lost_zero_names_the_repair_that_helps(write_csv):
    _counts, rejects = run(
        LibraryResource, write_csv(HEADER, [*PRINCETON[:4], "8542"], [*PRINCETON[:4], "x"])
    )
    assert '"Restore ZIP codes that lost their leading zero" (zip_zeros)' in rejects[0]
    assert "zip_zeros" not in rejects[1]


def test_a_new_title_needs_what_its_form_needs(write_csv):
    counts, rejects = run(BookResource, write_csv(["title", "libraries"], ["Emma", ""]))
    assert counted(counts) == (0, 0, 0, 1)
    assert rejects[0].startswith("row 2, libraries '': A new record needs it")
    assert counted(run(BookResource, write_csv(["title"], ["Emma"]))[0]) == (1, 0, 0, 0)


def test_a_row_that_is_not_taken_keeps_none_out_that_repeats_it(write_csv):
    path = write_csv(
        HEADER, ["A", "", "NY", "212-222-6559", "10001"], ["A", *SEAFORD[1:4], "10001"]
    )
    counts, rejects = run(LibraryResource, path)
    assert counted(counts) == (1, 0, 0, 1)
    assert rejects == [
        "row 2, address '': A new record needs it, and the cell is blank. Another row has the"
        " same key."
    ]


def test_a_key_that_fits_two_records_is_rejected(write_csv):
    make_library(name="A", zip_code="10001")
    make_library(name="A", zip_code="10001")
    path = write_csv(["name", "zip_code", "address"], ["A", "10001", "x"])
    counts, rejects = run(LibraryResource, path)
    assert counted(counts) == (0, 0, 0, 1)
    assert "Fits 2 records (library)" in rejects[0]


def test_columns_under_the_same_header_hold_the_same_or_are_asked_about(write_csv):
    header = [*HEADER, "name"]
    counts, _rejects = run(LibraryResource, write_csv(header, [*PRINCETON, PRINCETON[0]]))
    assert counted(counts) == (1, 0, 0, 0)
    path = write_csv(header, [*PRINCETON, PRINCETON[0]], [*SEAFORD, "Other"])
    with pytest.raises(MappingError, match="row 3 has “Seaford” in column A and “Other” in"):
        run(LibraryResource, path)
    assert Library.objects.get().name == PRINCETON[0]
    run(LibraryResource, path, overrides={"name": "name (column F)"}, match=["name"])
    assert Library.objects.filter(name="Other").exists()


def test_another_match_key_can_be_asked_for(write_csv):
    library = make_library(name="A", zip_code="10001")
    path = write_csv(["name", "zip_code"], ["A", "10002"])
    counts, _rejects = run(LibraryResource, path, match=["name"])
    assert counted(counts) == (0, 1, 0, 0)
    library.refresh_from_db()
    assert library.zip_code == "10002"


def test_history_has_each_written_row_once_with_user_and_reason(write_csv):
    make_library(name="Seaford", zip_code="11783", address="old", state="NY")
    make_library(name="Other")
    Library.history.all().delete()
    user = make_user()
    path = write_csv(HEADER, PRINCETON, SEAFORD)
    signature = Signature(user_id=user.pk, reason="import of file.csv")
    with Import(LibraryResource, open_source(path)) as imported:
        imported.apply(begin=lambda _counts: signature)
    records = Library.history.order_by("history_id").values_list(
        "name", "address", "history_type", "history_user", "history_change_reason"
    )
    reason = "import of file.csv"
    assert list(records) == [
        ("Seaford", "old", "~", None, "as it was before the next change"),
        ("Seaford", "2234 Jackson Ave", "~", user.pk, reason),
        ("Princeton", "65 Witherspoon Street", "+", user.pk, reason),
    ]


def test_history_of_a_book_has_its_libraries(write_csv):
    a, b = make_library(name="A"), make_library(name="B")
    book = make_book(title="Dune", libraries=[a])
    run(BookResource, write_csv(["title", "libraries"], ["Dune", "A|B"], ["Emma", "B"]))
    for title, expected in (("Dune", {a.pk, b.pk}), ("Emma", {b.pk})):
        record = Book.objects.get(title=title).history.latest()
        assert {link.library_id for link in record.libraries.all()} == expected
    assert book.history.latest().history_type == "~"


def test_a_record_created_after_an_import_gets_a_free_key(write_csv):
    run(LibraryResource, write_csv(HEADER, PRINCETON, SEAFORD))
    taken = set(Library.objects.values_list("pk", flat=True))
    assert make_library().pk not in taken


def test_a_check_writes_nothing(write_csv):
    with Import(LibraryResource, open_source(write_csv(HEADER, PRINCETON))) as imported:
        assert imported.check().new == 1
    assert not Library.objects.exists()
    assert not Library.history.exists()


def test_an_import_stops_where_the_database_has_moved_since_the_check(write_csv):
    with Import(LibraryResource, open_source(write_csv(HEADER, PRINCETON))) as imported:
        counts = imported.check()
        make_library(name="Princeton", zip_code="08542-3214")
        with pytest.raises(DatabaseMoved):
            imported.apply(expected=counts)
    assert Library.objects.count() == 1


def test_a_rule_of_the_database_alone_stops_it_with_a_sentence(write_csv):
    add = "CREATE UNIQUE INDEX only_one ON library_library (state)"
    with connection.cursor() as cursor:
        cursor.execute(add)
    path = write_csv(HEADER, SEAFORD, [*SEAFORD[:1], *SEAFORD[1:4], "11784"])
    refused = pytest.raises(DatabaseRefused, match="nothing was written")
    with Import(LibraryResource, open_source(path)) as imported, refused:
        imported.apply()
    assert not Library.objects.exists()


def test_the_good_rows_alone_are_written_or_nothing(write_csv):
    path = write_csv(HEADER, PRINCETON, [*SEAFORD[:2], "ZZ", *SEAFORD[3:]])
    with Import(LibraryResource, open_source(path)) as imported:
        imported.apply(begin=lambda counts: None if counts.rejected else Signature())
        assert not Library.objects.exists()
        imported.apply()
    assert Library.objects.get().name == "Princeton"


def test_changes_show_old_and_new_as_an_export_writes_them(write_csv):
    make_library(name="A", zip_code="10001")
    make_library(name="B", zip_code="10002")
    make_library(name="B", zip_code="10003")
    make_book(title="Dune", libraries=Library.objects.filter(name="A"))
    path = write_csv(["title", "libraries"], ["Dune", "A (10001)|B (10002)"], ["Emma", "A"])
    with Import(BookResource, open_source(path)) as imported:
        imported.check()
        dune, emma = imported.changes()
    assert (dune.action, dune.old, dune.new) == (
        "updated",
        ("Dune", "A"),
        ("Dune", "A|B (10002)"),
    )
    assert (emma.action, emma.old, emma.new) == ("new", None, ("Emma", "A"))


def test_changes_show_what_a_blank_cell_keeps(write_csv):
    make_library(name="A", zip_code="10001", address="1 Old Street", state="NY")
    rows = ["name", "zip_code", "address", "state"], ["A", "10001", "", "NJ"]
    with Import(LibraryResource, open_source(write_csv(*rows))) as imported:
        imported.check()
        (change,) = imported.changes()
    assert change.old == ("A", "1 Old Street", "NY", "10001")
    assert change.new == ("A", "1 Old Street", "NJ", "10001")


def test_changes_are_told_chunk_by_chunk(write_csv, monkeypatch):
    monkeypatch.setattr(preview, "CHUNK", 2)
    make_library(name="A1", zip_code="10001", address="Old", state="NY")
    rows = [
        [f"A{i}", "New", "ZZ" if i == 3 else "NY", "212-222-6559", "10001"] for i in range(7)
    ]
    with Import(LibraryResource, open_source(write_csv(HEADER, *rows))) as imported:
        imported.check()
        changes = list(imported.changes())
    assert [change.line for change in changes] == [2, 3, 4, 6, 7, 8]
    assert [change.line for change in changes if change.old] == [3]


def test_statements_don_t_grow_with_the_rows_of_a_chunk(write_csv):
    def statements(n):
        Library.objects.all().delete()
        rows = [[f"A{i}", f"{i} Main Street", "NY", "212-222-6559", "10001"] for i in range(n)]
        path = write_csv(HEADER, *rows)
        with CaptureQueriesContext(connection) as queries:
            run(LibraryResource, path)
        return len(queries)

    assert statements(400) == statements(4000)


def test_a_blank_cell_keeps_the_present_value(write_csv):
    library = make_library(name="A", zip_code="10001", address="1 Street", state="NY")
    book = make_book(title="Dune", libraries=[library])
    other = make_book(title="Emma", libraries=[library])
    rows = (
        ["name", "zip_code", "address", "state"],
        ["A", "10001", "", "NJ"],
        ["B", "10002", "", ""],
    )
    counts, rejects = run(LibraryResource, write_csv(*rows))
    assert counted(counts) == (0, 1, 0, 1)
    assert "row 3, address '': A new record needs it, and the cell is blank." in rejects
    library.refresh_from_db()
    assert (library.address, library.state) == ("1 Street", "NJ")

    path = write_csv(["title", "libraries"], ["Dune", ""], ["Emma", ""])
    assert counted(run(BookResource, path)[0]) == (0, 0, 2, 0)
    assert book.libraries.count() == other.libraries.count() == 1
    assert counted(run(BookResource, path, keep_blank=False)[0]) == (0, 2, 0, 0)
    assert book.libraries.count() == 0


def test_a_blank_cell_can_not_clear_what_has_to_be_there(write_csv):
    make_library(name="A", zip_code="10001", address="1 Street")
    path = write_csv(["name", "zip_code", "address"], ["A", "10001", ""])
    counts, rejects = run(LibraryResource, path, keep_blank=False)
    assert (counts.rejected, rejects) == (1, ["row 2, address '': This field cannot be blank."])


def test_lost_zeros_are_restored_where_asked_and_told(write_csv):
    path = write_csv(HEADER, [*PRINCETON[:4], "8542"], SEAFORD)
    with Import(LibraryResource, open_source(path), repairs=["zip_zeros"]) as imported:
        assert counted(imported.apply()) == (2, 0, 0, 0)
        assert repaired(imported) == [(2, "zip_code", "8542", "08542")]
    assert set(Library.objects.values_list("zip_code", flat=True)) == {"08542", "11783"}


def test_a_repair_that_is_not_offered_is_refused(write_csv):
    with pytest.raises(MappingError, match="zip_zeros"):
        Import(LibraryResource, open_source(write_csv(HEADER)), repairs=["magic"])
