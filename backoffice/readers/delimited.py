"""CSV and its kin: records, and quotes that go wrong."""

import csv
import functools
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

from django.utils.translation import gettext as _

from backoffice.readers.dialect import find_dialect
from backoffice.readers.encoding import find_encoding
from backoffice.readers.layout import Batch
from backoffice.readers.limits import Limits, ReaderError

SAMPLE_CHARACTERS = 1 << 16
LEAST_LINES = 1000
DOS_END = "\x1a"  # Ctrl-Z, which programs of that time put behind the last line
LONG_LINES_AT_A_TIME = 1 << 20
TORN = (
    "has a quotation mark in the midst of a cell and one at the end of another; put a "
    "delimiter before the first, or double them"
)


class DelimitedText:
    """A text file of records. Raises ReaderError where it can't be read as one.

    `known` are headers as `loose` leaves them.
    """

    def __init__(
        self,
        path: Path,
        *,
        encoding: str | None,
        delimiter: str | None,
        limits: Limits,
        known: frozenset[str] = frozenset(),
    ) -> None:
        self.path, self.limits = path, limits
        self._encoding = find_encoding(path, encoding, limits)
        self.encoding, self._scan = self._encoding.name, self._encoding.scan
        self._dialect = find_dialect(self._sample(), delimiter, known)
        self.delimiter = self._dialect.delimiter
        self.warnings = [*self._encoding.warnings, *self._dialect.warnings]
        self._formula = _formula_pattern(self.delimiter) if self._scan.has_formulas else None
        # Only ever raised: the limit is one for the whole process.
        csv.field_size_limit(max(csv.field_size_limit(), limits.cell_characters))
        if self._scan.lines > limits.rows + 100 and not self._scan.has_quotes:
            raise ReaderError(
                _(
                    "The file has %(lines)s lines; the limit is %(rows)s rows. Split it "
                    "into smaller files."
                )
                % {"lines": f"{self._scan.lines:,}", "rows": f"{limits.rows:,}"}
            )

    @property
    def approximate_rows(self) -> int:
        return self._scan.lines

    def _open(self) -> TextIO:
        return self.path.open(encoding=self.encoding, newline="")

    def _sample(self) -> str:
        with self._open() as file:
            text = file.read(SAMPLE_CHARACTERS)
            if len(text) == SAMPLE_CHARACTERS:
                end = max(text.rfind("\n"), text.rfind("\r")) + 1
                text = text[:end] or text
        return text.lstrip("\ufeff")

    def batches(self, size: int) -> Iterator[Batch]:
        """The records from the first on, at most `size` at a time, blank ones as []."""
        number, ended = 1, False
        lines: list[str] = []
        with self._open() as file:
            while not ended:
                fresh = self._next_lines(file, size)
                ended = not fresh
                if number == 1 and fresh and not lines:
                    fresh[0] = fresh[0].lstrip("\ufeff")  # a second mark is left otherwise
                lines = lines + fresh if lines else fresh
                del fresh
                batch, lines = self._parse(lines, number, ended)
                if self._formula:
                    batch.rows = [[_without_formula(cell) for cell in r] for r in batch.rows]
                if number == 1 and self._dialect.is_declared and batch.rows:
                    batch.rows[0] = []
                for at in range(0, len(batch.rows), size):
                    yield Batch(
                        number + at,
                        batch.rows[at : at + size] if len(batch.rows) > size else batch.rows,
                        batch.problems,
                        batch.suspect,
                    )
                number += len(batch.rows)

    def _next_lines(self, file: TextIO, size: int) -> list[str]:
        try:
            if self._scan.has_long_lines:
                lines = file.readlines(LONG_LINES_AT_A_TIME)
            else:
                lines = list(islice(file, max(size, LEAST_LINES)))
        except UnicodeDecodeError:
            raise ReaderError(_("The file was changed while it was read. Try again.")) from None
        if self._formula:
            lines = [self._formula.sub(r'"\1"', line) for line in lines]
        return lines[:-1] if lines[-1:] == [DOS_END] else lines

    def _parse(self, lines: list[str], number: int, ended: bool) -> tuple[Batch, list[str]]:
        """The records of these lines, and the lines of a last record that goes on."""
        rows: list[list[str]] = []
        try:
            rows.extend(self._dialect.rows(lines))
        except csv.Error:
            return self._parse_with_care(lines, number, ended)
        scan = self._scan
        suspect = scan.has_nul or scan.has_long_lines or scan.has_lost_characters
        batch = Batch(number, rows, suspect=suspect or len(rows) != len(lines))
        if scan.has_quotes and '"' in "".join(map("".join, rows)):
            batch.problems = self._torn_rows(lines, number)
        return batch, []

    def _torn_rows(self, lines: list[str], number: int) -> dict[int, str]:
        problems, start = {}, 0
        reader = self._dialect.reader(lines)
        for row, _cells in enumerate(reader, number):
            if self._is_torn("".join(lines[start : reader.line_num])):
                problems[row] = TORN
            start = reader.line_num
        return problems

    def _is_torn(self, record: str) -> bool:
        """Whether a quote stands within a cell of a record and one at the end of another.

        `45"Silk, knitted",x` lacks a delimiter; it has the right width, but is shifted.
        """
        if '"' not in record:
            return False
        opens, closes = self._torn_patterns
        found = opens.search(record)
        return bool(found and closes.search(record, found.end() - 1))

    @functools.cached_property
    def _torn_patterns(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        mark = re.escape(self.delimiter)
        before = rf'[^"{mark}]*[^"{mark}{" " if self._dialect.skips_blanks else ""}]'
        return (
            re.compile(rf'(?:^|{mark}){before}"(?:[^"{mark}\r\n]|"")+{mark}'),
            re.compile(rf'{mark}[^"{mark}]+"[ ]*(?:{mark}|\r?\n?$)'),
        )

    def _parse_with_care(
        self, lines: list[str], number: int, ended: bool
    ) -> tuple[Batch, list[str]]:
        """As `_parse`, where a quote is wrong: only the line that opens it is given up."""
        batch, start = Batch(number, [], suspect=True), 0
        while start < len(lines):
            reader, record = self._dialect.reader(lines[start:]), start
            try:
                for row in reader:
                    end = start + reader.line_num
                    if self._is_torn("".join(lines[record:end])):
                        batch.problems[number + len(batch.rows)] = TORN
                    batch.rows.append(row)
                    record = end
                break
            except csv.Error:
                unfinished = start + reader.line_num == len(lines) and not ended
                if unfinished and self._may_go_on(lines[record:]):
                    return batch, lines[record:]
                cells = self._dialect.split_blanks_around_quotes(lines[record])
                if cells is None:
                    batch.problems[number + len(batch.rows)] = self._problem(
                        lines[record], several=start + reader.line_num > record + 1
                    )
                    cells = self._dialect.split_literally(lines[record])
                batch.rows.append(cells)
                start = record + 1
        return batch, []

    def _may_go_on(self, lines: list[str]) -> bool:
        return sum(map(len, lines)) <= self.limits.record_characters

    def _problem(self, line: str, several: bool) -> str:
        if len(line) > csv.field_size_limit():
            return _("has a cell longer than %(cell_characters)s characters") % {
                "cell_characters": f"{self.limits.cell_characters:,}"
            }
        if several or line.count('"') % 2:
            return (
                "opens a quotation mark that is not closed properly; close it, or double it "
                "if it is part of the text"
            )
        return 'has a quotation mark inside a quoted cell; double it ("")'


def _formula_pattern(delimiter: str) -> re.Pattern[str]:
    """Excel's `="08542"`, perhaps after blanks: text that it shall not take for a number."""
    mark = re.escape(delimiter)
    return re.compile(rf'(?:(?<={mark})|^)[ ]*="((?:[^"]|"")*)"(?=[ ]*(?:{mark}|[\r\n]|$))')


def _without_formula(cell: str) -> str:
    if len(cell) > 2 and cell.startswith('="') and cell.endswith('"'):
        return cell[2:-1].replace('""', '"')
    return cell
