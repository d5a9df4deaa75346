"""Which rows below a header are records, and what is wrong with those that are not."""

import re
from collections.abc import Iterator
from itertools import count, repeat
from operator import itemgetter

from django.utils.translation import gettext as _

from backoffice.readers.header import shorten
from backoffice.readers.layout import Batch, Layout, is_blank, is_text
from backoffice.readers.limits import ReaderError
from backoffice.resources.headers import loose
from backoffice.resources.letters import column_letters

ROWS_NAMED = 5
ROWS_AFTER_BLANK = 4  # where a second table may have its title and its header
FOOTER_ROWS = 10  # at both ends of each batch, and so of the file

Record = tuple[int, list[str], str | None]

TOTALS = ("total", "totals", "grand total", "subtotal")
TOTAL = re.compile(r"(?:(?:grand|sub|running)[ -]?)?totals?\W*", re.IGNORECASE)
NUMBER = re.compile(r"[-+$€£(]*\d[\d.,]*%?\)?")
LINE = re.compile(r"[-=_*~.+|]{2,}")
# What reports print below or between their rows. All of it stands in one cell.
FOOTER = re.compile(
    r"""
    (?:(?:grand|sub|running)[ -]?)?totals?\b (?:\W*$ | \s*[:=(] | \s*\W?\s*\d |
        \s+(?:of|number|count|records|rows|titles|patrons|libraries|books|items)\b)
    | (?:printed|generated|exported|downloaded|produced|prepared|retrieved|last\ updated|
        (?:report\ )?run(?:\ date)?|report(?:\ date)?|as\ of|date) \b
        (?:\ *: | .*\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4} | .*\b(?:19|20)\d\d\b | .*\d:\d\d)
    | (?:printed|generated|exported|produced|prepared)\ (?:on|by|at|from|with)\b
    | page\ *:?\ *\d+ (?:\ *(?:of|/)\ *\d+)? \W*$
    | \(?\d[\d,.]*\ (?:rows?|records?|entries|items?|titles?|patrons?|librar(?:y|ies)|
        librarians?|books?|results?|lines?) (?:\ (?:affected|selected|found|listed|printed|
        exported|shown|in\ total|total))? [).!]* $
    | \W*end\ of\ (?:the\ )?(?:report|file|list|data|table|document|page|export)\b
    | (?:count|sum|average|number\ of\ \w+|(?:row|record)\ count|notes?|sources?|legend|
        disclaimer|filters?|criteria|sorted\ by|confidential) \ *:
    | (?:©|\(c\)|copyright\b) .* \d{4}
    """,
    re.IGNORECASE | re.VERBOSE,
)
# In a table of one column nothing but its words tells a footer from a record.
SURE_FOOTER = re.compile(
    r"(?:grand |sub)?totals?\b\W*\d.*|page \d+ of \d+|\(?\d+ (?:rows?|records?)[^a-z]*"
    r"|(?:printed|generated|exported) (?:on |at )?\W*\d.*\d|end of (?:report|file)\W*",
    re.IGNORECASE,
)


