"""xlsx, xlsb, xls and ods, each with what only it can write."""

import math
import struct

import pytest
import python_calamine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from backoffice.readers.workbooks.__main__ import Options, choose, open_workbook
from tests.backoffice.readers import packages
from tests.backoffice.readers.packages import cell_record, row_record, text_record


def opened(path):
    limits = dict.fromkeys(
        ("memory", "seconds", "cells", "cell_characters", "row_characters"), 10**9
    )
    return open_workbook(Options(path=str(path), sheet=None, unpacked=10**9, **limits))


def read(path):
    """{cell's row and column: text}, {the same: (kind, shown)}, and the survey."""
    book = opened(path)
    sheet, _others = choose(book, None)
    texts, marks = {}, {}
    for row in book.rows(sheet):
        texts |= {(row.number, i): text for i, text in enumerate(row.cells) if text}
        marks |= {(row.number, i): (kind, shown) for i, kind, shown in row.marks}
    return texts, marks, book.survey(sheet)


# xlsx

CELLS = st.one_of(
    st.text(max_size=20).filter(lambda text: not ILLEGAL_CHARACTERS_RE.search(text)),
    st.integers(-(10**15), 10**15),
    st.floats(-1e300, 1e300),
    st.none(),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=8))
def test_what_openpyxl_writes_is_read_back(tmp_path, rows):
    book = Workbook()
    book.active["A1"] = "name"
    for row, values in enumerate(rows, 2):
        for column, value in enumerate(values, 1):
            cell = book.active.cell(row, column)
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"  # also where it looks like a formula or an error
    book.save(tmp_path / "a.xlsx")
    expected = {
        (row, column): value
        for row, values in enumerate(rows, 2)
        for column, value in enumerate(values)
        if value is not None and (not isinstance(value, str) or value.strip())
    }
    texts, marks, _survey = read(tmp_path / "a.xlsx")
    assert marks == {}
    del texts[1, 0]
    assert texts.keys() == expected.keys()
    for place, value in expected.items():
        if isinstance(value, str):
            # XML has one line end, and openpyxl writes no escapes.
            assert texts[place] == value.replace("\r\n", "\n").replace("\r", "\n")
        else:
            assert math.isclose(float(texts[place]), value)


@pytest.mark.parametrize(
    ("cell", "text", "mark"),
    [
        ('<c r="A2"><v>5</v></c>', "5", None),
        ('<c r="A2"><v>5.0</v></c>', "5", None),
        ('<c r="A2"><v>007</v></c>', "7", None),
        ('<c r="A2"><v>1.5E3</v></c>', "1500", None),
        ('<c r="A2"><v>5 pcs</v></c>', "5 pcs", ("error", "5 pcs")),
        ("<c><v>5</v></c>", "5", None),
        ('<c r="a2"><v>5</v></c>', "5", None),
        ('<c r="A2" t="s"><v>0</v></c>', "rich text", None),
        ('<c r="A2" t="str"><f>B1</f><v>a_x000D_b</v></c>', "a\rb", None),
        ('<c r="A2" t="str"><f>""</f><v></v></c>', None, None),
        ('<c r="A2"><f>1+1</f><v>2</v></c>', "2", None),
        ('<c r="A2"><f>1+1</f><v></v></c>', "#N/A", ("formula", "=1+1")),
        ('<c r="A2"><f>1+1</f></c>', "#N/A", ("formula", "=1+1")),
        ('<c r="A2" t="b"><v>1</v></c>', "TRUE", ("boolean", "TRUE")),
        ('<c r="A2" t="e"><v>#REF!</v></c>', "#REF!", ("error", "#REF!")),
        ('<c r="A2" t="d"><v>1963-11-22</v></c>', "1963-11-22", ("date", "1963-11-22")),
        ('<c r="A2" s="1"><v>8542</v></c>', "08542", None),
        ('<c r="A2" s="2"><v>0.5</v></c>', "0.5", ("percentage", "50%")),
    ],
)
def test_cells_of_an_xlsx(tmp_path, cell, text, mark):
    path = packages.xlsx(
        tmp_path / "a.xlsx",
        f'{packages.HEADER}<row r="2">{cell}</row>',
        strings='<si><r><t>rich </t></r><r><t>text</t></r><rPh sb="0"><t>x</t></rPh></si>',
        styles='<numFmts><numFmt numFmtId="164" formatCode="00000"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="9"/></cellXfs>',
    )
    texts, marks, _survey = read(path)
    assert (texts.get((2, 0)), marks.get((2, 0))) == (text, mark)


