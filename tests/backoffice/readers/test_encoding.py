"""Encodings: found, obeyed, and proven over the whole file."""

import pytest

from backoffice.readers.source import ReaderError, open_source
from tests.backoffice.readers.sources import BRANCH, HEADER, cells_of


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
        ("mac-roman", "mac-roman"),
        ("cp850", "cp850"),
    ],
)
def test_the_encoding_is_found(saved, codec, encoding):
    text = HEADER + "Réunion Library,12 Peña Blvd,NY\nMontréal,Rue Bibliothèque 4,NY\n"
    source = open_source(saved(text.encode(codec)))
    assert source.encoding == encoding
    assert source.headers == ["name", "address", "state"]
    assert cells_of(source)[0] == ["Réunion Library", "12 Peña Blvd", "NY"]


@pytest.mark.parametrize("codec", ["cp1251", "gb18030", "cp949"])
def test_other_scripts_are_found_too(saved, codec):
    names = {
        "cp1251": "Библиотека имени Пушкина",
        "gb18030": "图书馆 北京 王小明",
        "cp949": "도서관 서울 김철수",
    }
    name = names[codec]
    source = open_source(saved((HEADER + f"{name},A Street,NY\n" * 20).encode(codec)))
    assert cells_of(source)[0][0] == name


def test_utf_8_is_proven_over_the_whole_file(saved):
    text = HEADER + BRANCH * 50_000
    source = open_source(saved(text.encode() + "Café,1 Rue,NY\n".encode("cp1252")))
    assert source.encoding == "cp1252"
    assert cells_of(source)[-1][0] == "Café"


def test_a_character_across_two_blocks_is_read(saved):
    text = HEADER + "é" * 4000 + ",x,NY\n"
    text += ("é" * 30_000 + ",x,NY\n") * 20
    source = open_source(saved("x" + text))
    assert source.encoding == "utf-8"
    assert len(cells_of(source)) == 21


def test_an_encoding_given_is_obeyed(saved):
    source = open_source(saved((HEADER + "Café,1 Rue,NY\n").encode("cp850")), encoding="cp850")
    assert (source.encoding, cells_of(source)[0][0]) == ("cp850", "Café")


def test_utf_8_given_does_not_leave_the_mark_in_the_first_header(saved):
    source = open_source(saved((HEADER + BRANCH).encode("utf-8-sig")), encoding="UTF8")
    assert source.headers[0] == "name"


def test_a_byte_that_does_not_decode_is_named(saved):
    path = saved((HEADER + BRANCH + "Café,1 Rue,NY\n").encode("cp1252"))
    with pytest.raises(ReaderError, match=r"utf-8: byte E9 in line 3 \(byte 50 of the file\)"):
        open_source(path, encoding="utf-8")


def test_bytes_that_cp1252_lacks_are_not_dropped(saved):
    source = open_source(saved(HEADER.encode() + b"\x81\x8d\x8f\x90\x9d,x,NY\n"))
    assert source.encoding != "cp1252"
    assert len(cells_of(source)[0][0]) == 5


@pytest.mark.parametrize("name", ["utf-9", "hex", "rot13", "undefined", "a\0b", "  "])
def test_an_unknown_encoding_is_refused(saved, name):
    with pytest.raises(ReaderError, match=r"encoding .* is not known"):
        open_source(saved(HEADER), encoding=name)


def test_utf_16_without_its_mark_is_refused_when_given(saved):
    with pytest.raises(ReaderError, match="utf-16"):
        open_source(saved(HEADER), encoding="utf-16")
