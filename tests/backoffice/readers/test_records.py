"""Which rows are records, and that none is read shifted."""

import pytest

from backoffice.readers.source import open_source
from library.resources import BookResource, PatronResource
from tests.backoffice.readers.sources import cells_of, problems_of, rows_of

PATRONS = "name,library\nAnn Lee,Troy\n"


def opened(path):
    return open_source(path, known=PatronResource.spellings())


# Widths


@pytest.mark.parametrize(
    "row",
    ["Hello, Dolly!,Thornton Wilder,", ",Emma,Austen,Troy", "Emma,,Austen,Troy", "Emma,Troy"],
)
def test_a_row_with_a_delimiter_too_many_or_too_few_is_a_problem(saved, row):
    text = f"title,author,libraries\nPersuasion,Austen,Troy\n{row}\nEmma,Austen,Troy\n"
    source = open_source(saved(text))
    assert list(problems_of(source)) == [3]


def test_surplus_blanks_of_all_rows_are_nothing_and_said(saved):
    source = open_source(saved("title,libraries\nEmma,Troy,,\nPersuasion,Troy,,\nX,Y\n"))
    assert source.headers == ["title", "libraries"]
    assert rows_of(source)[:2] == [
        (2, ["Emma", "Troy"], None),
        (3, ["Persuasion", "Troy"], None),
    ]
    assert "The rows have 4 cells where the header has 2" in source.warnings[0]


def test_among_rows_with_surplus_blanks_a_row_that_lost_a_delimiter_is_a_problem(saved):
    text = "title,author,libraries,\nEmma,Austen,Troy,\nEmma Austen,Troy,\nX,Y,Z\n"
    source = open_source(saved(text))
    assert problems_of(source) == {3: "has 3 cells where the other rows have 4"}
    assert rows_of(source)[2][1] == ["X", "Y", "Z"]


# What is no record


@pytest.mark.parametrize(
    "line",
    [
        "Total: 1 title,",
        "TOTAL,",
        "Grand total,17",
        "Totals: 17,",
        "Total number of patrons: 2,",
        "Printed 5/1/2024,",
        "Printed on May 1,",
        "Run date: 2024-05-01,",
        "Page 1 of 3,",
        "Page 2",
        "(2 rows),",
        "2 records,",
        "End of report,",
        "*** End of file ***,",
        "-----,-----",
        "Report generated 5/1/2024 10:30 AM,",
        "As of 5/1/2024,",
        "Source: the ILS,",
        "=====,",
    ],
)
@pytest.mark.parametrize("after", ["", "Bo Lee,Troy\n" * 30])
def test_totals_and_printed_lines_are_no_records(saved, line, after):
    source = opened(saved(f"{PATRONS}{line}\n{after}"))
    problem = problems_of(source)[3]
    assert "is no record" in problem or "cells where" in problem
    assert len(rows_of(source)) == 2 + after.count("\n")


@pytest.mark.parametrize(
    "title",
    [
        "Total Recall",
        "101 Dalmatians",
        "100 Years of Solitude",
        "Page One",
        "Report",
        "Notes",
        "Generated Worlds",
        "The End of the Affair",
        "A Run for It",
        "1984",
        "Printed Matter",
    ],
)
def test_titles_that_begin_like_totals_are_records(saved, title):
    for text in (f"title,libraries\nX,Y\n{title},\n", f"title\nX\n{title}\n"):
        assert cells_of(open_source(saved(text)))[-1][0] == title


@pytest.mark.parametrize("again", ["name,library", "NAME,LIBRARY"])
def test_the_header_again_is_passed_over_and_said(saved, again):
    source = opened(saved(PATRONS + f"{again}\nBo Lee,Troy\n"))
    assert cells_of(source) == [["Ann Lee", "Troy"], ["Bo Lee", "Troy"]]
    assert "Row 3 has the header again, which was passed over." in source.warnings


@pytest.mark.parametrize(
    "header", ["patron,branch\n", "\nname,branch\n", "\nPatron,Branch\n", "\nwho,branch\n"]
)
def test_a_second_table_is_told_and_not_read(saved, header):
    source = opened(saved(PATRONS + header + "Bo Lee,Troy\nCy Lee,Troy\n"))
    problems = list(problems_of(source).values())
    assert "is the header of a second table" in problems[0]
    assert "belongs to a second table" in problems[1]
    assert len(problems) == 3


def test_rows_below_a_blank_one_are_read_and_said(saved):
    source = opened(saved(PATRONS + "\nBo Lee,Troy\n"))
    assert len(cells_of(source)) == 2
    assert "Row 4 follows a blank row" in source.warnings[0]


def test_lost_characters_are_told_with_their_rows(saved):
    source = opened(saved(PATRONS + "Mu�oz,Troy\n"))
    assert len(cells_of(source)) == 2
    assert "Row 3 has the character � (U+FFFD)" in source.warnings[0]
    assert "Mu�oz" in source.warnings[0]


def test_reading_again_says_the_same_once(saved):
    source = opened(saved(PATRONS + "name,library\n"))
    rows_of(source)
    rows_of(source)
    assert len(source.warnings) == 1


# Where the header is


@pytest.mark.parametrize(
    "above",
    [
        "Patron list,\nRun 5/1/2024,\n",
        "Patron list\n\n",
        "Patrons,,\n",
        "Who,Where\n",
        "Group,\n",
        "The patrons of 2024; printed today\n",
    ],
)
def test_the_header_is_the_row_with_the_known_names(saved, above):
    source = opened(saved(above + PATRONS))
    assert source.headers[:2] == ["name", "library"]
    assert cells_of(source)[0][:2] == ["Ann Lee", "Troy"]


def test_a_title_that_is_a_known_name_is_no_header(saved):
    path = saved("Books,,\nauthor,title,isbn\nAusten,Emma,1\n")
    source = open_source(path, known=BookResource.spellings())
    assert source.headers == ["author", "title", "isbn"]


def test_the_header_row_that_is_said_is_taken(saved):
    path = saved("name,library\nWho,Where\nAnn Lee,Troy\n")
    source = open_source(path, known=PatronResource.spellings(), header_row=2)
    assert (source.headers, source.warnings) == (["Who", "Where"], [])
    with pytest.raises(Exception, match=r"Row 9 can't be the header.*row 2: “Who . Where”"):
        open_source(path, header_row=9)


def test_where_no_row_is_surely_the_header_the_rows_are_shown(saved):
    with pytest.raises(Exception, match=r"Say which.*row 1: “Export of today”; row 2: “Who"):
        opened(saved("Export of today,\nWho,Where\nAnn Lee,Troy\n"))
