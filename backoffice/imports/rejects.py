"""What was rejected: as sentences for staff, grouped by cause, and as a file to mend.

A rejects file has the file's own columns and one more, `error`. Once mended it can be imported
as it is, because columns without a field are ignored. Unmended rows are rejected again.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, BinaryIO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.imports.checks import REPEAT, ROW_CODES, Checks
from backoffice.imports.clean import NOT_TEXT
from backoffice.imports.decided import ALIKE, ASIDE
from backoffice.imports.outside import KEPT, OUTSIDE
from backoffice.imports.remedies import Remedies
from backoffice.readers.dialect import DELIMITERS
from backoffice.readers.records import Record
from backoffice.resources.formulas import escape, is_error, unescape

if TYPE_CHECKING:
    from backoffice.imports.engine import Import

ERROR = "error"
#: Behind a row that was rejected as a whole (short, or with a quote astray) or for a cell
#: that was no text: it would be a good one by now.
MARK = gettext_lazy("delete this cell once the row is right")
#: Codes of what can't be seen in the text of a row. The others of its file are written by now,
#: and without them it would be a good one.
MARKED = {"duplicate", "later", "follows", "twin", ASIDE, NOT_TEXT}
PAGE = 1000


@dataclass(frozen=True)
class Reject:
    """One thing wrong with one row. `field` is "" where it is the row as a whole.

    cause: the message without what differs from row to row.
    """

    line: int
    field: str
    value: str
    code: str
    message: str
    cause: str = ""

    def __str__(self) -> str:
        place = _("row %(line)d") % {"line": self.line}
        if self.field:
            place += f", {self.field}"
            if self.value or self.code in ("blank", "null", "empty", "twin"):
                place += f" '{self.value}'"
        return f"{place}: {self.message}"


def message(code: str, name: object, detail: int | None = None) -> str:
    """The sentence for what a check of the whole file found.

    name: what a record of the model is called · detail: the row or count that the sentence
    names; None for a sentence about several rows with the same cause.
    """
    row = _("an earlier row") if detail is None else _("row %d") % detail
    creator = _("Another row") if detail is None else _("Row %d") % detail
    count = _("several") if detail is None else detail
    return {
        "unknown": _(
            "No such record is here. Write its name as it is here, or create it first."
        ),
        "ambiguous": _(
            "Fits %(count)s records. Add what tells them apart, in brackets: Name (10016)."
        ),
        ALIKE: _("Looks like a record, or an earlier row: import it as the same, or as new."),
        "duplicate": _("Repeats %(row)s. Keep one of the two."),
        "absent": _("There is no such %(name)s yet, and only updates are wanted."),
        "many": _(
            "Fits %(count)s records (%(name)s). Make them differ, or match by more columns."
        ),
        "later": _(
            "%(creator)s of the file creates it, and stands no earlier than this one. Put it"
            " before."
        ),
        "follows": _("%(creator)s of the file was to create it, and is rejected."),
        "key": _("It is another record's key, and a record keeps its key (%(name)s)."),
        "missing": _("A new record needs it, and the file has no such column."),
        "empty": _("A new record needs it, and the cell is blank."),
        "twin": _(
            "A new record needs it, and the cell is blank. Another row has the same key."
        ),
        "taken": _("Belongs to another record (%(name)s) already."),
        OUTSIDE: _(
            "The record would lie outside what you are limited to. Name one of yours, or ask"
            " somebody who is not limited."
        ),
        KEPT: _("It names a record there that you may not see, and keeps it."),
    }[code] % {"row": row, "creator": creator, "count": count, "name": name}


def read_rejects(checks: Checks, limit: int | None = None) -> Iterator[Reject]:
    names = [column.name for column in checks.staging.values]
    values = ", ".join(f"staged.v_{name}" for name in names)
    remedies = Remedies(checks.staging, checks.references.fitting)
    for page in _pages(checks, values, limit):
        said = remedies.look_up((row[1], row[2], row[3]) for row in page)
        for line, field, value, code, text, detail, *staged in page:
            cause = _cause(checks, code, field, text)
            text = text or _sentence(checks, code, field, detail)
            if remedy := said.get((field, value, code)):
                text = f"{text} {remedy}"
            if code in ROW_CODES:
                by_name = dict(zip(names, staged, strict=True))
                keys = [by_name.get(key) for key in field.split(", ")]
                value = value or ", ".join("" if key is None else str(key) for key in keys)
            yield Reject(line, field, value, code, text, cause)


def _pages(checks: Checks, values: str, limit: int | None) -> Iterator[list[tuple[Any, ...]]]:
    """Rejects, a page of rows a query: PostgreSQL's cursor would send all of them at once."""
    after, count, table = 0, limit or PAGE, checks.staging.rejects
    while rows := checks.table.fetch(
        f"""
        SELECT rejects.line, rejects.field, rejects.value, rejects.code, rejects.message,
               rejects.detail, {values}
        FROM (SELECT * FROM {table} WHERE line > %s AND code <> '{REPEAT}' AND line <= (
                  SELECT max(line) FROM (SELECT line FROM {table}
                                         WHERE line > %s AND code <> '{REPEAT}'
                                         ORDER BY line LIMIT {count:d}) page
              )) rejects LEFT JOIN {checks.staging.rows} staged ON staged.line = rejects.line
        ORDER BY rejects.line, rejects.field
        """,
        [after, after],
    ):
        yield rows[:limit]
        if limit:
            return
        after = rows[-1][0]


