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


# Guesses


@pytest.mark.parametrize(
    "names",
    [
        "Núñez, Maria",
        "IBÁÑEZ, JOSÉ",
        "ÑÚÑEZ",
        "Muñoz",
        "AÇÃO",
        "São João da Conceição",
        "IRMÃ",
        "Françoise",
        "Müller Straße",
        "Søren Ærø",
        "Þórður Guðrún Sigríður",
        "L’été d’Hélène",
        "¿Qué? 1ª",
        "Smith–Jones",
        "“CAFÉ” — 5€",
        "col·lecció",
        "O´Hara",
        "Œuvre Ÿ Žižek",
    ],
)
def test_western_names_are_cp1252_and_the_guess_is_told(saved, names):
    source = open_source(saved(f'name,library\n"{names}",x\n'.encode("cp1252")))
    assert (source.encoding, cells_of(source)[0][0]) == ("cp1252", names)
    assert "The encoding is a guess: the file is read as cp1252" in source.warnings[0]


@pytest.mark.parametrize(
    ("codec", "names"),
    [
        ("cp1250", "Wisława Szymborska\nPaweł Huelle\nŁódź książka\nMałgorzata"),
        ("cp1254", "Ayşe Işık\nOğuz Çağlar\nGüneş Şahin"),
        ("cp1251", "Иван"),
        ("koi8-r", "Библиотека имени Пушкина"),
        ("cp1253", "Βιβλιοθήκη Αθηνών"),
        ("cp932", "図書館 村上春樹 ノルウェイの森"),
    ],
)
def test_other_scripts_need_strong_evidence_and_are_told(saved, codec, names):
    source = open_source(saved(f"name,library\n{names},x\n".encode(codec)))
    assert source.encoding == codec
    assert source.headers == ["name", "library"]
    words = names.split()
    assert any(f"“{word}”" in source.warnings[0] for word in words)


def test_what_is_proven_is_no_guess(saved):
    for codec in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "ascii"):
        text = HEADER + ("Cafe" if codec == "ascii" else "Café") + ",x,NY\n"
        assert open_source(saved(text.encode(codec))).warnings == []


MIXED = HEADER.encode() + "Años,x,NY\nMisérables,x,NY\n".encode() + b"El t\xfanel,x,NY\n"


@pytest.mark.parametrize("content", [MIXED, MIXED.replace(b"\nMis", b" Mis")])
def test_utf_8_with_a_few_bytes_of_another_encoding_is_refused(saved, content):
    with pytest.raises(ReaderError, match=r"line \d, in “túnel”.*encoding utf-8\+cp1252"):
        open_source(saved(content))


def test_utf_8_with_bytes_of_cp1252_can_be_read_all_the_same(saved):
    source = open_source(saved(MIXED), encoding="utf-8+cp1252")
    assert [row[0] for row in cells_of(source)] == ["Años", "Misérables", "El túnel"]
    assert "“túnel”" in source.warnings[0]
    assert cells_of(open_source(saved(MIXED), encoding="cp1252"))[2][0] == "El túnel"


def test_control_characters_that_were_cp1252_are_told(saved):
    """They are mended where they would be stored: see `texts.same`."""
    source = open_source(saved(HEADER + "John O\x92Hara,\x93x\x94,NY\n"))
    assert cells_of(source)[0][:2] == ["John O\x92Hara", "\x93x\x94"]
    assert "O’Hara" in source.warnings[0]


@pytest.mark.parametrize("codec", ["utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"])
def test_wide_encodings_without_a_mark_are_found_and_told(saved, codec):
    source = open_source(saved((HEADER + "Café,x,NY\n").encode(codec)))
    assert (source.encoding, cells_of(source)[0][0]) == (codec, "Café")
    assert "“Café”" in source.warnings[0]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_json_in_any_unicode_encoding_is_read(saved, codec):
    source = open_source(saved('[{"name": "Café"}]'.encode(codec)))
    assert (source.format, cells_of(source)) == ("json", [["Café"]])


def test_two_marks_are_none_of_the_header(saved):
    assert open_source(saved("\ufeff\ufeff" + HEADER + BRANCH)).headers[0] == "name"


@pytest.mark.parametrize(
    "name", ["Jane\u3000Doe", "Jane東", "Tokyo駅", "Rock‘n’roll東", "5µm", "ʻIolani"]
)
def test_utf_8_that_is_no_quotation_of_cp1252_is_utf_8(saved, name):
    source = open_source(saved(f"name,library\n{name},x\n".encode()))
    assert (source.encoding, cells_of(source)[0][0], source.warnings) == ("utf-8", name, [])


@pytest.mark.parametrize("name", ["“‘René’”", "« né\xa0»", "“l’été…”", "“‘CAFÉ’S’”"])
def test_cp1252_that_could_be_utf_8_is_cp1252(saved, name):
    source = open_source(saved(f'name,library\n"{name}",x\n'.encode("cp1252")))
    assert (source.encoding, cells_of(source)[0][0]) == ("cp1252", name)


def test_what_was_made_utf_8_twice_is_told(saved):
    names = ["Núñez", "O’Neil", "Ångström"]
    twice = [name.encode().decode("cp1252") for name in names]
    source = open_source(saved(f"name,library\n{twice[0]},{twice[1]}\n{twice[2]},x\n"))
    assert cells_of(source) == [twice[:2], [twice[2], "x"]]
    (said,) = source.warnings
    assert all(f"“{a} ({b})”" in said for a, b in zip(twice, names, strict=True))


@pytest.mark.parametrize("name", ["JOÃO", "São Tomé", "ÂNGELA", "Åsa", "Ã", "N°", "—Â—"])
def test_letters_that_only_begin_like_it_are_not_told(saved, name):
    assert open_source(saved(f"name,library\n{name},x\n".encode("utf-8-sig"))).warnings == []
