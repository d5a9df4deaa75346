"""CSV and its kin: delimiter, records, and quotes that go wrong. Dialect: RFC 4180."""

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from backoffice.readers.encoding import find_encoding
from backoffice.readers.layout import Batch
from backoffice.readers.limits import Limits, ReaderError

DELIMITERS = (",", "\t", ";", "|")
# Times and addresses hold these too, so they are tried only where none of the above fits.
RARE_DELIMITERS = (":", "^")
DELIMITER_NAMES = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
SAMPLE_CHARACTERS = 1 << 16
LEAST_LINES = 1000
DOS_END = "\x1a"  # Ctrl-Z, which programs of that time put behind the last line
LONG_LINES_AT_A_TIME = 1 << 20


class DelimitedText:
    """A text file of records. Raises ReaderError where it can't be read as one."""

    def __init__(self, path: Path, *, encoding, delimiter, limits: Limits):
        self.path, self.limits = path, limits
        self.encoding, self._scan = find_encoding(path, encoding, limits)
        sample = self._sample()
        self.declared = sample.startswith("sep=") and sample[5:6] in ("\r", "\n")
        if delimiter is None and self.declared:
            delimiter = sample[4]
        self.delimiter = _checked(delimiter) if delimiter else find_delimiter(sample)
        # Only ever raised: the limit is one for the whole process.
        csv.field_size_limit(max(csv.field_size_limit(), limits.cell_characters))
        if self._scan.lines > limits.rows + 100 and not self._scan.has_quotes:
            raise ReaderError(
                f"The file has {self._scan.lines:,} lines; the limit is {limits.rows:,} rows. "
                "Split it into smaller files."
            )

    @property
    def approximate_rows(self) -> int:
        return self._scan.lines

    def _open(self):
        return self.path.open(encoding=self.encoding, newline="")

    def _sample(self) -> str:
        with self._open() as file:
            text = file.read(SAMPLE_CHARACTERS)
            if len(text) == SAMPLE_CHARACTERS:
                end = max(text.rfind("\n"), text.rfind("\r")) + 1
                text = text[:end] or text
        return text

    def batches(self, size: int) -> Iterator[Batch]:
        """The records from the first on, at most `size` at a time, blank ones as []."""
        number, lines, ended = 1, [], False
        with self._open() as file:
            while not ended:
                fresh = self._next_lines(file, size)
                ended = not fresh
                lines = lines + fresh if lines else fresh
                del fresh
                batch, lines = self._parse(lines, number, ended)
                if number == 1 and self.declared and batch.rows:
                    batch.rows[0] = []
                for at in range(0, len(batch.rows), size):
                    yield Batch(
                        number + at,
                        batch.rows[at : at + size] if len(batch.rows) > size else batch.rows,
                        batch.problems,
                        batch.suspect,
                    )
                number += len(batch.rows)

    def _next_lines(self, file, size: int) -> list[str]:
        try:
            if self._scan.has_long_lines:
                lines = file.readlines(LONG_LINES_AT_A_TIME)
            else:
                lines = list(islice(file, max(size, LEAST_LINES)))
        except UnicodeDecodeError:
            raise ReaderError("The file was changed while it was read. Try again.") from None
        return lines[:-1] if lines[-1:] == [DOS_END] else lines

    def _reader(self, lines):
        # Strict, because the lenient reader makes one garbage row of a thousand.
        return csv.reader(lines, delimiter=self.delimiter, strict=True)

    def _parse(self, lines: list[str], number: int, ended: bool) -> tuple[Batch, list[str]]:
        """The records of these lines, and the lines of a last record that goes on."""
        rows: list[list[str]] = []
        try:
            rows.extend(self._reader(lines))
        except csv.Error:
            return self._parse_with_care(lines, number, ended)
        suspect = self._scan.has_nul or self._scan.has_long_lines or len(rows) != len(lines)
        return Batch(number, rows, suspect=suspect), []

    def _parse_with_care(self, lines, number, ended) -> tuple[Batch, list[str]]:
        """As `_parse`, where a quote is wrong: only the line that opens it is given up."""
        batch, start = Batch(number, [], suspect=True), 0
        while start < len(lines):
            reader, record = self._reader(lines[start:]), start
            try:
                for row in reader:
                    batch.rows.append(row)
                    record = start + reader.line_num
                break
            except csv.Error:
                unfinished = start + reader.line_num == len(lines) and not ended
                if unfinished and self._may_go_on(lines[record:]):
                    return batch, lines[record:]
                batch.problems[number + len(batch.rows)] = self._problem(
                    lines[record], several=start + reader.line_num > record + 1
                )
                batch.rows.append(self._split(lines[record]))
                start = record + 1
        return batch, []

    def _may_go_on(self, lines: list[str]) -> bool:
        return sum(map(len, lines)) <= self.limits.record_characters

    def _problem(self, line: str, several: bool) -> str:
        if len(line) > csv.field_size_limit():
            return f"has a cell longer than {self.limits.cell_characters:,} characters"
        if several or line.count('"') % 2:
            return (
                "opens a quotation mark that is not closed properly; close it, or double it "
                "if it is part of the text"
            )
        return 'has a quotation mark inside a quoted cell; double it ("")'

    def _split(self, line: str) -> list[str]:
        """The cells of a line that can't be parsed, for staff to see."""
        try:
            cells = next(csv.reader([line], delimiter=self.delimiter))
        except csv.Error:
            cells = line.split(self.delimiter)
        return [*cells[:-1], cells[-1].rstrip("\r\n")]


def _checked(delimiter: str) -> str:
    delimiter = DELIMITER_NAMES.get(delimiter.lower(), delimiter)
    if len(delimiter) != 1 or delimiter in '"\r\n\0 ':
        raise ReaderError(
            f"The delimiter “{delimiter}” can't be used: it must be one character, such as a "
            "comma, a semicolon, a pipe or a tab."
        )
    return delimiter


def find_delimiter(sample: str) -> str:
    """The delimiter that parts the most rows of a sample alike; a comma where none does."""
    lines = sample.splitlines(keepends=True)
    for candidates in (DELIMITERS, RARE_DELIMITERS):
        scores = {mark: _consistency(lines, mark) for mark in candidates}
        best = max(candidates, key=scores.get)
        if scores[best] > (0, 0):
            return best
    return ","


def _consistency(lines: list[str], delimiter: str) -> tuple[float, int]:
    """(share of rows that are as wide as most, that width); (0, 0) where it does not fit."""
    widths = []
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            if any(row):
                widths.append(len(row))
    except csv.Error:
        pass
    if not widths:
        return 0, 0
    counts = Counter(widths)
    width = max(counts, key=lambda width: (counts[width], width))
    if width < 2 and widths[0] > 1:
        width = widths[0]
    # A header of one word above "Smith, John" is a column of names, not two columns.
    fits = width > 2 or (width == 2 and widths[0] == 2)
    return (counts[width] / len(widths), width) if fits else (0, 0)
