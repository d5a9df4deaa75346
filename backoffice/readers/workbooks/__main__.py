"""Reads a workbook in a process of its own, within limits, and writes it as JSON lines.

    python -m workbooks '{"path": …}'

`backoffice.readers.spreadsheet` starts it. The first line is about the sheet (`format`,
`rows`, `warnings`); the next ones are its rows (`runs`: lists of rows that follow each other,
each with the number of its first; `marks`: row number, column index, kind and look of cells
that are no text; `suspect`); the last is `{"end": true}` or says what went wrong (`error`).
Nothing but these modules is imported, so that it starts in a moment, and a file made to do
harm meets no settings and no database.
"""

import gc
import json
import os
import resource
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from .ods import CONTENT, Ods
from .package import Package, Workbook
from .values import (
    Damaged,
    Row,
    Sheet,
    Survey,
    Unreadable,
    filled,
)
from .xlsb import Xlsb
from .xlsx import Xlsx

FIRST_ROWS, MOST_ROWS = 250, 5000  # of a line
MOST_CHARACTERS = 1 << 20  # of a line, about
MOST_GAP = 100  # blank rows that are written as rows
SHEET_ROWS = 1_048_576
NAMED = 10  # rows or sheets in a warning


@dataclass(frozen=True)
class Options:
    """`memory` and `unpacked` are in bytes, `seconds` of CPU; `cells` is rows × columns."""

    path: str
    sheet: str | None
    memory: int
    seconds: int
    cells: int
    cell_characters: int
    row_characters: int
    unpacked: int


def main(options: Options, out: BinaryIO) -> None:
    last: dict[str, object] = {"end": True}
    try:
        for line in lines(options):
            _write(out, line)
    except BrokenPipeError:
        return  # nobody reads on
    except MemoryError:
        last = {"memory": True}
    except Unreadable as error:
        last = {"error": str(error)}
    except Exception:
        # Whatever a parser stumbles over, the workbook is not as it should be.
        trace = traceback.format_exc()[-2000:]
        last = {"error": str(Damaged()), "trace": trace}
        if "out of memory" in trace:  # expat's
            last = {"memory": True}
    _write(out, last)


def _write(out: BinaryIO, line: dict[str, Any]) -> None:
    try:
        content = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half of a character
        content = json.dumps(line | {"suspect": True}).encode()
    out.write(content + b"\n")
    out.flush()


def lines(options: Options) -> Iterator[dict[str, Any]]:
    book = open_workbook(options)
    sheet, others = choose(book, options.sheet)
    survey = book.survey(sheet)
    _check_corner(*survey.corner, options)
    yield {
        "format": book.format,
        "rows": survey.rows,
        "sheet": sheet.name,
        "sheets": [each.name for each in book.sheets if each is sheet or each in others],
        "warnings": list(warnings(sheet, others, survey)),
    }
    rows = book.rows(sheet)
    yield from lines_of_rows(filled(rows, survey.merged) if survey.merged else rows, options)


def open_workbook(options: Options) -> Workbook:
    with open(options.path, "rb") as file:
        if file.read(2) != b"PK":
            from .xls import Xls  # 40 ms that xlsx does without

            return Xls(options.path)
    package = Package(options.path)
    unpacked = sum(entry.file_size for entry in package.zip.infolist())
    if unpacked > options.unpacked:
        raise Unreadable(
            f"The file unpacks to {unpacked:,} bytes; the limit is {options.unpacked:,}. "
            "Export it as CSV, or split it."
        )
    if any(name.endswith("workbook.bin") for name in package.names):
        return Xlsb(package)
    if any(name.endswith("workbook.xml") for name in package.names):
        return Xlsx(package)
    if CONTENT in package.names or "encrypted-package" in package.names:
        return Ods(package)
    raise Unreadable(
        "The file is a ZIP archive, not a spreadsheet. Unpack it and choose the file that is "
        "in it."
    )


