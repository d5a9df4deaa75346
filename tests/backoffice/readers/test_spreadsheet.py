"""Workbooks as rows of text."""

import datetime
import gc
import os
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest

from backoffice.readers import spreadsheet
from backoffice.readers.source import Limits, ReaderError, open_source
from tests.backoffice.readers import packages
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


# What a sheet shows and a table of text does not


def test_cells_merged_over_rows_are_the_value_of_each(tmp_path):
    book = openpyxl.Workbook()
    for row in (["title", "", "branch"], ["Emma", "x", "Troy"], ["Dune", "x"], [], ["It", "x"]):
        book.active.append(row)
    book.active.merge_cells("C2:D3")
    book.active.merge_cells("A7:A9")
    book.active["A7"], book.active["C9"] = "Ulysses", "Kent"
    book.save(tmp_path / "a.xlsx")
    rows = [
        (number, cells[0], cells[2])
        for number, cells, _ in rows_of(open_source(tmp_path / "a.xlsx"))
    ]
    assert rows == [
        (2, "Emma", "Troy"),
        (3, "Dune", "Troy"),
        (5, "It", ""),
        (7, "Ulysses", ""),
        (9, "Ulysses", "Kent"),
    ]


def test_a_formula_without_its_value_is_no_text(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["a", "b"], ["x", "=VLOOKUP(A2,X!A:B,2)"]])
    ((_, cell),) = cells_of(open_source(path))
    assert (cell.shown, cell.is_value) == ("B2: =VLOOKUP(A2,X!A:B,2)", False)
    assert "formula without a stored value" in cell.problem


@pytest.mark.parametrize(
    ("value", "number_format", "text", "shown"),
    [
        (datetime.date(1963, 11, 22), "mm/dd/yy", "1963-11-22", "11/22/63"),
        (datetime.time(13, 30), "h:mm AM/PM", "13:30:00", "1:30 PM"),
        (0.5, "0%", "0.5", "50%"),
        (3, '"$"#,##0.00', "3", "$3.00"),
        (True, "General", "TRUE", "TRUE"),
    ],
)
def test_what_is_no_text_says_what_the_sheet_shows(tmp_path, value, number_format, text, shown):
    book = openpyxl.Workbook()
    book.active.append(["title"])
    book.active.append([value])
    book.active["A2"].number_format = number_format
    book.save(tmp_path / "a.xlsx")
    (((cell,)),) = cells_of(open_source(tmp_path / "a.xlsx"))
    assert (cell, cell.shown, cell.is_value) == (text, f"A2: {shown}", True)


def test_hidden_and_filtered_rows_are_told_and_read(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["a", "b"], *[[i, i] for i in range(9)]])
    book = openpyxl.load_workbook(path)
    for number in (3, 5, 6, 7, 90):
        book.active.row_dimensions[number].hidden = True
    book.save(path)
    source = open_source(path)
    assert len(cells_of(source)) == 9
    assert source.warnings == [
        "The sheet “Sheet1” has 4 hidden rows (3, 5–7), read like any other. Delete what is "
        "not to be imported."
    ]
    book.active.auto_filter.ref = "A1:B10"
    book.active.auto_filter.add_filter_column(0, ["1"])
    book.save(path)
    assert "“Sheet1” is filtered and has 4 hidden rows" in open_source(path).warnings[0]


def test_columns_are_lettered_as_in_the_sheet(tmp_path):
    book = openpyxl.Workbook()
    book.active["C3"], book.active["E3"] = "name", "state"
    book.active["C4"], book.active["D4"], book.active["E4"] = "Kent", "?", "OH"
    book.save(tmp_path / "a.xlsx")
    source = open_source(tmp_path / "a.xlsx")
    assert source.headers == ["", "", "name", "", "state"]
    assert [number for number, _, _ in rows_of(source)] == [4]
    assert any("column D" in warning for warning in source.warnings)


# The sheet that is read


def test_a_sheet_is_chosen_by_its_name(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["a"], [1]], [["b"], [2]], [])
    assert open_source(path, sheet="Sheet2").headers == ["b"]
    assert open_source(path, sheet=" sheet2 ").headers == ["b"]
    with pytest.raises(
        ReaderError, match=r"no sheet “X”\. Its sheets are “Sheet1”, “Sheet2”, “Sh"
    ):
        open_source(path, sheet="X")
    with pytest.raises(ReaderError, match="sheet “Sheet3” has no data"):
        open_source(path, sheet="Sheet3")


