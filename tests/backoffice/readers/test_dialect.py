"""How cells are parted: what is found, and that nothing else is taken for it."""

import csv
import re

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from backoffice.readers.source import open_source
from tests.backoffice.readers.sources import cells_of, problems_of, rows_of

KNOWN = {"name": ("name",), "address": ("address",), "zip_code": ("zip_code", "zip")}


@pytest.mark.parametrize(
    "line",
    ["sep=;", "SEP=;", '"SEP=;"', "Sep = ;", "\ufeffsep=;", "\ufeff\ufeffsep=;", "sep=;;"],
)
def test_a_delimiter_that_the_file_declares_is_obeyed(saved, line):
    source = open_source(saved(f"{line}\r\nname;zip\r\nA, B;1\r\n"))
    assert (source.delimiter, source.header_row) == (";", 2)
    assert rows_of(source) == [(3, ["A, B", "1"], None)]


def test_a_name_that_begins_like_a_declaration_is_none(saved):
    assert open_source(saved("sep=name,zip\nA,1\n")).headers == ["sep=name", "zip"]


@pytest.mark.parametrize(
    "text",
    [
        '"name", "address"\n"Troy", "100 Second Street, Floor 2"\n',
        'name,address\nTroy, "100 Second Street, Floor 2"\n',
        '"name" , "address"\n"Troy" , "100 Second Street, Floor 2"\n',
        'name, address\nTroy , "100 Second Street, Floor 2" \n',
    ],
)
def test_blanks_around_quotes_are_no_part_of_the_cell(saved, text):
    source = open_source(saved(text))
    cells = [[cell.strip() for cell in row] for row in cells_of(source)]
    assert cells == [["Troy", "100 Second Street, Floor 2"]]


def test_a_quotation_after_a_comma_in_plain_text_stays(saved):
    source = open_source(saved('name;note\nA;He said, "no"\nB;x\n'))
    assert cells_of(source) == [["A", 'He said, "no"'], ["B", "x"]]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("cell", ['="{}"', '"=""{}"""', ' ="{}"', '  ="{}" '])
def test_text_that_excel_writes_as_a_formula_is_text(saved, mark, cell):
    cells = [cell.format(f"Troy{mark} NY"), cell.format("08542")]
    source = open_source(saved(f"name{mark}zip\n{mark.join(cells)}\n"), delimiter=mark)
    assert cells_of(source) == [[f"Troy{mark} NY", "08542"]]


def test_other_formulas_stay_as_they_are(saved):
    text = 'name,zip\n=1+1,=A1\n"a=""b""","x, =""y"""\n'
    assert cells_of(open_source(saved(text))) == [["=1+1", "=A1"], ['a="b"', 'x, ="y"']]


def test_apostrophes_quote_where_they_enclose_the_cells(saved):
    text = (
        "'name','address','zip'\n'Troy','100 Women''s St, 2','12180'\n"
        "'O'Hara','won't, can't','1'\n"
    )
    source = open_source(saved(text))
    assert source.headers == ["name", "address", "zip"]
    assert cells_of(source)[0] == ["Troy", "100 Women's St, 2", "12180"]
    assert "apostrophes" in source.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        "name,zip\n'Salem's Lot,1\n'Tis,2\n",
        "name,zip\n'=1+1,1\n'@x,2\n",
        "name,zip\nO'Hara,1\nD'Arcy's,2\n",
        "name,zip\n'Quoted',1\nPlain,2\nOther,3\n",
    ],
)
def test_apostrophes_in_the_text_stay(saved, text):
    rows = cells_of(open_source(saved(text)))
    assert rows == [line.split(",") for line in text.splitlines()[1:]]


def test_blanks_part_cells_only_under_known_headers_or_between_quotes(saved):
    for text in ("name  zip\nTroy  12180\nAlba  1\n", 'A B\n"x y" 1\n"z" 2\n'):
        source = open_source(saved(text), known=KNOWN)
        assert source.delimiter == " "
        assert len(cells_of(source)[0]) == 2
        assert "Blanks" in source.warnings[0]
    source = open_source(saved("Full Name\nJohn Smith\nJane Doe\n"))
    assert cells_of(source) == [["John Smith"], ["Jane Doe"]]


def test_a_backslash_escapes_a_quote_where_nothing_else_fits(saved):
    source = open_source(saved('name,zip\n"Smith, \\"Al\\"",1\n"Lee, Bo",2\n'))
    assert cells_of(source) == [['Smith, "Al"', "1"], ["Lee, Bo", "2"]]
    assert "backslash" in source.warnings[0]
    assert cells_of(open_source(saved("name,path\nA,C:\\new\n"))) == [["A", "C:\\new"]]


def test_a_row_that_lacks_a_delimiter_before_a_quote_is_not_read_shifted(saved):
    text = 'name,price,note\nA,$5,"x, y"\nB,$5"Silk, knitted",z\nC,10" wide,12" long\n'
    source = open_source(saved(text))
    assert list(problems_of(source)) == [3]


# What any writer writes is read back, or a word says otherwise

CELL = st.text(st.characters(codec="cp1252", exclude_categories=("Cc",)), max_size=12)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=12),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\r\n", "\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"]),
)
def test_what_csv_writes_in_any_dialect_is_read_or_said(
    tmp_path, rows, delimiter, quoting, end, encoding
):
    path = tmp_path / "a.csv"
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end)
        writer.writerows([["name", "address", "zip_code"], *rows])
    # Bytes that are a character of UTF-8 as well could be either.
    assume(encoding != "cp1252" or not re.search(rb"[\xc2-\xf4][\x80-\xbf]", path.read_bytes()))
    source = open_source(path, known=KNOWN, delimiter=delimiter)
    read = {number: cells for number, cells, problem in rows_of(source) if problem is None}
    said = source.warnings
    for number, cells in read.items():
        assert cells == rows[number - 2] or said or any('="' in c for c in rows[number - 2])
