"""Escapes for text that a spreadsheet would run as a formula, or that an import would strip.

A text that a spreadsheet would run gets a leading apostrophe. The first characters are
OWASP's ("CSV Injection"): = + - @ TAB CR. So does a text that is what a spreadsheet writes
for an error: imports refuse it without. A text that begins or ends with a blank is put
between apostrophes, since imports strip cells. Imports undo both; a text that looks as if
this had been done to it gets it once more, so that undoing gives it back.
"""

import re
from operator import itemgetter
from typing import Any

# What a spreadsheet shows, and writes to a CSV file, where it has no value: in English, in
# Spanish, and in the other languages that offices here have.
_ERROR = (
    r"(?i:#(?:N/A(?: N/A)?|N/D|NV|GETTING_DATA|#+|¿?(?:NAME|NOMBRE|NOME|NOM)\?"
    r"|¡?(?:REF|VALUE|DIV/0|NULL|NUM|SPILL|CALC|FIELD|BLOCKED|BUSY|CONNECT|UNKNOWN|EXTERNAL"
    r"|PYTHON|TIMEOUT|ERROR|VALOR|NULO|NÚM|DESBORDAMIENTO|BEZUG|WERT|ZAHL|ÜBERLAUF|VALEUR|NUL"
    r"|NOMBRE|PROPAGATION|DESPEJAR|RIF|VALORE|NULLO)!)|Err:5\d\d)"
)
# One character tells most texts apart, without the pattern.
_FIRST = frozenset("'=+-@\t\r#Ee")
_DANGEROUS = re.compile(rf"'*(?:[=+\-@\t\r]|{_ERROR}\Z)")
_ESCAPED = re.compile(rf"''*(?:[=+\-@\t\r]|{_ERROR}\Z)")
_IS_ERROR = re.compile(_ERROR)
# A TAB or CR at the start is already kept by the apostrophe of `escape_formula`.
_BLANK_EDGED = re.compile(r"'*(?![\t\r])\s.*|.*\s|['=+\-@\t\r].*\s'+|[\t\r]'+", re.DOTALL)
_SUSPECT = frozenset("'=+-@#")
_first = itemgetter(slice(1))


def escape_formula(value: Any) -> Any:
    """`value`, with a leading `'` where a spreadsheet would run it, or it is an error."""
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
    return (
        list(map(str.strip, texts)) == texts
        and _SUSPECT.isdisjoint(map(_first, texts))
        and ":5" not in "\n".join(texts)  # of an error that begins with a letter
    )


def escape_all(texts: list[str]) -> list[str]:
    """Escape each text of a list."""
    return texts if are_plain(texts) else list(map(escape, texts))


def is_error(cell: str) -> bool:
    """Whether a stripped cell is what a spreadsheet writes for an error, and not escaped."""
    return cell[:1] in _FIRST and bool(_IS_ERROR.fullmatch(cell))


def unescape(cell: str) -> str:
    """The inverse of `escape`, and of `escape_formula`, for a stripped cell."""
    if cell[:1] != "'":
        return cell
    if cell[-1] == "'" and _BLANK_EDGED.fullmatch(cell, 1, len(cell) - 1):
        return cell[1:-1]
    return cell[1:] if _ESCAPED.match(cell) else cell