def test_a_sheet_of_what_has_none_is_refused(saved):
    with pytest.raises(ReaderError, match="has no sheets: it is not a spreadsheet"):
        open_source(saved("a,b\n1,2\n"), sheet="Sheet1")


def test_a_hidden_sheet_is_read_last_and_told(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["a"], [1]], [["b"], [2]])
    book = openpyxl.load_workbook(path)
    book["Sheet1"].sheet_state = "hidden"
    book.save(path)
    assert open_source(path).headers == ["b"]
    hidden = open_source(path, sheet="Sheet1")
    assert "“Sheet1”, which is read, is hidden" in hidden.warnings[1]


# Files that can't be read


@pytest.mark.parametrize("name", ["xls", "xlsx", "ods"])
def test_a_password_is_told(tmp_path, name):
    path = tmp_path / f"a.{name}"
    if name == "xls":
        packages.xls(path, packages.label(1, 0, "name"), protected=True)
    elif name == "xlsx":
        packages.container(path, b"", name="EncryptedPackage")
    else:
        entry = "<m:file-entry><m:encryption-data/></m:file-entry>"
        manifest = f"<m:manifest xmlns:m='m'>{entry}</m:manifest>"
        packages.ods(path, ("S", ""), **{"META-INF/manifest.xml": manifest})
    with pytest.raises(ReaderError, match="protected with a password"):
        open_source(path)


def test_a_document_in_the_container_of_an_xls_is_refused_by_its_kind(tmp_path):
    path = packages.container(tmp_path / "a.doc", b"", name="WordDocument")
    with pytest.raises(ReaderError, match="is a text document"):
        open_source(path)


# The process


def processes():
    """The processes that read workbooks for this one."""
    return [
        path
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if b"workbooks" in path.read_bytes()
        and f"PPid:\t{os.getpid()}\n" in (path.parent / "status").read_text()
    ]


def test_a_source_can_be_read_again_and_leaves_no_process(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["a"], *[[i] for i in range(7000)]])
    source = open_source(path)
    assert len(processes()) == 1
    first = rows_of(source)
    assert len(first) == 7000
    assert processes() == []
    assert rows_of(source, 3) == first
    chunks = source.chunks()
    next(chunks)
    next(chunks)
    assert len(processes()) == 1
    del chunks
    gc.collect()
    assert processes() == []
    source = open_source(path)
    del source
    gc.collect()
    assert processes() == []


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("pass", "ended with 0"),
        ("import sys; sys.exit(3)", "ended with 3"),
        ("print('no JSON')", "something else than rows"),
        ("print('[1]')", "something else than rows"),
        ("print('{}')", "something else than rows"),
        ("import os; os.abort()", "ended with -6"),
        ("import os; os.kill(os.getpid(), 9)", "more than 1,000,000,000 bytes of memory"),
        ("import time; time.sleep(60)", "longer than 1 seconds"),
        ("while True: print(end='x' * 1000000)", "a row is too long"),
    ],
)
def test_whatever_the_process_does_there_is_a_sentence(tmp_path, monkeypatch, program, words):
    path = workbook(tmp_path / "a.xlsx", [["a"], [1]])
    monkeypatch.setattr(spreadsheet, "COMMAND", [sys.executable, "-c", program])
    seconds = 1 if "seconds" in words else 60  # a busy machine starts the others later
    with pytest.raises(ReaderError, match=words):
        open_source(path, limits=Limits(sheet_seconds=seconds))
    assert processes() == []


def test_the_process_has_none_of_our_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "secret")
    program = 'import os; print(\'{"error": "%s"}\' % sorted(os.environ))'
    monkeypatch.setattr(spreadsheet, "COMMAND", [sys.executable, "-c", program])
    with pytest.raises(ReaderError) as error:
        open_source(workbook(tmp_path / "a.xlsx", [["a"], [1]]))
    assert "SECRET_KEY" not in str(error.value)


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
