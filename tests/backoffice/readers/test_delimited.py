"""Text files of records: line ends, delimiters, quotes."""

import pytest

from backoffice.readers.limits import Limits
from backoffice.readers.source import ReaderError, open_source
from tests.backoffice.readers.sources import BRANCH, HEADER, cells_of, problems_of, rows_of

# Line ends and delimiters


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(saved, end):
    text = (HEADER + BRANCH + '"Sea\nford",x,NY\n' + BRANCH).replace("\n", end)
    cells = cells_of(open_source(saved(text)))
    assert [row[0] for row in cells] == ["Seaford", f"Sea{end}ford", "Seaford"]


def test_line_ends_may_be_mixed(saved):
    source = open_source(saved("a,b\r\n1,2\n3,4\r5,6"))
    assert rows_of(source) == [
        (2, ["1", "2"], None),
        (3, ["3", "4"], None),
        (4, ["5", "6"], None),
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", ":", "^"])
def test_the_delimiter_is_found(saved, mark):
    lines = [["name", "address", "state"], ["Seaford", "2234 Jackson Ave, Apt 1", "NY"]]
    text = "".join(mark.join(f'"{c}"' if mark in c else c for c in row) + "\n" for row in lines)
    source = open_source(saved(text))
    assert source.delimiter == mark
    assert source.format == ("tsv" if mark == "\t" else "csv")
    assert cells_of(source) == [lines[1]]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("name;price\nA;1,50\nB;2,75\nC;3,00\n", ";"),
        ("name,opens\nA,9:00\nB,10:30\n", ","),
        ("title,libraries\nGuide,A|B|C\nTwo,A|B\n", ","),
        ('a;b;c\n"1;x;y;z";2;3\n"4;5;6;7";5;6\n', ";"),
        ("name\tplace\nA\tSeaford, NY\nB\tDenver, CO\n", "\t"),
        ("name\nSmith, John\nDoe, Jane\n", ","),
        ("name\nA\n", ","),
    ],
)
def test_other_marks_in_the_text_do_not_mislead(saved, text, delimiter):
    source = open_source(saved(text))
    assert source.delimiter == delimiter


def test_a_delimiter_given_is_obeyed(saved):
    source = open_source(saved("a;b,c\n1;2,3\n"), delimiter=";")
    assert source.headers == ["a", "b,c"]
    assert open_source(saved("a\tb,c\n1\t2,3\n"), delimiter="\\t").headers == ["a", "b,c"]
    assert open_source(saved("a\tb,c,d\n"), format="tsv").headers == ["a", "b,c,d"]
    assert open_source(saved("a\tb,c,d\n"), file_name="x.TSV").headers == ["a", "b,c,d"]


@pytest.mark.parametrize("mark", ["ab", '"', "\n"])
def test_an_impossible_delimiter_is_refused(saved, mark):
    with pytest.raises(ReaderError, match="must be one character"):
        open_source(saved(HEADER), delimiter=mark)


def test_the_delimiter_that_excel_writes_above_the_table_is_obeyed(saved):
    source = open_source(saved("sep=;\r\na;b\r\n1;2,3\r\n"))
    assert (source.delimiter, source.header_row, rows_of(source)) == (
        ";",
        2,
        [(3, ["1", "2,3"], None)],
    )


# Rows that can't be used


def test_ragged_rows_are_named_and_keep_their_cells(saved):
    source = open_source(saved(HEADER + "A,x\n" + BRANCH + "B,x,NY,more\nC\n"))
    assert rows_of(source) == [
        (2, ["A", "x", ""], "has 2 cells where the header has 3"),
        (3, ["Seaford", "2234 Jackson Ave", "NY"], None),
        (4, ["B", "x", "NY", "more"], "has 4 cells where the header has 3"),
        (5, ["C", "", ""], "has 1 cell where the header has 3"),
    ]


def test_a_truncated_last_row_is_a_problem(saved):
    source = open_source(saved(HEADER + BRANCH + "Denver,10 W 14"))
    assert list(problems_of(source)) == [3]


