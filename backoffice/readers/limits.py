"""What a file may hold at most, and the error for a file that can't be used."""

from dataclasses import dataclass
from typing import Self

from django.conf import settings


class ReaderError(Exception):
    """A file that can't be used. `str()` says for staff what is wrong and what to do."""


class HeaderUnknown(ReaderError):
    """The file can be read, but not told which row is its header."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The largest file that is read.

    `rows` are the rows below the header. `cell_characters` has room for the libraries of a
    title that 5,000 of them hold; Excel allows 32,767. `record_characters` bounds a row as
    it stands in the file, so that a file without line ends is not read into memory.
    `unpacked_bytes` bounds a zipped spreadsheet, and `sheet_cells` the cells that its used
    range spans; the process that reads one may take `sheet_memory` bytes and
    `sheet_seconds`.
    """

    rows: int = 2_000_000
    columns: int = 1_000
    cell_characters: int = 250_000
    record_characters: int = 1_000_000
    unpacked_bytes: int = 1_000_000_000
    sheet_cells: int = 50_000_000
    sheet_memory: int = 1_000_000_000
    sheet_seconds: int = 120

    @classmethod
    def from_settings(cls) -> Self:
        return cls(
            rows=settings.IMPORT_MAX_ROWS,
            columns=settings.IMPORT_MAX_COLUMNS,
            cell_characters=settings.IMPORT_MAX_CELL,
            record_characters=max(1_000_000, settings.IMPORT_MAX_CELL),
            unpacked_bytes=settings.IMPORT_MAX_UNPACKED,
            sheet_memory=settings.IMPORT_SHEET_MEMORY,
            sheet_seconds=settings.IMPORT_SHEET_SECONDS,
        )
