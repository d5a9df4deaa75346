"""The header of a table, and the width that its rows should have."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import count

from django.utils.translation import gettext as _

from backoffice.readers.header import header_position, shorten
from backoffice.readers.limits import Limits, ReaderError
from backoffice.resources.letters import column_letters

SAMPLE_ROWS = 200


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


def is_blank(row: list[str]) -> bool:
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

    `width` counts the columns that are used; `file_width` is how many cells a row has, with
    trailing ones that have neither a header nor, in the first rows, a cell. `known` are the
    headers that columns go by, as `loose` leaves them; `header_row` is the row
    number, if it was said.
    """

    def __init__(
        self,
        sample: Batch,
        limits: Limits,
        known: frozenset[str] = frozenset(),
        header_row: int | None = None,
    ) -> None:
        self.limits, self.known = limits, known
        self.warnings: list[str] = []
        filled = [
            (number, row)
            for number, row in zip(count(sample.number), sample.rows, strict=False)
            if not is_blank(row)
        ][:SAMPLE_ROWS]
        if not filled:
            raise ReaderError(
                _(
                    "There is no header in the first %(rows)s rows. The file needs a row "
                    "with the names of the columns, and the rows below it."
                )
                % {"rows": len(sample.rows)}
            )
        position = header_position(filled, known, header_row)
        self.header_row, self.header_cells = filled[position]
        if header_row is None:
            self._tell_what_is_above(filled[:position])
        if problem := sample.problems.get(self.header_row):
            self.warnings.append(
                _("Row %(header_row)s, the header, %(problem)s. It was read as %(list)s.")
                % {
                    "header_row": self.header_row,
                    "problem": problem,
                    "list": ", ".join(map(shorten, self.header_cells)),
                }
            )
        below = filled[position + 1 :]
        self._take_header(
            self.header_cells, [row for number, row in below if number not in sample.problems]
        )
        if not below:
            self.warnings.append(_("There are no rows below the header."))

    def _tell_what_is_above(self, rows: list[tuple[int, list[str]]]) -> None:
        for number, row in rows:
            title = next((cell.strip() for cell in row if cell.strip()), "")
            self.warnings.append(
                _(
                    "Row %(number)s (%(title)s) was passed over as a title: the header "
                    "was found in row %(header_row)s."
                )
                % {"number": number, "title": shorten(title), "header_row": self.header_row}
            )

    def _take_header(self, header: list[str], below: list[list[str]]) -> None:
        # A line break in a header, as spreadsheets have them, is a blank like any other.
        headers = [" ".join(cell.split()) for cell in header]
        if not all(map(is_text, headers)):
            raise ReaderError(
                _(
                    "Row %(header_row)s, the header, has half of a character (a "
                    "surrogate). Write it anew."
                )
                % {"header_row": self.header_row}
            )
        used = {
            index
            for row in below
            if len(row) <= len(headers)
            for index, cell in enumerate(row)
            if cell.strip()
        }
        while not headers[-1] and len(headers) - 1 not in used:
            headers.pop()
        self.headers, self.width = headers, len(headers)
        if self.width > self.limits.columns:
            raise ReaderError(
                _(
                    "The header row has %(width)s columns; the limit is %(columns)s. "
                    "Remove the columns that are not needed."
                )
                % {"width": f"{self.width:,}", "columns": f"{self.limits.columns:,}"}
            )
        self.file_width = self._width_of_rows(len(header), below)
        nameless = [i for i, name in enumerate(headers) if not name and i in used]
        if nameless:
            self.warnings.append(
                _("Cells without a header above them are not used: column %(list)s.")
                % {"list": ", ".join(map(column_letters, nameless))}
            )

    def _width_of_rows(self, header_width: int, below: list[list[str]]) -> int:
        """The header's, unless most rows of the file have another that fits it.

        Blank cells at the end of a row are nothing only where the rows have them too:
        `Hello, Dolly!,Thornton Wilder,` would be read shifted otherwise.
        """
        widths = Counter(map(len, below))
        usual = max(widths, key=lambda width: (widths[width], width == header_width), default=0)
        if usual == header_width or usual < self.width or widths[usual] < 2:
            return header_width
        if usual < header_width and widths[header_width]:
            return header_width
        wide = [row for row in below if len(row) == usual]
        if not all(is_blank(row[self.width :]) for row in wide):
            return header_width
        if usual > header_width:
            self.warnings.append(
                _(
                    "The rows have %(usual)s cells where the header has %(header_width)s;"
                    " the surplus ones, which are blank, are not used."
                )
                % {"usual": usual, "header_width": header_width}
            )
        return usual