def choose(book: Workbook, wanted: str | None) -> tuple[Sheet, list[Sheet]]:
    """The sheet to read, and the others that hold data."""
    sheets = sorted(book.sheets, key=lambda sheet: sheet.is_hidden)
    with_data = [sheet for sheet in sheets if next(book.rows(sheet), None)]
    if wanted is None:
        chosen = with_data
    else:
        chosen = [s for s in sheets if s.name == wanted] or [
            s for s in sheets if s.name.strip().casefold() == wanted.strip().casefold()
        ]
        if not chosen:
            raise Unreadable(
                f"The workbook has no sheet “{wanted}”. Its sheets are {_names(book.sheets)}."
            )
        chosen = [sheet for sheet in chosen if sheet in with_data]
    if not chosen:
        subject = "workbook has no sheet with" if wanted is None else f"sheet “{wanted}” has no"
        raise Unreadable(f"The {subject} data. It needs a header row and rows.")
    return chosen[0], [sheet for sheet in with_data if sheet is not chosen[0]]


def warnings(sheet: Sheet, others: list[Sheet], survey: Survey) -> Iterator[str]:
    if others:
        count = f"{len(others) + 1} sheets with data"
        yield f"The workbook has {count}; only {sheet} is read, not {_names(others)}."
    if sheet.is_hidden:
        yield f"The sheet {sheet}, which is read, is hidden in the workbook."
    if hidden := survey.hidden:
        filtered = "is filtered and " if survey.is_filtered else ""
        rows = "a hidden row" if len(hidden) == 1 else f"{len(hidden):,} hidden rows"
        yield (
            f"The sheet {sheet} {filtered}has {rows} ({_ranges(hidden)}), read like any "
            "other. Delete what is not to be imported."
        )


def _names(sheets: list[Sheet]) -> str:
    names = [str(sheet) for sheet in sheets[:NAMED]]
    more = [f"{len(sheets) - NAMED} more"] if len(sheets) > NAMED else []
    return ", ".join(names + more)


def _ranges(numbers: list[int]) -> str:
    """[3, 5, 6, 7] → "3, 5–7"."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    shown = [f"{a}–{b}" if b > a else str(a) for a, b in ranges[:NAMED]]
    return ", ".join(shown + ["…"] * (len(ranges) > NAMED))


def lines_of_rows(rows: Iterable[Row], options: Options) -> Iterator[dict[str, Any]]:
    """The rows in runs without gaps, as wide as the widest of the first line."""
    runs: list[tuple[int, list[list[str]]]] = []
    marks: list[tuple[int, int, str, str]] = []
    last = widest = width = count = characters = 0
    most, suspect = FIRST_ROWS, False
    for row in rows:
        length = sum(map(len, row.cells))
        widest = max(widest, len(row.cells))
        _check_corner(row.number, widest, options)
        if length > options.row_characters:
            raise Unreadable(
                f"Row {row.number} is longer than {options.row_characters:,} characters, which "
                "is the limit. Remove what is not needed."
            )
        gap = row.number - last - 1
        if not runs or gap > MOST_GAP:
            runs.append((row.number, []))
        else:
            runs[-1][1].extend([] for _ in range(gap))
        runs[-1][1].append(row.cells)
        marks += [(row.number, *mark) for mark in row.marks]
        last, count = row.number, count + 1
        characters += length + 50 * len(row.marks)
        suspect |= length > options.cell_characters
        if count >= most or characters > MOST_CHARACTERS:
            width = width or widest
            yield {"runs": _padded(runs, width), "marks": marks, "suspect": suspect}
            runs, marks, count, characters = [], [], 0, 0
            most, suspect = MOST_ROWS, False
    if runs:
        yield {"runs": _padded(runs, width or widest), "marks": marks, "suspect": suspect}


def _check_corner(row: int, columns: int, options: Options) -> None:
    if row > SHEET_ROWS:
        raise Damaged
    if row * columns > options.cells:
        raise Unreadable(
            f"The sheet's cells reach to row {row:,} and column {columns:,}; the limit is "
            f"{options.cells:,} cells. Delete the empty rows and columns, or export it as CSV."
        )


def _padded(
    runs: list[tuple[int, list[list[str]]]], width: int
) -> list[tuple[int, list[list[str]]]]:
    for _number, rows in runs:
        for cells in rows:
            if len(cells) < width:
                cells.extend([""] * (width - len(cells)))
    return runs


if __name__ == "__main__":
    lines_out = sys.stdout.buffer
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - no parser may write here
    gc.disable()  # rows hold no circles
    chosen = Options(**json.loads(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_AS, (chosen.memory, chosen.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (chosen.seconds, chosen.seconds + 1))
    main(chosen, lines_out)
