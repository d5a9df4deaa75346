"""JSON (a list of objects), JSON Lines, and YAML that has a JSON object a line: streamed."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from django.utils.translation import gettext as _

from backoffice.readers.encoding import (
    SAMPLE_BYTES,
    marked_encoding,
    unmarked_wide_encoding,
)
from backoffice.readers.layout import Batch
from backoffice.readers.limits import Limits, ReaderError

BLOCK = 1 << 20
BETWEEN = re.compile(r"[\s,\[\]]*(?:- +)?")  # objects; a list's brackets too
TEXT_OF: dict[type, Callable[[Any], str]] = {
    str: str,
    bool: lambda value: "TRUE" if value else "FALSE",
    type(None): lambda _: "",
}

Pairs = list[tuple[str, object]]


class Objects:
    """A file of objects, one after the other. Raises ReaderError where it isn't.

    The names of the first object are the header. Each value is one text, number, or nothing;
    numbers are as they are written. A row is numbered as the spreadsheet would number it that
    has the names in its first.
    """

    delimiter = None
    kind = "JSON"

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path, self.limits = path, limits
        self.warnings: list[str] = []
        with path.open("rb") as file:
            start = file.read(SAMPLE_BYTES)
        found = marked_encoding(start) or unmarked_wide_encoding(start) or "utf-8"
        self.encoding = found.removesuffix("-sig")  # each mark is taken off, be there two
        self.approximate_rows = 1 + self._count()
        self._decode = json.JSONDecoder(
            object_pairs_hook=list, parse_int=str, parse_float=str, parse_constant=str
        ).raw_decode

    def _count(self) -> int:
        with self.path.open("rb") as file:
            return sum(block.count(b"{") for block in iter(lambda: file.read(BLOCK), b""))

    def batches(self, size: int) -> Iterator[Batch]:
        """The header and then a row for each object, at most `size` at a time."""
        header: list[str] | None = None
        number, batch = 1, Batch(1, [], suspect=True)
        for pairs in self._objects():
            if header is None:
                header = self._header(pairs)
                batch.rows.append(header)
            row, problem = self._row(header, pairs)
            if len(batch.rows) >= size:
                yield batch
                number += len(batch.rows)
                batch = Batch(number, [], suspect=True)
            if problem:
                batch.problems[number + len(batch.rows)] = problem
            batch.rows.append(row)
        if batch.rows:
            yield batch

    def _header(self, pairs: Pairs) -> list[str]:
        for name, value in pairs:
            if value.__class__ not in TEXT_OF:
                raise ReaderError(
                    _(
                        "The file is %(kind)s, but no table: its first record has more "
                        "than one value as “%(name)s”. Export it as CSV, or as a list of "
                        "plain records."
                    )
                    % {"kind": self.kind, "name": name}
                )
        return [name for name, _value in pairs]

    def _row(self, header: list[str], pairs: Pairs) -> tuple[list[str], str | None]:
        names = [name for name, _value in pairs]
        problem = None
        if names != header:
            if len(set(names)) < len(names):
                problem = _("has a name twice")
            elif unknown := [name for name in names if name not in header]:
                name = unknown[0].encode(errors="replace").decode()
                problem = _("has “%(name)s”, which the first record has not") % {"name": name}
            elif missing := [name for name in header if name not in names]:
                problem = _("lacks “%(missing)s”, which the first record has") % {
                    "missing": missing[0]
                }
            values = dict(pairs)
            pairs = [(name, values.get(name)) for name in header]
        row = []
        for name, value in pairs:
            if value.__class__ not in TEXT_OF:
                problem = problem or _(
                    "has a list or a record as “%(name)s”, not one value"
                ) % {"name": name}
                value = json.dumps(value, ensure_ascii=False)
            row.append(TEXT_OF[value.__class__](value))
        return row, problem

    def _objects(self) -> Iterator[Pairs]:
        """The objects as lists of (name, value)."""
        with self.path.open(encoding=self.encoding) as file:
            text, at, count = self._read(file).lstrip("\ufeff"), 0, 0
            is_list, more = text.lstrip().startswith("["), text
            while more:
                start = _after_separators(text, at)
                if found := self._next(text, start):
                    pairs, at = found
                    count += 1
                    yield pairs
                    continue
                if not "- ".startswith(text[start : start + 2]) and text[start] != "{":
                    raise self._error(count, _("no record begins there"))
                if len(text) - start > self.limits.record_characters:
                    raise self._error(count, _("it is not JSON, or too long"))
                more = self._read(file)
                text, at = text[at:] + more, 0
        if _after_separators(text, 0) < len(text):
            raise self._error(count, _("it is not JSON, or the file ends in the midst of it"))
        if is_list and "]" not in text:
            raise ReaderError(_("The list has no end: the file is not complete. Get it again."))

    def _next(self, text: str, start: int) -> tuple[Pairs, int] | None:
        if not text.startswith("{", start):
            return None
        try:
            return self._decode(text, start)
        except json.JSONDecodeError:
            return None  # perhaps the rest of it is yet to come
        except RecursionError:
            raise ReaderError(_("The file nests records too deeply to be a table.")) from None

    def _read(self, file: TextIO) -> str:
        try:
            return file.read(BLOCK)
        except UnicodeError:
            raise ReaderError(
                _("The file is not UTF-8, as JSON must be. Save it anew.")
            ) from None

    @staticmethod
    def _error(count: int, reason: str) -> ReaderError:
        return ReaderError(
            _("Record %(count)s can't be read: %(reason)s.")
            % {"count": count + 1, "reason": reason}
        )


def _after_separators(text: str, at: int) -> int:
    match = BETWEEN.match(text, at)
    return match.end() if match else at
