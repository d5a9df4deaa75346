"""What a sheet has beside text: rejected where it is imported as text, ignored elsewhere."""

import datetime
import io

import openpyxl
import pytest

from backoffice.imports.engine import Import
from backoffice.imports.rejects import group_rejects, write_rejects
from backoffice.readers.source import open_source
from library.models import Patron
from library.resources import PatronResource
from tests.backoffice.imports.running import counted, run
from tests.everything.loans.models import Loan
from tests.everything.loans.resources import LoanResource
from tests.factories import make_library, make_patron

pytestmark = pytest.mark.django_db
ERRORS = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "########", "##"]
# As Google Sheets, LibreOffice and Excel in other languages write them into a CSV file.
WRITTEN = [
    "#ERROR!",
    "#BUSY!",
    "#GETTING_DATA",
    "Err:502",
    "err:502",
    "#N/D",
    "#¡REF!",
    "#¿NOMBRE?",
    "#NV",
]


@pytest.fixture
def write_xlsx(tmp_path):
    def write(*rows, **formats):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        for cell, number_format in formats.items():
            book.active[cell].number_format = number_format
        book.save(tmp_path / "a.xlsx")
        return tmp_path / "a.xlsx"

    return write


@pytest.mark.parametrize("error", [*ERRORS, "=VLOOKUP(A2,X!A:B,2)"])
def test_an_error_is_rejected_in_any_column_that_is_imported(write_xlsx, error):
    make_library(name="Kent")
    path = write_xlsx(["name", "library"], ["Ann Lee", error], [error, "Kent"])
    counts, rejects = run(PatronResource, path)
    assert counted(counts) == (0, 0, 0, 2)
    assert "row 2, library" in rejects[0]
    assert "row 3, name" in rejects[1]
    if error[-1] != "#":  # as text, which has no cell of its own
        assert "'B2: " in rejects[0]
        assert "'A3: " in rejects[1]


@pytest.mark.parametrize("error", WRITTEN)
def test_an_error_that_a_program_wrote_as_text_is_rejected(write_csv, error):
    make_library(name="Kent")
    path = write_csv(["name", "library"], ["Ann Lee", error], [error, "Kent"])
    counts, rejects = run(PatronResource, path)
    assert counted(counts) == (0, 0, 0, 2)
    assert all("An error of a spreadsheet" in reject for reject in rejects)


@pytest.mark.parametrize("name", ["#MeToo", "#1", "Err: a title", "#REF", "#NVIDIA", "!"])
def test_a_name_that_begins_like_an_error_is_none(write_csv, name):
    make_library(name="Kent")
    counts, _rejects = run(PatronResource, write_csv(["name", "library"], [name, "Kent"]))
    assert counted(counts) == (1, 0, 0, 0)


def test_what_is_wrong_in_other_columns_is_ignored(write_xlsx):
    make_library(name="Kent")
    path = write_xlsx(
        ["name", "library", "note"],
        ["Ann Lee", "Kent", "=A1"],
        ["Bo Lee", "Kent", "#REF!"],
        ["Cy Lee", "Kent", datetime.date(2020, 1, 1)],
    )
    counts, rejects = run(PatronResource, path)
    assert (counted(counts), rejects) == ((3, 0, 0, 0), [])


@pytest.mark.parametrize("error", [*ERRORS, "#n/a"])
def test_the_texts_of_errors_are_rejected_in_a_csv_file_too(write_csv, error):
    make_library(name="Kent")
    path = write_csv(["name", "library"], [error, "Kent"], ["Ann", error], ["#1 fan", "Kent"])
    counts, _rejects = run(PatronResource, path)
    assert counted(counts) == (1, 0, 0, 2)
    assert list(Patron.objects.values_list("name", flat=True)) == ["#1 fan"]


def test_a_date_is_a_date_in_a_date_column_and_nothing_in_a_column_of_text(write_xlsx):
    patron = make_patron(name="Ann Lee")
    day = datetime.date(1963, 11, 22)
    path = write_xlsx(
        ["number", "patron", "due", "renewals"],
        ["1", patron.name, day, 3],
        [day, patron.name, day, 0],
        ["3", day, day, 0],
        B4="mm/dd/yy",
    )
    counts, rejects = run(LoanResource, path)
    assert counted(counts) == (1, 0, 0, 2)
    assert Loan.objects.get().due == day
    assert rejects == [
        "row 3, number 'A3: 1963-11-22': The cell holds a date, not the text that is shown. "
        "Format it as text and write it anew.",
        "row 4, patron 'B4: 11/22/63': The cell holds a date, not the text that is shown. "
        "Format it as text and write it anew.",
    ]


def test_the_same_text_is_still_text(write_xlsx):
    make_library(name="Kent")
    rows = [["1963-11-22", "Kent"], [datetime.date(1963, 11, 22), "Kent"], ["0.5", "Kent"]]
    path = write_xlsx(["name", "library"], *rows, [0.5, "Kent"], A5="0%")
    counts, _rejects = run(PatronResource, path)
    assert counted(counts) == (2, 0, 0, 2)
    assert set(Patron.objects.values_list("name", flat=True)) == {"1963-11-22", "0.5"}


def test_many_cells_are_one_cause_and_rejected_again_until_they_are_mended(
    write_xlsx, tmp_path
):
    make_library(name="Kent")
    days = [[datetime.date(2020, 1, n), "Kent"] for n in range(1, 9)]
    path = write_xlsx(["name", "library"], *days)
    with Import(PatronResource, open_source(path)) as imported:
        imported.check()
        ((count, field, _message, line),) = group_rejects(imported.checks)
        assert (count, field, line) == (8, "name", 2)
        rejects = io.BytesIO()
        write_rejects(imported, rejects)
    (tmp_path / "rejects.csv").write_bytes(rejects.getvalue())
    counts, _rejects = run(PatronResource, tmp_path / "rejects.csv")
    assert counted(counts) == (0, 0, 0, 8)


def test_a_cell_merged_over_rows_is_the_value_of_each(write_xlsx):
    make_library(name="Kent")
    path = write_xlsx(["name", "library"], ["Ann Lee", "Kent"], ["Bo Lee"])
    book = openpyxl.load_workbook(path)
    book.active.merge_cells("B2:B3")
    book.save(path)
    counts, _rejects = run(PatronResource, path)
    assert counted(counts) == (2, 0, 0, 0)
