from hypothesis import example, given
from hypothesis import strategies as st

from backoffice.exports.formulas import escape_formula, unescape_formula


def test_what_a_spreadsheet_would_run_gets_an_apostrophe():
    for text in ("=1+1", "+1", "-4", "@SUM(A1)", "\tx", "\rx"):
        assert escape_formula(text) == "'" + text


def test_other_text_and_numbers_stay_as_they_are():
    for value in ("Dune", "'tis", "", 4, None, "a=b"):
        assert escape_formula(value) == value


@given(st.text() | st.text("'=+-@\t\ra", max_size=5))
@example("'=x")
@example("''=x")
def test_taking_off_gives_back_what_was_escaped(text):
    assert unescape_formula(escape_formula(text)) == text