def group_rejects(checks: Checks) -> list[tuple[int, str, str, int]]:
    """Causes by the number of rows: `(rows, field, message, first line)`, most first."""
    rows = checks.table.fetch(
        f"""
        SELECT count(DISTINCT line), field, code,
               CASE WHEN code = '{ALIKE}' THEN '' ELSE message END, min(line)
        FROM {checks.staging.rejects} WHERE code <> '{REPEAT}'
        GROUP BY 2, 3, 4 ORDER BY 1 DESC, 5
        """
    )
    return [
        (count, field, _cause(checks, code, field, text), line)
        for count, field, code, text, line in rows
    ]


def _cause(checks: Checks, code: str, field: str, text: str) -> str:
    return text if text and code != ALIKE else _sentence(checks, code, field)


def _sentence(checks: Checks, code: str, field: str, detail: int | None = None) -> str:
    """`message`, and how several records are written where that may be what is wrong."""
    text = message(code, checks.table.opts.verbose_name, detail)
    names = [column.name for column in checks.staging.links]
    if (code == "unknown" and field in names) or (code == "duplicate" and names):
        text += " " + _("Several in one cell are separated by | (%s).") % ", ".join(names)
    return text


def write_rejects(imported: "Import", file: BinaryIO) -> None:
    """Write the rejects of an `Import` to `file`, open for bytes, as CSV.

    Reads the source a second time, so nothing has to be kept of rows that were good.
    """
    source = imported.source
    text = io.TextIOWrapper(
        file, encoding=encoding_of_rejects(source.encoding), errors="replace", newline=""
    )
    delimiter = delimiter_of_rejects(source.delimiter)
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows(rows_of_rejects(source.headers, _rejected(imported)))
    text.detach()


def encoding_of_rejects(encoding: str | None) -> str:
    """The file's own where that has every character; what is wrong is said in others too."""
    return encoding if encoding and encoding.lower().startswith("utf") else "utf-8-sig"


def delimiter_of_rejects(delimiter: str | None) -> str:
    """The file's own, unless it is one that sentences hold and that is told by little else."""
    return delimiter if delimiter in DELIMITERS else ","


def _rejected(imported: "Import") -> Iterator[tuple[Record, list[Reject]]]:
    by_line = groupby(imported.rejects(), key=lambda reject: reject.line)
    line, found = next(by_line, (None, iter(())))
    for chunk in imported.source.chunks():
        for row in chunk:
            if row[0] == line:
                yield row, list(found)
                line, found = next(by_line, (None, iter(())))


def rows_of_rejects(
    headers: Sequence[str], rejected: Iterable[tuple[Record, list[Reject]]]
) -> Iterator[list[str]]:
    """The rows of a rejects file, its header first. rejected: rows, and why they are."""
    place = after = len(headers)
    if ERROR in headers:  # a rejects file come back: its column is written anew
        place = headers.index(ERROR)
        after = place + 1
    yield [*map(_kept, headers[:place]), ERROR, *map(_kept, headers[after:])]
    for (_line, cells, problem), reasons in rejected:
        is_odd = problem or not MARKED.isdisjoint(reason.code for reason in reasons)
        # Surplus cells go behind the error, so that a ragged row stays known as one.
        mark = [str(MARK)] if is_odd and len(cells) <= len(headers) else []
        error = "; ".join(map(str, reasons))
        yield [*map(_kept, cells[:place]), error, *map(_kept, cells[after:]), *mark]


def _kept(cell: str) -> str:
    """The cell, escaped if a spreadsheet would run it as a formula; imports undo that.

    An error of a spreadsheet stays one, which an import refuses again.
    """
    cell = cell.strip()
    return cell if unescape(cell) != cell or is_error(cell) else escape(cell)
