"""Number formats, and cells merged over several rows."""

import pytest

from backoffice.readers.workbooks.values import NumberFormat, Row, filled, number_format


@pytest.mark.parametrize(
    ("code", "value", "kind", "shown"),
    [
        ("0%", 0.5, "percentage", "50%"),
        ("0.0%;(0.0%)", -0.05, "percentage", "(5.0%)"),
        ('"$"#,##0.00', 1234.5, "amount of money", "$1,234.50"),
        ('"$"#,##0.00_);("$"#,##0.00)', -3.0, "amount of money", "($3.00)"),
        ("[$€-407]#,##0.00", 2.0, "amount of money", "€2.00"),
        ("[$USD] #,##0", 5.0, "amount of money", "USD 5"),
        ("# ?/?", 0.5, "fraction", "0.5"),
        ('"Yes";"No";"No"', 1.0, "number", "Yes"),
        ("m/d/yyyy", 23337.0, "date", "11/22/1963"),
        ("[$-409]mmmm d, yyyy;@", 23337.0, "date", "November 22, 1963"),
        ("[$-F800]dddd\\,\\ mmm\\ dd", 23337.0, "date", "Friday, Nov 22"),
        ("yyyy-mm-dd hh:mm", 23337.25, "date and time", "1963-11-22 06:00"),
        ("h:mm AM/PM", 0.5625, "time", "1:30 PM"),
        ("mm:ss", 0.5625, "time", "30:00"),
        ("[h]:mm", 1.5, "duration", "36:00:00"),
        ("m/d/yyyy", -5.0, "error", "########"),
        ("m/d/yyyy", 1e9, "error", "########"),
    ],
)
def test_what_a_sheet_shows_of_what_is_more_than_a_number(code, value, kind, shown):
    assert NumberFormat(code).read(value)[1:] == (kind, shown)


@pytest.mark.parametrize(
    ("code", "value", "text"),
    [
        ("00000", 8542.0, "08542"),
        ("00000-0000", 85421234.0, "08542-1234"),
        ("000 00", 11000.0, "110 00"),
        ("[<=9999999]###-####;(###) ###-####", 6099249529.0, "(609) 924-9529"),
        ("[<=9999999]###-####;(###) ###-####", 2249529.0, "224-9529"),
    ],
)
def test_fixed_places_are_read_as_they_are_shown(code, value, text):
    assert NumberFormat(code).read(value) == (text, "", "")


@pytest.mark.parametrize(
    "code",
    ["General", "0", "0.00", "#,##0", "# ##0", "@", "0.00E+00", '0" pcs"', "[Red]0", ";;;", ""],
)
def test_other_formats_leave_a_number_a_number(code):
    assert NumberFormat(code).read(1234.0) == ("1234", "", "")


@pytest.mark.parametrize(
    ("value", "is_1904", "text"),
    [
        (1.0, False, "1900-01-01"),
        (59.0, False, "1900-02-28"),
        (61.0, False, "1900-03-01"),
        (0.0, True, "1904-01-01"),
        (43831.0 + 1 / 86400, False, "2020-01-01 00:00:01"),
    ],
)
def test_days_are_counted_as_spreadsheets_do(value, is_1904, text):
    assert NumberFormat("yyyy-mm-dd").read(value, is_1904)[0] == text


def test_built_in_formats_have_a_number_and_no_code():
    assert number_format(14, {}).kind == "date"
    assert number_format(49, {}) is None
    assert number_format(14, {14: "0"}) is None


def test_merged_cells_are_the_value_of_each_row_that_has_one_of_its_own():
    rows = [Row(2, ["Emma", "Troy"]), Row(3, ["Persuasion"]), Row(5, ["Dune", "Kent"])]
    rows += [Row(6, ["Ulysses"])]
    found = {row.number: row.cells for row in filled(iter(rows), {2: [(1, 5)]})}
    assert found == {
        2: ["Emma", "Troy"],
        3: ["Persuasion", "Troy"],
        5: ["Dune", "Kent"],
        6: ["Ulysses"],
    }
