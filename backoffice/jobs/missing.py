"""The records that a mirror would delete, as the check of an import kept them in a file."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import overload

from django.utils.translation import gettext as _

from backoffice.changes.models import Change
from backoffice.imports.engine import Import
from backoffice.imports.review.downloads import Seen
from backoffice.readers.source import ReaderError
from backoffice.resources.formulas import escape_formula, unescape

MISSING = "missing.csv"  # also as a download
CHUNK = 1_000  # rows
Row = tuple[str, list[str]]


def write_missing(job: Change, imported: Import) -> None:
    """Keep them: a line with the key, and a text for each column of the import."""
    path = job.file.directory / job.file.found["missing_file"]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *(column.name for column in imported.columns)])
        if imported.mirror:
            for pk, texts in imported.mirror.listed():
                writer.writerow([pk, *map(escape_formula, texts)])


def _fetched(job: Change) -> Path:
    """The file. Raises ReaderError if it is no longer kept."""
    try:
        return job.file.fetch(job.file.found.get("missing_file", MISSING))
    except FileNotFoundError as error:
        message = _("What the check found is no longer kept. Check the file again.")
        raise ReaderError(message) from error


def missing_file(job: Change, seen: Seen | None) -> Iterator[bytes]:
    """The file, for a download; seen: without the values of records that may not be seen."""
    with _fetched(job).open("rb") as file:
        if seen is None:
            yield from file
            return
        yield next(file)
    rows = iter(MissingRows(job))
    while chunk := list(islice(rows, CHUNK)):
        visible = seen([pk for pk, _texts in chunk])
        text = io.StringIO(newline="")
        csv.writer(text).writerows(
            [pk, *map(escape_formula, texts)] if pk in visible else [pk] for pk, texts in chunk
        )
        yield text.getvalue().encode()


class MissingRows(Sequence[Row]):
    """`(key, texts)` of each, in the order of their keys, read as far as it is asked for."""

    def __init__(self, job: Change) -> None:
        self._job = job
        self._count = int(job.file.found.get("missing", {}).get("count", 0))

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return list(islice(self, place.start or 0, place.stop))
        return next(islice(self, place, None))

    def __iter__(self) -> Iterator[Row]:
        with _fetched(self._job).open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            next(rows)
            for pk, *texts in rows:
                yield pk, list(map(unescape, texts))
