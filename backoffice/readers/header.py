"""Which of the first rows is the header."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median_high

from django.utils.translation import gettext as _

from backoffice.readers.limits import HeaderUnknown
from backoffice.resources.headers import loose

MOST_LINES_ABOVE_HEADER = 10
ROWS_SHOWN = 5

Rows = list[tuple[int, list[str]]]


def known_headers(spellings: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The headers of all columns, as `loose` leaves them."""
    return frozenset(loose(name) for names in spellings.values() for name in names)


def shorten(text: str, most: int = 60) -> str:
    text = " ".join(text.split())
    return f"“{text}”" if len(text) <= most else f"“{text[: most - 1]}…”"


def header_position(rows: Rows, known: frozenset[str], given: int | None) -> int:
    """The index of the header among the first rows that are not blank, (number, cells) each.

    It is the row given; else the one that has the most of the `known` headers; else the
    first, unless that fills hardly any of the columns that the rows below fill, and a row
    that looks like a header follows. Raises HeaderUnknown where no row is the header given,
    and where headers are known, none of them is there, and the first row does not look like
    a header.
    """
    if given is not None:
        for position, (number, _row) in enumerate(rows):
            if number == given:
                return position
        raise HeaderUnknown(
            _("Row %(given)s can't be the header: it is blank, or not among the first rows. ")
            % {"given": f"{given:,}"}
            + first_rows(rows)
        )
    counts = [len({loose(cell) for cell in row if cell.strip()} & known) for _, row in rows]
    filled = [[cell.strip() for cell in row if cell.strip()] for _, row in rows]
    typical = median_high(map(len, filled))
    if max(counts) > 1:
        return counts.index(max(counts))
    if max(counts) == 1:
        # One word that is known is the header if it is alone, or has company; but "Books"
        # above a table is its title.
        for position, count in enumerate(counts[: MOST_LINES_ABOVE_HEADER + 1]):
            if count and len(filled[position]) * 2 >= typical:
                return position
    position = _likely_position(filled, typical)
    if known and (
        len(filled[position]) * 2 <= typical or not _looks_like_header(filled[position])
    ):
        raise HeaderUnknown(
            _(
                "No row is surely the header: none has a name that is known. Say which it"
                " is, or put the names of the columns above the rows. "
            )
            + first_rows(rows)
        )
    return position


def _likely_position(filled: list[list[str]], typical: int) -> int:
    for position, cells in enumerate(filled[: MOST_LINES_ABOVE_HEADER + 1]):
        if len(cells) * 3 > typical:
            return position if _looks_like_header(cells) else 0
    return 0


def _looks_like_header(cells: list[str]) -> bool:
    return len(set(cells)) == len(cells) and not any(
        cell.replace(".", "").replace(",", "").isdigit() for cell in cells
    )


def first_rows(rows: Rows) -> str:
    """The first rows, as a sentence."""
    return _("The first rows are: ") + "; ".join(
        _("row %(number)s: ") % {"number": number} + _cells(row)
        for number, row in rows[:ROWS_SHOWN]
    )


def _cells(row: Iterable[str]) -> str:
    cells = [cell.strip() for cell in row]
    return shorten(" | ".join(cells).rstrip(" |"), 100)
