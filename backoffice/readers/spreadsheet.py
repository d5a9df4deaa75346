"""Workbooks (xlsx, xls, xlsb, ods), read by a process of their own.

A file of a few kB can ask for terabytes, or for hours. So it is not opened here, but by
`backoffice.readers.workbooks` in a new interpreter, with limits; whatever becomes of that,
this process has a sentence to say about it.
"""

import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
import weakref
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from django.utils.translation import gettext as _

from backoffice.readers.layout import Batch
from backoffice.readers.limits import Limits, ReaderError
from backoffice.resources.letters import column_letters

HERE = Path(__file__).resolve().parent
COMMAND = [sys.executable, "-X", "utf8", "-m", "workbooks"]
MOST_BYTES = 1 << 26  # of a line of the process
BLOCK = 1 << 18
Line = dict[str, Any]

logger = logging.getLogger(__name__)


class NotText(str):
    """A cell that holds no text, as text: a formula error, or a date, a percentage ….

    `problem` says what is wrong with it, where text is wanted; `shown` is its name and what
    the sheet shows; `is_value` is whether a field that is not for text may take it.
    """

    problem: str
    shown: str
    is_value: bool

    def __new__(cls, text: str, kind: str, shown: str, cell: str) -> Self:
        self = super().__new__(cls, text)
        self.is_value = kind not in ("error", "formula")
        self.shown = f"{cell}: {shown}"
        if kind == "error":
            self.problem = _("An error of the spreadsheet, not a value. Mend it there.")
        elif kind == "formula":
            self.problem = _(
                "A formula without a stored value. Open the workbook in a spreadsheet"
                " program and save it."
            )
        else:
            self.problem = _(
                "The cell holds %(kind)s, not the text that is shown. Format it as text and"
                " write it anew."
            ) % {"kind": _kind(kind)}
        return self


def _kind(kind: str) -> str:
    kinds = {
        "date": _("a date"),
        "time": _("a time"),
        "date and time": _("a date and a time"),
        "duration": _("a duration"),
        "percentage": _("a percentage"),
        "amount of money": _("an amount of money"),
        "fraction": _("a fraction"),
        "number": _("a number"),
    }
    return kinds.get(kind, kind)


class Spreadsheet:
    """A sheet of a workbook: the one named, else the first that holds data.

    Rows are numbered and columns counted as in the sheet, from row 1 and column A. Raises
    ReaderError where the workbook can't be read.
    """

    encoding = delimiter = None

    def __init__(self, path: Path, sheet: str | None, limits: Limits):
        options = {
            "path": str(path.resolve()),
            "sheet": sheet,
            "memory": limits.sheet_memory,
            "seconds": limits.sheet_seconds,
            "cells": limits.sheet_cells,
            "cell_characters": limits.cell_characters,
            "row_characters": limits.record_characters,
            "unpacked": limits.unpacked_bytes,
        }
        self._argument, self._limits = json.dumps(options), limits
        # The rows that are read first serve each pass; the process goes on with the first.
        self._process: _Process | None = self._start()
        about = self._process.next_line("format", "rows", "warnings", "sheet", "sheets")
        self._first = self._process.next_line("runs", "marks", "suspect")
        self.format: str = about["format"]
        self.sheet: str = about["sheet"]
        self.sheets: list[str] = about["sheets"]
        self.warnings: list[str] = about["warnings"]
        self.approximate_rows: int = about["rows"]

    def _start(self) -> "_Process":
        return _Process(self._argument, self._limits)

    def batches(self, size: int) -> Iterator[Batch]:
        """The rows from the first of the sheet on, at most `size` at a time."""
        yield from _batches(self._first, size)
        process, self._process = self._process, None
        if process is None:
            process = self._start()
            process.next_line()
            process.next_line()
        try:
            while "end" not in (line := process.next_line("runs", "marks", "suspect")):
                yield from _batches(line, size)
        finally:
            process.end()