def test_names_of_an_xlsx_may_have_a_prefix(tmp_path):
    path = packages.xlsx(tmp_path / "a.xlsx", "")
    packages.write_zip(
        path,
        {
            "xl/workbook.xml": f'<workbook {packages.MAIN} xmlns:r="{packages.OFFICE}"><sheets>'
            '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": packages.links(("worksheet", "/xl/Sheet.xml")),
            "xl/sheet.xml": "<x:worksheet xmlns:x='m'><x:sheetData><x:row hidden='1' r='3'>"
            "<x:c r='B3'><x:v>5</x:v></x:c></x:row></x:sheetData>"
            "<x:mergeCells><x:mergeCell ref='B3:C4'/></x:mergeCells></x:worksheet>",
        },
    )
    texts, _marks, survey = read(path)
    assert texts == {(3, 1): "5"}
    assert (survey.hidden, survey.merged) == ([3], {3: [(1, 4)]})


def test_real_workbooks_are_read_as_calamine_reads_them(shared_data):
    compared = 0
    for path in sorted((shared_data / "torture" / "calamine").glob("*.xls[xm]")):
        try:
            theirs = python_calamine.CalamineWorkbook.from_path(str(path))
        except python_calamine.CalamineError:
            continue
        book = opened(path)
        assert {sheet.name for sheet in book.sheets} <= set(theirs.sheet_names)
        for sheet in book.sheets:
            expected = theirs.get_sheet_by_name(sheet.name)
            top, left = expected.start or (0, 0)
            cells = {
                (top + i + 1, left + j): value
                for i, row in enumerate(expected.to_python())
                for j, value in enumerate(row)
                if value != "" and not (isinstance(value, str) and value.isspace())
            }
            found = {}
            for row in book.rows(sheet):
                kinds = {column: kind for column, kind, _shown in row.marks}
                for column, text in enumerate(row.cells):
                    if text and kinds.get(column) != "error":  # which calamine leaves out
                        found[row.number, column] = text
                        assert (row.number, column) in cells or "formula" in kinds.values()
            for place, value in cells.items():
                if isinstance(value, str):
                    if "inlineStr_with_value" not in path.name:
                        assert found[place].strip() == value.strip()
                elif isinstance(value, float):
                    assert float(found[place]) == value
                else:
                    assert place in found
            compared += len(cells)
    assert compared > 8000


# xlsb


def test_cells_of_an_xlsb(tmp_path):
    rk = struct.pack("<I", (85 << 2) | 3)  # a whole number, by 100
    path = packages.xlsb(
        tmp_path / "a.xlsb",
        row_record(1),
        text_record(0, "name"),
        row_record(2, hidden=True),
        text_record(0, "Núñez"),
        cell_record(2, 1, rk),
        cell_record(3, 2, b"\x2a"),
        cell_record(4, 3, b"\1"),
        cell_record(5, 4, struct.pack("<d", 0.5), style=1),
        cell_record(9, 5, struct.pack("<d", 23337), style=2),
        packages.record(176, struct.pack("<4I", 1, 3, 0, 0)),
        formats=["0%", "m/d/yyyy"],
    )
    texts, marks, survey = read(path)
    assert [texts[2, i] for i in range(6)] == (
        ["Núñez", "0.85", "#N/A", "TRUE", "0.5", "1963-11-22"]
    )
    assert marks == {
        (2, 2): ("error", "#N/A"),
        (2, 3): ("boolean", "TRUE"),
        (2, 4): ("percentage", "50%"),
        (2, 5): ("date", "11/22/1963"),
    }
    assert (survey.hidden, survey.merged) == ([2], {2: [(0, 4)]})


# xls


def test_cells_of_an_xls(tmp_path):
    path = packages.xls(
        tmp_path / "a.xls",
        packages.biff(0x208, struct.pack("<HHHHHHI", 1, 0, 6, 300, 0, 0, 0x120)),
        packages.label(1, 0, "name"),
        packages.label(2, 0, "Kent"),
        packages.number(2, 1, 8542),
        packages.number(2, 2, 0.5, style=1),
        packages.number(2, 3, 23337, style=2),
        packages.biff(0x205, struct.pack("<HHHBB", 1, 4, 0, 0x17, 1)),
        packages.biff(0x205, struct.pack("<HHHBB", 1, 5, 0, 1, 0)),
        packages.biff(0xE5, struct.pack("<H4H", 1, 1, 2, 0, 0)),
    )
    texts, marks, survey = read(path)
    assert [texts[2, i] for i in range(6)] == (
        ["Kent", "8542", "0.5", "1963-11-22", "#REF!", "TRUE"]
    )
    assert marks == {
        (2, 2): ("percentage", "50%"),
        (2, 3): ("date", "11/22/63"),
        (2, 4): ("error", "#REF!"),
        (2, 5): ("boolean", "TRUE"),
    }
    assert (survey.hidden, survey.merged) == ([2], {2: [(0, 3)]})


