"""Where the header stands, and which rows below it fit it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, repeat
from operator import itemgetter
from statistics import median_high

from backoffice.readers.limits import Limits, ReaderError
from backoffice.resources.letters import column_letters

SAMPLE_ROWS = 200
MOST_LINES_ABOVE_HEADER = 10

Record = tuple[int, list[str], str | None]


@dataclass
class Batch:
    """Rows that follow each other in the file, as they were parsed.

    `number` is the row number of the first; `problems` has the row numbers of those that
    could not be parsed; `suspect` asks for a look at each cell.
    """

    number: int
    rows: list[list[str]]
    problems: dict[int, str] = field(default_factory=dict)
    suspect: bool = False


def is_blank(row) -> bool:
    return not any(map(str.strip, row))


def is_text(cell: str) -> bool:
    """Whether a cell is whole characters; JSON can hold half of a pair, which none stores."""
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


class Layout:
    """The header of a table and the width that each of its rows should have.

    `width` counts the columns that are used; `file_width` counts also the trailing ones
    that have neither a header nor, in the first rows, a cell.
    """

    def __init__(self, sample: Batch, limits: Limits):
        self.limits = limits
        self.warnings: list[str] = []
        filled = [
            (number, row)
            for number, row in zip(count(sample.number), sample.rows, strict=False)
            if number in sample.problems or not is_blank(row)
        ][:SAMPLE_ROWS]
        if not filled:
            raise ReaderError(
                f"There is no header in the first {len(sample.rows)} rows. The file needs a "
                "row with the names of the columns, and the rows below it."
            )
        position = _header_position([row for _, row in filled])
        self.header_row, header = filled[position]
        if problem := sample.problems.get(self.header_row):
            raise ReaderError(
                f"Row {self.header_row}, the header, can't be read: it {problem}."
            )
        self._take_header(header, [row for _, row in filled[position + 1 :]])
        for number, row in filled[:position]:
            title = next((cell.strip() for cell in row if cell.strip()), "")
            self.warnings.append(
                f"Row {number} ({_shorten(title)}) was passed over as a title: the header was "
                f"found in row {self.header_row}."
            )

    def _take_header(self, header: list[str], below: list[list[str]]) -> None:
        self.file_width = len(header)
        # A line break in a header, as spreadsheets have them, is a blank like any other.
        headers = [" ".join(cell.split()) for cell in header]
        if not all(map(is_text, headers)):
            raise ReaderError(
                f"Row {self.header_row}, the header, has half of a character (a surrogate). "
                "Write it anew."
            )
        used = {
            index
            for row in below
            if len(row) <= self.file_width
            for index, cell in enumerate(row)
            if cell.strip()
        }
        while not headers[-1] and len(headers) - 1 not in used:
            headers.pop()
        self.headers, self.width = headers, len(headers)
        if self.width > self.limits.columns:
            raise ReaderError(
                f"The header row has {self.width:,} columns; the limit is "
                f"{self.limits.columns:,}. Remove the columns that are not needed."
            )
        self.least_width = max(i for i, name in enumerate(headers) if name) + 1
        nameless = [i for i, name in enumerate(headers) if not name and i in used]
        if nameless:
            self.warnings.append(
                "Cells without a header above them are not used: column "
                f"{', '.join(map(column_letters, nameless))}."
            )
        if not below:
            self.warnings.append("There are no rows below the header.")

    def examine(self, batch: Batch) -> list[Record]:
        """The rows below the header that are not blank: (row number, cells, problem)."""
        skip = max(0, self.header_row + 1 - batch.number)
        number, rows = batch.number + skip, batch.rows[skip:] if skip else batch.rows
        if number + len(rows) - 1 - self.header_row > self.limits.rows:
            raise ReaderError(
                f"The file has more than {self.limits.rows:,} rows, which is the limit. "
                "Split it into smaller files."
            )
        if not batch.suspect and not batch.problems and self._all_fit(rows):
            if self.file_width > self.width:
                rows = list(map(itemgetter(slice(self.width)), rows))
            return list(zip(count(number), rows, repeat(None)))
        return list(self._one_by_one(number, rows, batch.problems))

    def _all_fit(self, rows: list[list[str]]) -> bool:
        # A million rows pass here: every check is one call that loops in C.
        if set(map(len, rows)) != {self.file_width}:
            return False
        if self.file_width > self.width:
            surplus = itemgetter(slice(self.width, None))
            if any(map(any, map(surplus, rows))):
                return False
        return all(map(str.strip, map(itemgetter(0), rows))) or all(
            map(str.strip, map("".join, rows))
        )

    def _one_by_one(self, first, rows, problems) -> Iterator[Record]:
        for number, row in enumerate(rows, first):
            problem = problems.get(number)
            if problem is None and is_blank(row):
                continue
            problem = problem or self._problem(row)
            if len(row) > self.width and is_blank(row[self.width :]):
                row = row[: self.width]
            elif len(row) < self.width:
                row = row + [""] * (self.width - len(row))
            yield number, row, problem

    def _problem(self, row: list[str]) -> str | None:
        if len(row) < self.least_width or not is_blank(row[self.width :]):
            cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            return f"has {cells} where the header has {self.width}"
        for index, cell in enumerate(row):
            if "\0" in cell:
                return f"has a NUL character in column {column_letters(index)}; remove it"
            if not is_text(cell):
                return (
                    "has half of a character (a surrogate) in column "
                    f"{column_letters(index)}; write it anew"
                )
            if len(cell) > self.limits.cell_characters:
                return (
                    f"has {len(cell):,} characters in column {column_letters(index)}; the "
                    f"limit is {self.limits.cell_characters:,}"
                )
        return None


def _shorten(text: str, most: int = 60) -> str:
    text = " ".join(text.split())
    return f"“{text}”" if len(text) <= most else f"“{text[: most - 1]}…”"


def _header_position(rows: list[list[str]]) -> int:
    """The index of the header among the first rows that are not blank.

    It is the first row, unless that fills hardly any of the columns that the rows below
    fill, and a row that looks like a header follows. In doubt it is the first row.
    """
    filled = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    typical = median_high(map(len, filled))
    for position, cells in enumerate(filled[: MOST_LINES_ABOVE_HEADER + 1]):
        if len(cells) * 3 > typical:
            looks_like_header = len(set(cells)) == len(cells) and not any(
                cell.replace(".", "").replace(",", "").isdigit() for cell in cells
            )
            return position if looks_like_header else 0
    return 0
