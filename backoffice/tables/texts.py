"""When two texts are the same, and when they look alike.

same("Jane\u00a0 Doe\u200b")   "Jane Doe"   what a single line is stored as
alike("JANE D’OE")            "jane d'oe"  equal for texts that people would ask about
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from zlib import crc32

from django.db.models import CharField, Field, TextField

# Where there are characters of the categories asked for below: all at once takes a second.
_CODES = [*range(0x20000), *range(0xE0000, 0xE1000)]
# Beside control and format characters: variation selectors, the combining grapheme joiner and
# the fillers, which show nothing either.
_UNSEEN = [0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180F, 0x3164, 0xFFA0]
_UNSEEN += [*range(0x180B, 0x180E), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]
_INVISIBLE = dict.fromkeys(
    [
        *(
            c
            for c in _CODES
            if unicodedata.category(chr(c)) in ("Cc", "Cf") and not chr(c).isspace()
        ),
        *_UNSEEN,
    ]
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
_QUOTES = "'\"\u00b4\u201a\u201e\u02ee\u055a\u05f3\u05f4\ua78b\ua78c"
_QUOTES += "\u301d\u301e\u301f\uff02\uff07\uff40" + "".join(
    map(chr, [*range(0x2B9, 0x2C0), *range(0x2032, 0x2038)])
)
_DASHES = "-\u2212\u2043" + "".join(
    chr(c) for c in _CODES if unicodedata.category(chr(c)) == "Pd"
)
_QUOTES += "".join(chr(c) for c in _CODES if unicodedata.category(chr(c)) in ("Pi", "Pf"))
_ONE_KIND = (
    _INVISIBLE | dict.fromkeys(map(ord, _QUOTES), "'") | dict.fromkeys(map(ord, _DASHES), "-")
)
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


def alike_all(texts: Sequence[str | None], field: Field[Any, Any]) -> list[str]:
    """`alike` of each value of a model's field; None is as "".

    A field may declare more by a function `alike` from text to text: those are alike for
    which it returns the same.
    """
    declared: Callable[[str], str] | None = getattr(field, "alike", None)
    plain = [text or "" for text in texts]
    if declared:
        plain = list(map(declared, plain if are_same(plain) else map(same, plain)))
    joined = "\n".join(plain)
    if joined.isascii():
        folded = joined.encode().translate(_LOWER, _DELETED)
        while b"  " in folded:
            folded = folded.replace(b"  ", b" ")
        folded = folded.replace(b" \n", b"\n").replace(b"\n ", b"\n").strip(b" ")
        found = folded.decode().split("\n")
        if len(found) == len(plain) and all(found):
            return found
    return list(map(alike, plain))


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
    joined = map("\x1f".join, zip(*folded, strict=True))
    return [crc32(text.encode(errors="surrogatepass")) for text in joined]