# ods

TEXT = 'office:value-type="string"'
NOTE = "<office:annotation><text:p>x</text:p></office:annotation>"


def valued(type, value, shown, name="value"):
    start = f'office:value-type="{type}" office:{name}="{value}"'
    return f"{start}><text:p>{shown}</text:p>"


@pytest.mark.parametrize(
    ("cell", "text", "mark"),
    [
        (
            f"{TEXT}><text:p>a<text:tab/>b<text:s/>c<text:line-break/>d</text:p>",
            "a\tb c\nd",
            None,
        ),
        (f"{TEXT}><text:p>a</text:p><text:p>b</text:p>", "a\nb", None),
        (f"{TEXT}><text:p> a\n <text:span>b </text:span> c</text:p>", "a b c", None),
        (f"{TEXT}><text:p>a<text:s text:c='3'/>b</text:p>", "a   b", None),
        (f"{TEXT}>{NOTE}<text:p>a</text:p>", "a", None),
        (valued("float", "5.0", "5,00"), "5", None),
        (valued("float", "8542", "08542"), "08542", None),
        (valued("float", "8542", "8,542"), "8542", None),
        (valued("float", "6099249529", "(609) 924-9529"), "(609) 924-9529", None),
        (valued("percentage", "0.5", "50%"), "0.5", ("percentage", "50%")),
        (valued("currency", "3", "$3.00"), "3", ("amount of money", "$3.00")),
        (
            valued("date", "1963-11-22", "11/22/63", "date-value"),
            "1963-11-22",
            ("date", "11/22/63"),
        ),
        (
            valued("date", "1963-11-22T06:00:00", "Friday", "date-value"),
            "1963-11-22 06:00:00",
            ("date", "Friday"),
        ),
        (valued("time", "PT09H30M00S", "9:30", "time-value"), "09:30:00", ("time", "9:30")),
        (valued("boolean", "true", "WAHR", "boolean-value"), "TRUE", ("boolean", "WAHR")),
        (f'{TEXT} calcext:value-type="error"><text:p>#N/A</text:p>', "#N/A", ("error", "#N/A")),
        ("table:formula='=X' " + valued("float", 0, "#REF!"), "#REF!", ("error", "#REF!")),
        ('table:formula="of:=[.B1]">', "#N/A", ("formula", "=[.B1]")),
        (f'table:formula="of:=X" {TEXT}><text:p></text:p>', None, None),
    ],
)
def test_cells_of_an_ods(tmp_path, cell, text, mark):
    rows = f"<table:table-row><table:table-cell {TEXT}><text:p>name</text:p></table:table-cell>"
    rows += f"</table:table-row><table:table-row><table:table-cell {cell}</table:table-cell>"
    texts, marks, _survey = read(
        packages.ods(tmp_path / "a.ods", ("S", rows + "</table:table-row>"))
    )
    assert (texts.get((2, 0)), marks.get((2, 0))) == (text, mark)


def test_rows_of_an_ods(tmp_path):
    def cell(text, more=""):
        return f"<table:table-cell {TEXT} {more}><text:p>{text}</text:p></table:table-cell>"

    wide, tall = "table:number-columns-repeated='2'", "table:number-rows-spanned='2'"
    rows = (
        f"<table:table-row>{cell('name')}{cell('x', wide)}</table:table-row>"
        "<table:table-row table:number-rows-repeated='2'/>"
        f"<table:table-row table:visibility='filter'>{cell('a')}{cell('b', tall)}"
        f"</table:table-row><table:table-row table:number-rows-repeated='2'>{cell('c')}"
        "<table:covered-table-cell/></table:table-row>"
        "<table:table-row table:visibility='collapse' table:number-rows-repeated='1000'/>"
    )
    empty = "<table:table-row><table:table-cell/></table:table-row>"
    path = packages.ods(tmp_path / "a.ods", ("Empty", empty), ("S", rows))
    texts, _marks, survey = read(path)
    assert texts == {
        **{(1, 0): "name", (1, 1): "x", (1, 2): "x", (4, 0): "a", (4, 1): "b"},
        **{(5, 0): "c", (6, 0): "c"},
    }
    assert (survey.hidden, survey.is_filtered, survey.merged) == ([4], True, {4: [(1, 5)]})
