from itertools import product

from hypothesis import example, given
from hypothesis import strategies as st

from backoffice.resources.formulas import (
    escape,
    escape_all,
    escape_formula,
    is_error,
    unescape,
)

ERRORS = ["#N/A", "#n/a n/a", "########", "##", "#¡REF!", "#ERROR!", "Err:502", "err:599"]
hostile = (
    st.text()
    | st.text("'=+-@\t\r\n a\xa0", max_size=6)
    | st.tuples(
        st.text("' ", max_size=3), st.sampled_from(ERRORS), st.text("' \n", max_size=2)
    ).map("".join)
)


def test_what_a_spreadsheet_would_run_gets_an_apostrophe():
    for text in ("=1+1", "+1", "-4", "@SUM(A1)", "\tx", "\rx"):
        assert escape_formula(text) == escape(text) == "'" + text


def test_so_does_what_is_an_error_where_it_stands_alone():
    for text in ERRORS:
        assert is_error(text)
        assert not is_error(f"'{text}")
        assert escape_formula(text) == escape(text) == f"'{text}"
        assert escape(f"'{text}") == f"''{text}"
    for text in ("#MeToo", "Err: a title", "# 1", "Err:502\n", "Err:5021"):
        assert not is_error(text)


def test_text_with_blanks_at_its_edges_is_put_between_apostrophes():
    for text in (" a", "a ", "\na", "a\xa0", " ", "=1 "):
        assert escape(text) == f"'{text}'"


def test_other_text_and_numbers_stay_as_they_are():
    for value in ("Dune", "'tis", "", 4, None, "a=b", "'a b'", "the dogs '"):
        assert escape_formula(value) == escape(value) == value


def test_what_others_wrote_between_apostrophes_stays():
    for cell in ("'tis", "'quoted'", "'", "''", "dogs'"):
        assert unescape(cell) == cell


def comes_back(text):
    cell = escape(text)
    is_harmless = cell[:1] not in tuple("=+-@\t\r") and not is_error(cell.strip())
    return unescape(cell.strip()) == text and is_harmless


@given(hostile)
@example("'=x")
@example("''=x")
@example("=a '")
@example("\tx'")
@example("' x'")
@example("\r'")
def test_a_stripped_cell_gives_back_what_was_escaped(text):
    assert comes_back(text)


def test_so_does_every_short_text_of_what_matters():
    texts = ("".join(text) for size in range(6) for text in product("'=\t\n a", repeat=size))
    assert not [text for text in texts if not comes_back(text)]


@given(st.lists(hostile))
def test_a_column_is_escaped_as_its_texts_are(texts):
    assert list(escape_all(texts)) == list(map(escape, texts))
