"""Workbooks as rows of text."""

import datetime
import zipfile

import openpyxl
import pytest

from backoffice.readers.source import Limits, ReaderError, open_source
from tests.backoffice.readers.sources import cells_of, rows_of


def workbook(path, *sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"Sheet{number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_is_read_as_text(tmp_path):
    path = workbook(
        tmp_path / "a.xlsx",
        [
            ["name", "zip", "phone", "rate", "open", "since", "seen"],
            [
                "Princeton",
                8542.0,
                6099249529,
                1.5,
                True,
                datetime.date(2020, 2, 1),
                datetime.datetime(2020, 2, 1, 9, 30),
            ],
            [],
            ["Denver", "08542", 0, None, False, None, None],
        ],
    )
    source = open_source(path)
    assert (source.format, source.encoding, source.delimiter) == ("xlsx", None, None)
    assert rows_of(source) == [
        (
            2,
            [
                "Princeton",
                "8542",
                "6099249529",
                "1.5",
                "TRUE",
                "2020-02-01",
                "2020-02-01 09:30:00",
            ],
            None,
        ),
        (4, ["Denver", "08542", "0", "", "FALSE", "", ""], None),
    ]


def test_the_content_tells_the_format_not_the_name(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["name", "state"], ["Denver", "CO"]])
    wrong = path.rename(tmp_path / "a.csv")
    assert cells_of(open_source(wrong)) == [["Denver", "CO"]]


def test_the_first_sheet_with_data_is_read_and_the_others_are_said(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [], [["a", "b"], [0, 1]], [["c"]])
    source = open_source(path)
    assert cells_of(source) == [["0", "1"]]
    assert source.warnings == [
        "The workbook has 2 sheets with data; only “Sheet2” is read, not “Sheet3”."
    ]


def test_a_formula_error_is_no_text(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["a", "b"], [1, "#N/A"], [2, 3], ["#DIV/0!", None]])
    (_, error), _, (other, _) = cells_of(open_source(path))
    assert (error, error.shown, error.is_value) == ("#N/A", "B2: #N/A", False)
    assert (other, other.shown) == ("#DIV/0!", "A4: #DIV/0!")


def test_a_zip_bomb_is_refused(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["a", "b"], ["x" * 30_000, 1]])
    with pytest.raises(ReaderError, match=r"unpacks to .* bytes; the limit is 10,000"):
        open_source(path, limits=Limits(unpacked_bytes=10_000))


def test_two_cells_in_far_corners_are_refused_before_they_fill_memory(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"] = "name"
    book.active["XFD1048576"] = "far"
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(ReaderError, match="reach to row 1,048,576 and column 16,384"):
        open_source(tmp_path / "a.xlsx")


def test_a_damaged_workbook_is_refused(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["a", "b"], [1, 2]])
    (tmp_path / "half.xlsx").write_bytes(path.read_bytes()[:2000])
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as broken:
        for name in whole.namelist():
            broken.writestr(name, whole.read(name)[: 200 if "sheet1" in name else None])
    for name in ("half.xlsx", "b.xlsx"):
        with pytest.raises(ReaderError, match="damaged"):
            open_source(tmp_path / name)


def test_a_formula_error_in_an_xls_is_no_text(shared_data, tmp_path):
    folder = shared_data / "torture" / "frictionless-test-data"
    content = (folder / "files__excel__sample-1-sheet.xls").read_bytes()
    # The BoolErr record of the cell TRUE, made into #N/A.
    at = content.index(b"\x05\x02\x08\x00")
    path = tmp_path / "a.xls"
    path.write_bytes(content[: at + 10] + b"\x2a\x01" + content[at + 12 :])
    (error,) = (c for cells in cells_of(open_source(path)) for c in cells if c == "#N/A")
    assert not error.is_value
