"""When two texts are the same, and when they look alike.

same("Jane\u00a0 Doe\u200b")   "Jane Doe"   what a single line is stored as
alike("JANE D’OE")            "jane d'oe"  equal for texts that people would ask about
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from django.db.models import CharField, Field, TextField


def codes(ranges: str) -> list[int]:
    """The code points of hexadecimal ranges: `codes("d 10-12")` is [13, 16, 17, 18]."""
    ends = (part.partition("-") for part in ranges.split())
    return [c for low, _, high in ends for c in range(int(low, 16), int(high or low, 16) + 1)]


# Characters of Unicode's categories stand here as code points: to look them up takes 0.1 s.
# Control and format characters that are no white space; and variation selectors, the
# combining grapheme joiner and the fillers, which show nothing either; and two that are none.
_INVISIBLE = dict.fromkeys(
    codes(
        "0-8 e-1b 7f-84 86-9f ad 600-605 61c 6dd 70f 890-891 8e2 180e 200b-200f 202a-202e"
        " 2060-2064 2066-206f feff fff9-fffb 110bd 110cd 13430-1343f 1bca0-1bca3 1d173-1d17a"
        " e0001 e0020-e007f"
        " 34f 115f-1160 17b4-17b5 180b-180d 180f 3164 fe00-fe0f ffa0 e0100-e01ef"
        " fffe-ffff"
    )
)
# A program that took cp1252 for Latin-1 leaves ’ as U+0092, a control character.
_CP1252 = {
    code: bytes([code]).decode("cp1252")
    for code in range(0x80, 0xA0)
    if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
_UNMEANT = _INVISIBLE | _CP1252
# Quotes and apostrophes of every kind, with the primes and accents used for them; not the
# backtick of ASCII, which library names have as a sign of its own.
_QUOTES = codes(
    "22 27 ab b4 bb 2b9-2bf 2ee 55a 5f3-5f4 2018-201f 2032-2037 2039-203a 2e02-2e05 2e09-2e0a"
    " 2e0c-2e0d 2e1c-2e1d 2e20-2e21 301d-301f a78b-a78c ff02 ff07 ff40"
)
_DASHES = codes(
    "2d 58a 5be 1400 1806 2010-2015 2043 2212 2e17 2e1a 2e3a-2e3b 2e40 2e5d 301c 3030 30a0"
    " fe31-fe32 fe58 fe63 ff0d 10ead"
)
_ONE_KIND = _INVISIBLE | dict.fromkeys(_QUOTES, "'") | dict.fromkeys(_DASHES, "-")
# The same for ASCII, a block of texts at a time.
_LOWER = bytes(
    ord(" ") if chr(c).isspace() and chr(c) != "\n" else ord(chr(c).lower()) if c < 128 else c
    for c in range(256)
).replace(b'"', b"'")
_DELETED = bytes(c for c in _INVISIBLE if c < 128)


def same(text: str) -> str:
    """The text as it is stored: NFC, nothing invisible, single blanks, none at an edge.

    Control characters that are letters or signs of cp1252 are those.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip(" ")
    return " ".join(unicodedata.normalize("NFC", text.translate(_UNMEANT)).split())


def are_same(texts: Sequence[str]) -> bool:
    """Whether `same` would change none of these texts, which are not blank at an edge."""
    joined = " ".join(texts)
    if "  " in joined:
        return False
    plain = joined.isascii() and joined.isprintable()
    return plain or all(text == same(text) for text in texts)


def alike(given: str) -> str:
    """Equal for texts that differ in case, kind of quotes or dashes alone, or in form."""
    text = same(given).translate(_ONE_KIND)
    folded = unicodedata.normalize("NFKD", text).casefold()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", folded).casefold())
    return " ".join(folded.translate(_ONE_KIND).split()) or same(given)


def alike_all(texts: Sequence[str | None], field: Field[Any, Any]) -> list[bytes]:
    """`alike` of each value of a model's field, encoded; None is as "".

    A field may declare more by a function `alike` from text to text: those are alike for
    which it returns the same.
    """
    declared: Callable[[str], str] | None = getattr(field, "alike", None)
    given = [text or "" for text in texts] if None in texts else cast(Sequence[str], texts)
    if declared:
        given = list(map(declared, given if are_same(given) else map(same, given)))
    joined = "\n".join(given)
    if not joined.isascii() or joined.count("\n") != len(given) - 1:
        joined = "\n".join(t if t.isascii() and "\n" not in t else "" for t in given)
    folded = joined.encode().translate(_LOWER, _DELETED)
    while b"  " in folded:
        folded = folded.replace(b"  ", b" ")
    found = folded.replace(b" \n", b"\n").replace(b"\n ", b"\n").strip(b" ").split(b"\n")
    if all(found):
        return found
    pairs = zip(found, given, strict=False)
    return [fold or alike(text).encode(errors="surrogatepass") for fold, text in pairs]


def is_line(field: Any) -> bool:
    """Whether a model's field holds a single line of free text, which is stored as `same`."""
    return isinstance(field, CharField) and not field.choices


def is_text(field: Any) -> bool:
    """Whether the values of a model's field are compared as texts that may look alike."""
    return isinstance(field, CharField | TextField) and not field.choices


def looks(columns: Iterable[Sequence[str | None]], fields: Iterable[Any]) -> list[int]:
    """A number per row, equal for rows that look alike; `columns` has the values by field.

    It is the same in every process: a review finds the rows again that share a key.
    """
    folded = [alike_all(texts, field) for texts, field in zip(columns, fields, strict=True)]
    # The hash of a number, unlike that of a text, is the same in every process.
    return list(map(hash, map(int.from_bytes, map(b"\n".join, zip(*folded, strict=True)))))
