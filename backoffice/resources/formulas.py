"""Escapes for text that a spreadsheet would run as a formula, or that an import would strip.

A text that a spreadsheet would run gets a leading apostrophe. The first characters are
OWASP's ("CSV Injection"): = + - @ TAB CR. A text that begins or ends with a blank is put
between apostrophes, since imports strip cells. Imports undo both; a text that looks as if
this had been done to it gets it once more, so that undoing gives it back.
"""

import re
from operator import itemgetter
from typing import Any

_FIRST = frozenset("'=+-@\t\r")  # one character tells most texts apart, without the pattern
_DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(r"''*[=+\-@\t\r]")
# A TAB or CR at the start is already kept by the apostrophe of `escape_formula`.
_BLANK_EDGED = re.compile(r"'*(?![\t\r])\s.*|.*\s|['=+\-@\t\r].*\s'+|[\t\r]'+", re.DOTALL)
_SUSPECT = frozenset("'=+-@")
_first = itemgetter(slice(1))


def escape_formula(value: Any) -> Any:
    """`value`, with a leading `'` where it is text that a spreadsheet would run."""
    if isinstance(value, str) and value[:1] in _FIRST and _DANGEROUS.match(value):
        return "'" + value
    return value


def escape(value: Any) -> Any:
    """`value` as an export writes it: as `escape_formula`, with blanks at its edges kept."""
    if isinstance(value, str) and _BLANK_EDGED.fullmatch(value):
        return f"'{value}'"
    return escape_formula(value)


def are_plain(texts: list[str]) -> bool:
    """Whether `escape` would change none of the texts. It costs a tenth of calling it."""
    return list(map(str.strip, texts)) == texts and _SUSPECT.isdisjoint(map(_first, texts))


def escape_all(texts: list[str]) -> list[str]:
    """Escape each text of a list."""
    return texts if are_plain(texts) else list(map(escape, texts))


def unescape(cell: str) -> str:
    """The inverse of `escape`, and of `escape_formula`, for a stripped cell."""
    if cell[:1] != "'":
        return cell
    if cell[-1] == "'" and _BLANK_EDGED.fullmatch(cell, 1, len(cell) - 1):
        return cell[1:-1]
    return cell[1:] if _ESCAPED.match(cell) else cell
