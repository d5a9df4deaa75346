"""Text that a spreadsheet would run or an import would strip, and how it is kept as it is.

A text that a spreadsheet would run gets a leading apostrophe. The first characters are
OWASP's ("CSV Injection"): = + - @ TAB CR. A text that begins or ends with a blank is put
between apostrophes, since imports strip cells. Imports undo both; a text that looks as if
this had been done to it gets it once more, so that undoing gives it back.
"""

import re
from operator import itemgetter
from typing import Any

_FIRST = frozenset("'=+-@\t\r")  # a look at one character spares most texts the pattern
_DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(r"''*[=+\-@\t\r]")
# A TAB or CR at the start has the apostrophe of a formula before it, which keeps it.
_BLANK_EDGED = re.compile(r"'*(?![\t\r])\s.*|.*\s|['=+\-@\t\r].*\s'+|[\t\r]'+", re.DOTALL)
_SUSPECT = frozenset("'=+-@")
_first = itemgetter(slice(1))


def escape_formula(value: Any) -> Any:
    """`value`, with a leading `'` where it is text that a spreadsheet would run."""
    if isinstance(value, str) and value[:1] in _FIRST and _DANGEROUS.match(value):
        return "'" + value
    return value


def escape(value: Any) -> Any:
    """`value` as an export writes it: also blanks at its edges kept."""
    if isinstance(value, str) and _BLANK_EDGED.fullmatch(value):
        return f"'{value}'"
    return escape_formula(value)


def are_plain(texts: list[str]) -> bool:
    """Whether `escape` would leave all of a list of texts as they are; a tenth of its cost."""
    return list(map(str.strip, texts)) == texts and _SUSPECT.isdisjoint(map(_first, texts))


def escape_all(texts: list[str]) -> list[str]:
    """A list of texts, each escaped."""
    return texts if are_plain(texts) else list(map(escape, texts))


def unescape(cell: str) -> str:
    """The inverse of `escape`, and of `escape_formula`, for a stripped cell."""
    if cell[:1] != "'":
        return cell
    if cell[-1] == "'" and _BLANK_EDGED.fullmatch(cell, 1, len(cell) - 1):
        return cell[1:-1]
    return cell[1:] if _ESCAPED.match(cell) else cell
