"""What each format is to the programs that read it."""

import csv
import io
import json
import os
import re
import zipfile

import openpyxl
import pytest
import python_calamine
from hypothesis import given
from hypothesis import strategies as st

from backoffice.exports import sheets
from backoffice.exports.errors import ExportError
from backoffice.exports.formats import CSV, FORMATS, ODS, XLSX, YAML, format_named
from backoffice.readers.source import ReaderError, open_source

CHUNKS = [
    [["name", "zip_code"]],
    [["Café “Ö” 😀", "08542"], ["two\nlines, <b>", ""]],
    [['"', "10001"]],
]
ROWS = [row for chunk in CHUNKS for row in chunk]


def made(name, chunks=CHUNKS, **options):
    return b"".join(format_named(name).blocks(iter(chunks), **options))


def sheet_of(data):
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    return book.get_sheet_by_index(0).to_python(skip_empty_area=False)


@pytest.mark.parametrize(("name", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_delimited_text(name, delimiter):
    text = made(name).decode()
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) == ROWS


@pytest.mark.parametrize("name", ["csv", "tsv", "json", "jsonl", "yaml"])
def test_text_that_was_cut_between_two_blocks_does_not_look_whole(name, tmp_path):
    rows = [[f"Branch {n}", f"1000{n}"] for n in range(9)]
    chunks = [[["name", "zip_code"]], rows[:4], rows[4:7], rows[7:]]
    blocks = list(format_named(name).blocks(iter(chunks)))
    path = tmp_path / f"cut.{name}"
    for end in range(2, len(blocks)):
        path.write_bytes(b"".join(blocks[:end]))
        if name in ("csv", "tsv"):
            assert not path.read_bytes().endswith(b"\n")
            *_rest, last = csv.reader(
                io.StringIO(path.read_text()), delimiter=",\t"[name == "tsv"]
            )
            assert len(last) == 1
        else:
            with pytest.raises(ReaderError), open_source(path) as source:
                list(source.chunks(2))


@pytest.mark.parametrize("last", [["", "1"], ["A", "x\n"], ["A", '"'], ['"', ""], ["\n", "\n"]])
def test_a_row_that_was_cut_is_not_taken_whatever_is_in_it(last, tmp_path):
    chunks = [[["name", "zip_code"]], [["Kent", "10001"], last], [["Main", "10002"]]]
    blocks = list(format_named("csv").blocks(iter(chunks)))
    path = tmp_path / "cut.csv"
    path.write_bytes(b"".join(blocks[:2]))
    rows = [row for chunk in open_source(path).chunks(9) for row in chunk]
    assert rows[0] == (2, ["Kent", "10001"], None)
    assert [bool(problem) for _number, _cells, problem in rows] == [False, True]
    path.write_bytes(b"".join(blocks))
    whole = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert whole[2:] == [last, ["Main", "10002"]]


@given(
    rows=st.lists(
        st.lists(st.text("a,;\t\r\n\"' ", max_size=3), min_size=2, max_size=2), min_size=1
    )
)
@pytest.mark.parametrize("width", [1, 2])
def test_delimited_text_is_what_python_s_writer_makes_of_it(width, rows):
    rows = [row[:width] for row in rows]
    expected = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if width == 1 else csv.QUOTE_MINIMAL
    writer = csv.writer(expected, quoting=quoting)
    writer.writerows(rows[:-1])
    if rows[-1][:-1] == [""]:  # the last row of a chunk does not begin with a delimiter
        expected.write('""')
    writer.writerow(rows[-1])
    assert made("csv", [rows]).decode() == expected.getvalue()


def test_a_byte_order_mark_for_excel_comes_once():
    data = made("csv", encoding="utf-8-sig")
    assert data.startswith("\ufeff".encode())
    assert data.decode("utf-8-sig") == made("csv").decode()


def test_what_an_encoder_keeps_back_comes_at_the_end():
    assert made("csv", [[["name", "zip"]]], encoding="idna") == b"name,zip\r\n"


def test_json_and_json_lines():
    expected = [dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]]
    assert json.loads(made("json")) == expected
    assert [json.loads(line) for line in made("jsonl").splitlines()] == expected
    assert json.loads(made("json", CHUNKS[:1])) == []


def test_yaml_is_a_list_of_flow_mappings_without_what_yaml_calls_unprintable():
    data = made("yaml", [[["name"]], [["a\x7fb\x85\u2028\ufeff"]]])
    assert data == b'- {"name": "a\\u007fb\\u0085\\u2028\\ufeff"}\n'
    assert made("yaml", CHUNKS[:1]) == b"[]\n"  # nothing would be null
    lines = made("yaml").decode().splitlines()
    assert [json.loads(line.removeprefix("- ")) for line in lines] == [
        dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]
    ]


@pytest.mark.parametrize("name", ["xlsx", "ods"])
def test_a_workbook_is_whole_and_has_the_rows(name):
    data = made(name)
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    assert sheet_of(data) == ROWS