class Records:
    """The rows below the header, batch after batch, once through the file."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._known = layout.known | {loose(name) for name in layout.headers if name}
        words = {*self._known, *TOTALS, layout.header_cells[0], layout.header_cells[0].strip()}
        self._beginnings = frozenset(
            form
            for word in words - {""}
            for form in (word, word.upper(), word.lower(), word.title(), word.capitalize())
        )
        self._repeated: list[int] = []
        self._lost: list[int] = []
        self._lost_words: list[str] = []
        self._other_header = 0  # the row number of a second table's
        self._last_blank = 0
        self._below_blank = 0

    @property
    def warnings(self) -> list[str]:
        """What was seen so far that is no fault of one row."""
        warnings = []
        if self._repeated:
            warnings.append(
                _("%(rows)s the header again, which was passed over.")
                % {"rows": _rows(self._repeated)}
            )
        if self._lost:
            words = ", ".join(dict.fromkeys(self._lost_words))
            warnings.append(
                _(
                    "%(rows)s the character � (U+FFFD), which stands for one that was "
                    "lost before: %(words)s."
                )
                % {"rows": _rows(self._lost), "words": words}
            )
        if self._below_blank:
            warnings.append(
                _(
                    "Row %(below_blank)s follows a blank row and was read on. If a second"
                    " table begins there, put it into a file of its own."
                )
                % {"below_blank": self._below_blank}
            )
        return warnings

    def examine(self, batch: Batch) -> list[Record]:
        """The rows that are not blank: (row number, cells, problem)."""
        layout = self.layout
        skip = max(0, layout.header_row + 1 - batch.number)
        number, rows = batch.number + skip, batch.rows[skip:] if skip else batch.rows
        if number + len(rows) - 1 - layout.header_row > layout.limits.rows:
            raise ReaderError(
                _(
                    "The file has more than %(rows)s rows, which is the limit. Split it "
                    "into smaller files."
                )
                % {"rows": f"{layout.limits.rows:,}"}
            )
        is_after_blank = self._last_blank and number - self._last_blank < ROWS_AFTER_BLANK
        is_plain = not (batch.suspect or batch.problems or is_after_blank)
        if is_plain and self._all_fit(rows):
            if layout.file_width > layout.width:
                rows = list(map(itemgetter(slice(layout.width)), rows))
            return list(zip(count(number), rows, repeat(None)))
        return list(self._one_by_one(number, rows, batch.problems))

    def _all_fit(self, rows: list[list[str]]) -> bool:
        # A million rows pass here: every check is one call that loops in C.
        layout = self.layout
        if set(map(len, rows)) != {layout.file_width} or self._other_header:
            return False
        if layout.file_width > layout.width:
            surplus = itemgetter(slice(layout.width, None))
            if any(map(any, map(surplus, rows))):
                return False
        if not self._beginnings.isdisjoint(map(itemgetter(0), rows)):
            return False  # perhaps the header again, or a total
        if any(map(self._footer, (*rows[:FOOTER_ROWS], *rows[-FOOTER_ROWS:]))):
            return False
        if all(map(str.strip, map(itemgetter(layout.width - 1), rows))):
            return True  # neither a blank row, nor one of a single cell
        blanks = layout.file_width - 1
        if blanks and any(self._footer(row) for row in rows if row.count("") >= blanks):
            return False
        return all(map(str.strip, map(itemgetter(0), rows))) or all(
            map(str.strip, map("".join, rows))
        )

    def _one_by_one(
        self, first: int, rows: list[list[str]], problems: dict[int, str]
    ) -> Iterator[Record]:
        width = self.layout.width
        for number, row in enumerate(rows, first):
            problem = problems.get(number)
            if problem is None and is_blank(row):
                self._last_blank = number
                continue
            if problem is None and self._is_header_again(number, row):
                continue
            problem = problem or self._problem(number, row)
            if len(row) > width and is_blank(row[width:]):
                row = row[:width]
            elif len(row) < width:
                row = row + [""] * (width - len(row))
            yield number, row, problem

    def _is_header_again(self, number: int, row: list[str]) -> bool:
        """Whether a row is no record for it has the header's names, which is noted.

        Another header than the first begins a second table.
        """
        is_after_blank = bool(self._last_blank) and number - self._last_blank < ROWS_AFTER_BLANK
        if number == self._last_blank + 1 and self._last_blank > self.layout.header_row + 1:
            self._below_blank = self._below_blank or number
        if self._other_header or not (is_after_blank or loose(row[0]) in self._known):
            return False
        cells = [loose(cell) for cell in row if cell.strip()]
        if cells == [loose(name) for name in self.layout.headers if name]:
            self._repeated.append(number)
            return True
        matching = self._known.intersection(cells)
        enough = 0.5 if is_after_blank else 0.75
        if len(cells) > 1 and len(matching) >= len(cells) * enough:
            self._other_header = number
        return False

    def _problem(self, number: int, row: list[str]) -> str | None:
        if self._other_header:
            if number == self._other_header:
                return "is the header of a second table; put that into a file of its own"
            return _(
                "belongs to a second table, whose header is row %(other_header)s; put"
                " that into a file of its own"
            ) % {"other_header": self._other_header}
        if footer := self._footer(row):
            return _("is no record but a total, a note or a line (%(footer)s); delete it") % {
                "footer": shorten(footer)
            }
        if problem := self._width_problem(row):
            return problem
        if "\ufffd" in "".join(row):
            self._lost.append(number)
            if len(self._lost) <= ROWS_NAMED:
                self._lost_words.append(shorten(next(c for c in row if "\ufffd" in c)))
        for index, cell in enumerate(row):
            if "\0" in cell:
                return _("has a NUL character in column %(index)s; remove it") % {
                    "index": column_letters(index)
                }
            if not is_text(cell):
                return _(
                    "has half of a character (a surrogate) in column %(index)s; write it anew"
                ) % {"index": column_letters(index)}
            if len(cell) > self.layout.limits.cell_characters:
                return _(
                    "has %(cell)s characters in column %(index)s; the limit is "
                    "%(cell_characters)s"
                ) % {
                    "cell": f"{len(cell):,}",
                    "index": column_letters(index),
                    "cell_characters": f"{self.layout.limits.cell_characters:,}",
                }
        return None

    def _width_problem(self, row: list[str]) -> str | None:
        width, file_width = self.layout.width, self.layout.file_width
        fits = len(row) == file_width and is_blank(row[width:])
        # Programs leave out blank cells at the end; a row that lost one in its midst ends
        # in one of those.
        if fits or (len(row) == width < file_width and row[-1].strip()):
            return None
        cells = _("1 cell") if len(row) == 1 else _("%(row)s cells") % {"row": len(row)}
        if len(row) == width:
            return _("has %(cells)s where the other rows have %(file_width)s") % {
                "cells": cells,
                "file_width": file_width,
            }
        return _("has %(cells)s where the header has %(width)s") % {
            "cells": cells,
            "width": width,
        }

    def _footer(self, row: list[str]) -> str | None:
        """The words of a row that is a total, a printed date or a line, not a record."""
        filled = [cell.strip() for cell in row if cell.strip()]
        if not filled or (len(filled) > 1 and not _may_be_footer(filled)):
            return None
        first = filled[0]
        if len(filled) > 1 or LINE.fullmatch(first):
            return first
        pattern = FOOTER.match if self.layout.width > 1 else SURE_FOOTER.fullmatch
        return first if pattern(first) else None


def _may_be_footer(filled: list[str]) -> bool:
    """Whether several cells are a total with its numbers, or a line below the header."""
    if TOTAL.fullmatch(filled[0]):
        return all(map(NUMBER.fullmatch, filled[1:]))
    return filled[0][0] in "-=_*~+" and all(map(LINE.fullmatch, filled))


def _rows(numbers: list[int]) -> str:
    named = ", ".join(f"{number:,}" for number in numbers[:ROWS_NAMED])
    more = len(numbers) - ROWS_NAMED
    if more > 0:
        return _("Rows %(named)s and %(more)s more have") % {
            "named": named,
            "more": f"{more:,}",
        }
    return (
        _("Rows %(named)s have") % {"named": named}
        if len(numbers) > 1
        else _("Row %(named)s has") % {"named": named}
    )
