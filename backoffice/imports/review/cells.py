"""Rows of texts as one text each: quick to make, to read and to search."""

import json
from collections.abc import Sequence

from backoffice.readers.spreadsheet import NotText

SEPARATOR, ODD = "\x1f", "\x1e"


def pack_all(rows: Sequence[Sequence[str]], *, plain: bool = False) -> list[str]:
    """A text per row. plain: no cell is a `NotText`."""
    if not plain and not all(cell.__class__ is str for row in rows for cell in row):
        return list(map(pack, rows))
    packed = list(map(SEPARATOR.join, rows))
    joined = "".join(packed)
    if joined.count(SEPARATOR) == sum(map(len, rows)) - len(rows) and ODD not in joined:
        try:
            joined.encode()
        except UnicodeEncodeError:  # half a character, which no database takes
            return list(map(pack, rows))
        return packed
    return list(map(pack, rows))


def pack(row: Sequence[str]) -> str:
    packed = SEPARATOR.join(row)
    is_plain = (
        all(cell.__class__ is str for cell in row)
        and packed.count(SEPARATOR) == len(row) - 1
        and ODD not in packed
        and packed.encode(errors="replace").decode() == packed
    )
    if is_plain:
        return packed
    cells = [
        [cell, cell.problem, cell.shown, cell.is_value] if isinstance(cell, NotText) else cell
        for cell in row
    ]
    return ODD + json.dumps(cells)


def unpack(packed: str) -> list[str]:
    if not packed.startswith(ODD):
        return packed.split(SEPARATOR)
    return [_cell(*c) if isinstance(c, list) else c for c in json.loads(packed[1:])]


def _cell(text: str, problem: str, shown: str, is_value: bool) -> NotText:
    cell = str.__new__(NotText, text)
    cell.problem, cell.shown, cell.is_value = problem, shown, is_value
    return cell
