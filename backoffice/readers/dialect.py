"""How a text file parts its cells: delimiter, quotation mark, escapes; found on a sample."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from backoffice.readers.limits import ReaderError
from backoffice.resources.headers import loose

if TYPE_CHECKING:
    import _csv  # has the type of what csv.reader returns

DELIMITERS = (",", "\t", ";", "|")
# Times and addresses hold these too, so they are tried only where none of the above fits.
RARE_DELIMITERS = (":", "^")
DELIMITER_NAMES = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
DECLARED = re.compile(r'\s*"?\s*sep\s*=\s*([^\s"\w]|[ \t])\s*"?[\s,;|]*', re.IGNORECASE)
FIRST_ROWS = 20  # that may be the header
LABELLED = re.compile(r"\s*(?:- )?[\w -]+: ")


@dataclass(frozen=True)
class Dialect:
    """`width` is the number of cells that most rows of the sample have.

    `is_declared` says that the first line is `sep=;`, as Excel writes it, and no row.
    """

    delimiter: str
    quote: str = '"'
    escape: str | None = None
    skips_blanks: bool = False
    is_declared: bool = False
    width: int = 0

    @property
    def warnings(self) -> Iterator[str]:
        if self.quote == "'":
            yield _("Cells in apostrophes ('…') were taken for quoted ones.")
        if self.escape:
            yield _('A backslash before a quotation mark (\\") was taken for its escape.')
        if self.delimiter == " ":
            yield _("Blanks are taken for the delimiter. If that is wrong, say which it is.")

    def rows(self, lines: Iterable[str], strict: bool = True) -> Iterator[list[str]]:
        """The rows of these lines. Raises csv.Error where a quote is wrong, if `strict`."""
        if self.quote == "'":
            return map(self.split_apostrophes, lines)
        return self.reader(lines, strict)

    def reader(self, lines: Iterable[str], strict: bool = True) -> "_csv.Reader":
        # Strict, because the lenient reader makes one garbage row of a thousand.
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            escapechar=self.escape,
            skipinitialspace=self.skips_blanks,
            strict=strict,
        )

    def split_apostrophes(self, line: str) -> list[str]:
        """Cells that apostrophes quote; one within a cell is a letter (won't)."""
        end = re.escape(self.delimiter)
        quoted = rf"[ ]*'((?:[^']|'(?![ ]*(?:{end}|$)))*)'[ ]*(?:{end}|$)"
        cells, at, line = [], 0, line.rstrip("\r\n") + self.delimiter
        while at < len(line):
            if match := re.compile(quoted).match(line, at):
                cells.append(match[1].replace("''", "'"))
                at = match.end()
            else:
                stop = line.index(self.delimiter, at)
                cells.append(line[at:stop])
                at = stop + 1
        return cells if cells != [""] else []

    def split_blanks_around_quotes(self, line: str) -> list[str] | None:
        """The cells of a line whose only fault is blanks around its quotes: `"a" , "b"`."""
        end = re.escape(self.delimiter)
        cell = re.compile(rf'[ \t]*"((?:[^"]|"")*)"[ \t]*(?:{end}|$)|([^"{end}]*)(?:{end}|$)')
        cells, at, line = [], 0, line.rstrip("\r\n")
        while match := cell.match(line, at):
            quoted, plain = match.groups()
            cells.append(plain if quoted is None else quoted.replace('""', '"'))
            if match.end() == len(line) and not line.endswith(self.delimiter):
                return cells
            if match.end() == len(line):
                return [*cells, ""]
            at = match.end()
        return None

    def split_literally(self, line: str) -> list[str]:
        """The cells of a line with a wrong quote, for staff to see.

        A quote counts where it opens a cell and one before a delimiter closes it.
        """
        line = line.rstrip("\r\n")
        end = re.escape(self.delimiter)
        shapes = (rf'"((?:[^"]|"")*)"(?={end}|$)', rf'"([^{end}]*)"(?={end}|$)')
        shortest = rf'"(.*?)"(?={end}|$)'
        found = [self._split(line, patterns) for patterns in (shapes, (*shapes, shortest))]
        return next((cells for cells in found if len(cells) == self.width), found[0])

    def _split(self, line: str, patterns: tuple[str, ...]) -> list[str]:
        cells, at = [], 0
        while at <= len(line):
            matches = (re.compile(pattern).match(line, at) for pattern in patterns)
            if match := next(filter(None, matches), None):
                cells.append(match[1].replace('""', '"'))
                at = match.end() + 1
            else:
                stop = line.find(self.delimiter, at)
                stop = len(line) if stop < 0 else stop
                cells.append(line[at:stop])
                at = stop + 1
        return cells


def checked_delimiter(delimiter: str) -> str:
    """The character that is meant. Raises ReaderError for what can't be a delimiter."""
    delimiter = DELIMITER_NAMES.get(delimiter.lower(), delimiter)
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise ReaderError(
            _(
                "The delimiter “%(delimiter)s” can't be used: it must be one character, "
                "such as a comma, a semicolon, a pipe or a tab."
            )
            % {"delimiter": delimiter}
        )
    return delimiter


def find_dialect(sample: str, given: str | None, known: frozenset[str]) -> Dialect:
    """The dialect that parts the most rows of a sample alike; a comma where none does.

    given: the delimiter that was asked for · known: headers as `loose` leaves them, which alone
    tell that a file without a quote is parted by blanks.
    """
    lines = sample.splitlines(keepends=True)
    declared = DECLARED.fullmatch(lines[0].rstrip("\r\n")) if lines else None
    if declared:
        lines = lines[1:]
    marks: list[tuple[str, ...]] = [DELIMITERS, RARE_DELIMITERS]
    if given or declared:
        marks = [(checked_delimiter(given or (declared[1] if declared else "")),)]
    elif sum(map(bool, map(LABELLED.match, lines))) * 2 > len(lines):
        marks = [DELIMITERS]  # "title: Emma" is a value with its name, not a row
    for candidates in marks:
        dialects = [dialect for mark in candidates for dialect in _dialects(lines, mark)]
        scores = {dialect: _consistency(lines, dialect, known) for dialect in dialects}
        best = max(dialects, key=lambda dialect: scores[dialect])
        if given or declared or scores[best] > (0, 0, 0):
            return replace(best, is_declared=bool(declared), width=scores[best][2])
    blanks = Dialect(" ", skips_blanks=True)
    if _is_parted_by_blanks(lines, blanks, known):
        return replace(blanks, width=_consistency(lines, blanks)[2])
    return Dialect(",", width=1)


def _dialects(lines: list[str], mark: str) -> Iterator[Dialect]:
    """The dialects with this delimiter that the sample has a sign of, the usual one first."""
    text, end = "".join(lines), re.escape(mark)
    escaped = Dialect(mark, escape="\\")
    if '\\"' in text and _fails(lines, Dialect(mark)) and not _fails(lines, escaped):
        yield escaped
    if mark != " ":
        yield Dialect(mark)
    if mark == " " or re.search(rf'(?m)(?:^|{end}) +"', text):
        yield Dialect(mark, skips_blanks=True)
    quoted = len(re.findall(rf"(?m)(?:^|{end})[ ]*'[^\r\n]*?'[ ]*(?={end}|\r?$)", text))
    opened = len(re.findall(rf"(?m)(?:^|{end})[ ]*'", text))
    if quoted > 1 and quoted > opened * 0.9 and not re.search(rf'(?m)(?:^|{end})[ ]*"', text):
        yield Dialect(mark, quote="'")


def _fails(lines: list[str], dialect: Dialect) -> bool:
    try:
        widths = {len(row) for row in dialect.rows(lines) if row}
    except csv.Error:
        return True
    return len(widths) > 1


def _consistency(
    lines: list[str], dialect: Dialect, known: frozenset[str] = frozenset()
) -> tuple[int, float, int]:
    """(known headers in a row, share of rows that are as wide as most, that width).

    Zeros where it does not fit.
    """
    widths, named = [], 0
    try:
        for row in dialect.rows(lines, strict=dialect.escape is not None):
            if any(row):
                widths.append(len(row))
            if len(widths) <= FIRST_ROWS and len(row) > 1:
                named = max(named, len(known.intersection(map(loose, row))))
    except csv.Error:
        pass
    if not widths:
        return 0, 0, 0
    counts = Counter(widths)
    width = max(counts, key=lambda width: (counts[width], width))
    if width < 2 and widths[0] > 1:
        width = widths[0]
    # A header of one word above "Smith, John" is a column of names, not two columns.
    fits = named > 1 or width > 2 or (width == 2 and widths[0] == 2)
    return (
        (named if named > 1 else 0, counts[width] / len(widths), width) if fits else (0, 0, 0)
    )


def _is_parted_by_blanks(lines: list[str], dialect: Dialect, known: frozenset[str]) -> bool:
    filled = [line.strip() for line in lines if line.strip()]
    _named, share, width = _consistency(filled, dialect)
    if width < 2 or share < 0.9:
        return False
    header = next(dialect.reader(filled[:1], strict=False))
    if len(header) == width and known.issuperset(map(loose, header)):
        return True
    return sum('"' in line for line in filled) > len(filled) / 2