def test_a_nul_character_is_a_problem(saved):
    source = open_source(saved(HEADER + BRANCH + "Den\0ver,x,CO\n" + BRANCH))
    assert problems_of(source) == {3: "has a NUL character in column A; remove it"}


@pytest.mark.parametrize("after", [0, 999, 1000])  # where a batch of lines ends, too
def test_a_control_z_at_the_end_is_no_row(saved, after):
    source = open_source(saved(HEADER + BRANCH * after + "\x1a"))
    assert len(cells_of(source)) == after


@pytest.mark.parametrize("cell", ["x" * 40_000, "x" * 200_000, '"' + "x\n" * 20_000 + '"'])
def test_a_cell_that_is_too_long_is_a_problem(saved, cell):
    limits = Limits(cell_characters=32_767)
    source = open_source(saved(HEADER + BRANCH + f"{cell},x,NY\n" + BRANCH), limits=limits)
    assert len(rows_of(source)) == 3
    assert "32,767" in problems_of(source)[3]


@pytest.mark.parametrize("after", [0, 10, 3000, 20_000])
def test_a_quote_that_never_closes_costs_one_row(saved, after):
    text = HEADER + BRANCH * 5 + '"Denver,x,CO\n' + BRANCH * after
    source = open_source(saved(text))
    rows = rows_of(source)
    assert len(rows) == 5 + 1 + after
    assert list(problems_of(source)) == [7]
    assert "opens a quotation mark that is not closed" in problems_of(source)[7]
    assert rows[5][1] == ['"Denver', "x", "CO"]
    assert [row[0] for row in rows] == list(range(2, len(rows) + 2))


def test_a_quote_that_closes_in_a_later_quoted_cell_costs_one_row(saved):
    text = HEADER + '"Denver,x,CO\n' + BRANCH * 2000 + 'Reno,"A, B",NV\n' + BRANCH
    source = open_source(saved(text))
    assert list(problems_of(source)) == [2]
    assert len(rows_of(source)) == 2003
    assert rows_of(source)[-2][1] == ["Reno", "A, B", "NV"]


def test_a_quote_within_a_quoted_cell_is_named(saved):
    source = open_source(saved(HEADER + '"The "Big" Library",x,NY\n' + BRANCH))
    assert problems_of(source) == {
        2: 'has a quotation mark inside a quoted cell; double it ("")'
    }


def test_many_open_quotes_cost_a_row_each(saved):
    text = HEADER + ('"Denver,x,CO\n' + BRANCH) * 2000
    source = open_source(saved(text))
    assert len(rows_of(source)) == 4000
    assert len(problems_of(source)) == 2000


def test_a_quote_within_plain_text_is_text(saved):
    source = open_source(saved(HEADER + '37°36\'37.8"N,6" pipe,NY\n'))
    assert cells_of(source) == [["37°36'37.8\"N", '6" pipe', "NY"]]


@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
def test_chunks_of_any_size_give_the_same_rows(saved, size):
    text = HEADER + (BRANCH + 'Reno,"a\nb",NV\nshort\n\n' + '"bad,x,y\n') * 800
    source = open_source(saved(text))
    assert all(len(chunk) <= size for chunk in source.chunks(size))
    assert rows_of(source, size) == rows_of(source)
    assert len(rows_of(source)) == 800 * 4


def test_a_source_is_read_anew_each_time(saved):
    source = open_source(saved(HEADER + BRANCH * 3))
    unfinished = source.chunks(1)
    next(unfinished)
    assert len(rows_of(source)) == len(rows_of(source)) == 3


def test_a_torn_row_is_seen_beside_one_with_another_fault(saved):
    text = 'a,b,c\n45"Silk, knitted",x\n"=""01""",2,3\n'
    for fault in ("", 'x,"a"b,8\n', '"open,7,8\n9,9,9\n'):
        rows = rows_of(open_source(saved(text + fault)))
        assert "in the midst of a cell" in rows[0][2]
        assert rows[1][1:] == (["01", "2", "3"], None)
