"""What is the same text, and what looks alike."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.tables.texts import alike, alike_all, are_same, looks, same
from library.models import Library

NAME, ZIP_CODE = map(Library._meta.get_field, ("name", "zip_code"))
text = st.text(max_size=12)


@pytest.mark.parametrize(
    "written",
    [
        "Jane  Doe",
        " Jane Doe ",
        "Jane\u00a0Doe",
        "Jane\u2009Doe",
        "Jane\tDoe",
        "Jane\r\nDoe",
        "Ja\u200dne Doe",
        "Ja\u200bne Doe",
        "Ja\u00adne Doe",
        "\ufeffJane Doe",
        "Jane\ufe0f Doe",
        "Jane\x07 Doe\x00",
        "Jane \u200b Doe",
    ],
)
def test_white_space_and_what_is_invisible_do_not_count(written):
    assert same(written) == "Jane Doe"
    assert not are_same([written, "b"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cafe\u0301", "Café"),
        ("\u212bngström", "Ångström"),
        ("Li\u3000Bai", "Li Bai"),
    ],
)
def test_the_normal_form_does_not_count(one, other):
    assert same(one) == same(other) == other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DENVER", "Denver"),
        ("O’Hara", "O'Hara"),
        ("O´Hara", "O'Hara"),
        ("“Emma”", '"Emma"'),
        ("O\x92Hara", "o'hara"),
        ("«Emma»", '"Emma"'),
        ("Stratford–Upon—Avon", "Stratford-upon-Avon"),
        ("Reading – East", "Reading - East"),
        ("Straße", "STRASSE"),
        ("Ｔｒｏｙ", "Troy"),
        ("ΟΔΟΣ", "οδος"),
        ("ﬁne", "FINE"),
    ],
)
def test_what_looks_alike_and_is_not_the_same(one, other):
    assert alike(one) == alike(other)
    assert same(one) != same(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jane Doe", "JaneDoe"),
        ("Café", "Cafe"),
        ("Izmir", "İzmir"),
        ("ısı", "isi"),
        ("A & B", "A and B"),
        ("-", "--"),
        ("St. Paul", "St Paul"),
    ],
)
def test_what_does_not_look_alike(one, other):
    assert alike(one) != alike(other)
    assert looks([[one, other]], [NAME])[0] != looks([[other]], [NAME])[0]


def test_a_field_declares_what_looks_alike():
    assert len(set(alike_all(["08542", "08542-3214", " 08542\u200b", "08543"], ZIP_CODE))) == 2


@given(text)
def test_same_is_idempotent(written):
    assert same(same(written)) == same(written)
    assert are_same([same(written)]) or not same(written)


@given(text)
def test_what_is_the_same_looks_alike(written):
    assert alike(same(written)) == alike(written)
    assert alike(alike(written)) == alike(written)


@given(st.lists(text, min_size=1, max_size=5))
def test_many_texts_are_folded_as_each_is(texts):
    encoded = [alike(text).encode(errors="surrogatepass") for text in texts]
    assert alike_all(texts, NAME) == encoded
    assert alike_all([*texts, None, "Troy"], NAME) == [*encoded, b"", b"troy"]


@pytest.mark.parametrize(
    ("categories", "form", "what"),
    [("Cc Cf", same, "a  b"), ("Pd", alike, "a - b"), ("Pi Pf", alike, "a ' b")],
)
def test_the_characters_of_a_category_are_all_known(categories, form, what):
    """The tables of code points are those of this Python's Unicode."""
    meant = {*range(0x80, 0xA0)} - {0x81, 0x8D, 0x8F, 0x90, 0x9D}  # by cp1252
    unknown = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in categories.split()
        and code not in meant
        and form(f"a {chr(code)} b") != " ".join(what.split())
    ]
    assert not unknown


def test_numbers_are_the_same_in_every_process():
    """A review is opened by another process than the one that checked the file."""
    assert looks([["Jane Doe"], ["10001"]], [NAME, NAME]) == [1110239823166780244]