def test_cells_of_an_xlsx_are_text_below_a_header_that_stays():
    sheet = openpyxl.load_workbook(io.BytesIO(made("xlsx"))).active
    assert [[cell.value or "" for cell in row] for row in sheet] == ROWS
    assert {cell.number_format for row in sheet for cell in row} == {"@"}
    assert sheet["A1"].font.bold
    assert sheet.freeze_panes == "A2"


@pytest.mark.parametrize(
    "text", ["a\rb", "a\r\nb", "\x07", "\x01\x02", "_x0041_", "_xFFFF_", " a  b "]
)
def test_an_xlsx_keeps_what_xml_would_change_or_can_not_hold(text):
    # One at a time: a chunk is looked at as a whole.
    assert sheet_of(made("xlsx", [[["name"]], [["x"], [text]]]))[2] == [text]


def test_an_xlsx_is_made_while_it_is_read():
    sent = []

    def chunks():
        yield [["name"]]
        for _n in range(20):
            yield [[os.urandom(9).hex()] for _row in range(2000)]
            sent.append(sum(map(len, blocks)))

    blocks = []
    for block in XLSX().blocks(chunks()):
        blocks.append(block)
    assert sent[9] > 0.4 * sum(map(len, blocks))


def test_text_that_excel_can_not_hold_is_an_error_cell_that_an_import_rejects(saved):
    long = "|".join(["A library with a long name"] * 1300)
    data = made("xlsx", [[["title", "libraries"]], [["Dune", long], ["Emma", "x" * 32_767]]])
    astral = made("xlsx", [[["title"]], [["😀" * 16_384]]])  # two of Excel's characters each
    archive = zipfile.ZipFile(io.BytesIO(astral))
    assert b"#N/A" in archive.read("xl/worksheets/sheet1.xml")
    assert sheet_of(data)[2] == ["Emma", "x" * 32_767]
    source = open_source(saved(data, "books.xlsx"))
    cells = [cells[1] for chunk in source.chunks() for _n, cells, _problem in chunk]
    assert (cells[0].shown, cells[1]) == ("B2: #N/A", "x" * 32_767)


def test_an_ods_begins_with_its_type_so_that_it_is_known_by_it():
    archive = zipfile.ZipFile(io.BytesIO(made("ods")))
    first = archive.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert not first.flag_bits & 8  # its length is in front of it
    assert archive.read("mimetype").decode() == ODS.content_type


def test_an_ods_keeps_what_xml_would_collapse():
    texts = ["a   b", "x\r\ny", "tab\there"]
    data = made("ods", [[["name"]], [[text] for text in texts]])
    assert [row[0] for row in sheet_of(data)[1:-1]] == texts[:2]
    content = zipfile.ZipFile(io.BytesIO(data)).read("content.xml").decode()
    # For LibreOffice, which collapses blanks.
    assert '<text:s text:c="3"/>' in content
    assert "tab<text:tab/>here" in content


@pytest.mark.parametrize("text", ["be\x07ll", "a\x0bb", "\ufffe", "\0", "\x1f"])
def test_an_ods_is_not_made_without_what_it_can_not_hold(text):
    said = r"row 4, zip: “.*�.*”"
    with pytest.raises(ExportError, match=said):
        made("ods", [[["name", "zip"]], [["a", "b"], ["a", "b"]], [["a", text]]])


def test_a_sheet_has_room_for_so_many_rows(monkeypatch, settings):
    assert XLSX().most_rows == 1_048_575
    monkeypatch.setattr(sheets, "SHEET_ROWS", 3)
    chunks = [[["a"]], [["1"], ["2"]]]
    assert len(sheet_of(made("xlsx", chunks))) == 3
    for name in ("xlsx", "ods"):
        with pytest.raises(ExportError, match="A sheet has room for 2 rows"):
            made(name, [*chunks, [["3"]]])


def test_formats_that_are_made_or_read_whole_have_a_limit_and_the_others_none(settings):
    settings.EXPORT_MAX_WHOLE_ROWS = 7
    assert {f.name: f().most_rows for f in FORMATS} == {
        "csv": None,
        "xlsx": 1_048_575,
        "tsv": None,
        "json": None,
        "ods": 7,
        "jsonl": None,
        "yaml": 7,
    }
    assert re.search(r"YAML takes 7 rows at most\. Programs", str(YAML().too_many()))
    settings.EXPORT_MAX_WHOLE_ROWS = 5_000_000
    assert ODS().most_rows == 1_048_575


def test_formats_are_known_by_name_and_numbered_as_upstream_s_forms_number_them():
    assert type(format_named("CSV")) is CSV
    assert [f.name for f in FORMATS[:4]] == ["csv", "xlsx", "tsv", "json"]
    with pytest.raises(LookupError, match="Choose one of csv, xlsx"):
        format_named("doc")