def _batches(line: Line, size: int) -> Iterator[Batch]:
    marks = defaultdict(list)
    for number, *mark in line["marks"]:
        marks[number].append(mark)
    for first, rows in line["runs"]:
        for number in marks.keys() & range(first, first + len(rows)):
            row = rows[number - first]
            for column, kind, shown in marks[number]:
                name = f"{column_letters(column)}{number}"
                row[column] = NotText(row[column], kind, shown, name)
        for at in range(0, len(rows), size):
            yield Batch(first + at, rows[at : at + size], suspect=line["suspect"])


class _Process:
    """The process that reads a workbook, line by line.

    Time counts while it is waited for, not while its rows are worked on.
    """

    def __init__(self, argument: str, limits: Limits):
        self.limits, self.seconds_left = limits, float(limits.sheet_seconds)
        try:
            self.popen = subprocess.Popen(  # noqa: S603 - this interpreter, our module
                [*COMMAND, argument],
                cwd=HERE,
                # Not the secrets of this one.
                env={k: v for k, v in os.environ.items() if k in ("PATH", "LD_LIBRARY_PATH")},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise ReaderError(
                _("Spreadsheets can't be read now: %(error)s. Try again.") % {"error": error}
            ) from None
        self.file = self.popen.stdout.fileno()  # type: ignore[union-attr] # it is a pipe
        self.poll = select.poll()
        self.poll.register(self.file, select.POLLIN)
        self.read = bytearray()
        self.end = weakref.finalize(self, _end, self.popen)

    def next_line(self, *names: str) -> Line:
        """What it says next, with these names in it, or that it is at its end.

        Raises ReaderError where it says what is wrong, or nothing of use, or takes too long.
        """
        start = 0
        while (end := self.read.find(b"\n", start)) < 0:
            start = len(self.read)
            self.read += self._read_block()
        content = bytes(self.read[:end])
        del self.read[: end + 1]
        try:
            line = json.loads(content)
        except ValueError:
            line = None
        if not isinstance(line, dict):
            raise self._failure("it said something else than rows")
        if "error" in line:
            self.end()
            logger.info("A workbook can't be read: %s", line.get("trace", line["error"]))
            raise ReaderError(line["error"])
        if "memory" in line:
            raise self._too_much_memory()
        if "end" not in line and any(name not in line for name in names):
            raise self._failure("it said something else than rows")
        return line

    def _read_block(self) -> bytes:
        started = time.monotonic()
        is_ready = self.poll.poll(max(self.seconds_left, 0) * 1000)
        self.seconds_left -= time.monotonic() - started
        if not is_ready:
            raise self._too_slow()
        block = os.read(self.file, BLOCK)
        if len(self.read) + len(block) > MOST_BYTES:
            raise self._failure("a row is too long")
        if block:
            return block
        code = self.popen.wait()
        if code == -signal.SIGXCPU:
            raise self._too_slow()
        if code == -signal.SIGKILL:
            raise self._too_much_memory()
        raise self._failure(_("the program that reads it ended with %(code)s") % {"code": code})

    def _too_slow(self) -> ReaderError:
        return self._failure(
            _("that takes longer than %(sheet_seconds)s seconds, which is the limit")
            % {"sheet_seconds": f"{self.limits.sheet_seconds:,}"}
        )

    def _too_much_memory(self) -> ReaderError:
        return self._failure(
            _("that takes more than %(sheet_memory)s bytes of memory, which is the limit")
            % {"sheet_memory": f"{self.limits.sheet_memory:,}"}
        )

    def _failure(self, reason: str) -> ReaderError:
        self.end()
        return ReaderError(
            _(
                "The workbook can't be read: %(reason)s. Delete what is not needed in it,"
                " or export the sheet as CSV."
            )
            % {"reason": reason}
        )


def _end(popen: "subprocess.Popen[bytes]") -> None:
    popen.kill()
    popen.stdout.close()  # type: ignore[union-attr] # it is a pipe
    popen.wait()
