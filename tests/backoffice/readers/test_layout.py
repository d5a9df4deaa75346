"""Where the header stands, and the columns below it."""

import pytest

from backoffice.readers.source import open_source
from tests.backoffice.readers.sources import BRANCH, HEADER, cells_of, problems_of, rows_of


def test_rows_are_numbered_as_a_spreadsheet_shows_them(saved):
    text = '\n\nname,note\nA,"two\nlines"\n\n,\n  , \nB,x\n'
    source = open_source(saved(text))
    assert source.header_row == 3
    assert [number for number, _, _ in rows_of(source)] == [4, 8]


@pytest.mark.parametrize("title", ["Branches 2018\n", "Branches 2018,,\n", "\nBranches\n\n"])
def test_a_title_above_the_header_is_passed_over_and_said(saved, title):
    source = open_source(saved(title + HEADER + BRANCH * 3))
    assert source.headers == ["name", "address", "state"]
    assert len(cells_of(source)) == 3
    assert "was passed over as a title" in source.warnings[0]


@pytest.mark.parametrize(
    "text", ["name,,\nA,1,2\nB,3,4\n", "name\nSmith, John\n", "1,2,3\n4,5,6\n", "a,b\n"]
)
def test_in_doubt_the_first_row_is_the_header(saved, text):
    assert open_source(saved(text)).header_row == 1


def test_headers_are_stripped_and_duplicates_are_kept(saved):
    assert open_source(saved(" name , zip,zip\n1,2,3\n")).headers == ["name", "zip", "zip"]


def test_a_line_break_in_a_header_is_a_blank(saved):
    source = open_source(saved('"Street\naddress","ZIP\r\n code"\nA,1\n'))
    assert source.headers == ["Street address", "ZIP code"]


def test_what_is_above_the_header_need_not_be_readable(saved):
    source = open_source(saved('"Branches\n' + HEADER + BRANCH))
    assert (source.header_row, cells_of(source)[0][2]) == (2, "NY")


def test_wholly_blank_trailing_columns_are_left_out(saved):
    source = open_source(saved("name,state,,\nA,NY,,\nB,CO\nC,NJ, ,\n"))
    assert source.headers == ["name", "state"]
    assert cells_of(source) == [["A", "NY"], ["B", "CO"], ["C", "NJ"]]
    assert source.warnings == []


def test_a_blank_header_with_cells_below_is_said(saved):
    source = open_source(saved("name,,state,\nA,x,NY,y\n"))
    assert source.headers == ["name", "", "state", ""]
    assert "column B, D" in source.warnings[0]


def test_a_cell_in_a_column_without_a_header_far_below_is_a_problem(saved):
    text = "name,state,\n" + "A,NY,\n" * 3000 + "B,CO,lost\n"
    source = open_source(saved(text))
    assert source.headers == ["name", "state"]
    assert problems_of(source) == {3002: "has 3 cells where the header has 2"}
    assert rows_of(source)[-1][1] == ["B", "CO", "lost"]


def test_a_header_alone_has_no_rows(saved):
    source = open_source(saved(HEADER))
    assert (rows_of(source), source.warnings) == ([], ["There are no rows below the header."])
