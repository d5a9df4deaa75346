"""Any file that staff bring, as rows of text: format, encoding, header, then a stream."""

from collections.abc import Iterator
from pathlib import Path

from backoffice.querysets.reading import collector_paused
from backoffice.readers.delimited import DelimitedText
from backoffice.readers.formats import OBJECTS, check_format, find_format
from backoffice.readers.layout import SAMPLE_ROWS, Layout
from backoffice.readers.limits import Limits, ReaderError
from backoffice.readers.objects import Objects
from backoffice.readers.spreadsheet import Spreadsheet

__all__ = ["Limits", "ReaderError", "Source", "open_source"]


def open_source(
    path,
    *,
    file_name: str | None = None,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    limits: Limits | None = None,
) -> "Source":
    """The file at `path`, ready to be read; what is not given is detected.

    `file_name` is the name that staff know it by; `format` is one of csv, tsv, xlsx, xls,
    xlsb, ods, json, jsonl, yaml; `sheet` is the name of a sheet in a workbook; `limits` are
    those of the settings. Raises ReaderError for a file that can't be used, OSError for a
    missing one.
    """
    path, limits = Path(path), limits or Limits.from_settings()
    found = find_format(path, format)
    if found == "workbook":
        workbook = Spreadsheet(path, sheet, limits)
        check_format(workbook.format, format)
        return Source(workbook.format, workbook, limits)
    if sheet:
        raise ReaderError(
            "The file has no sheets: it is not a spreadsheet. Leave the sheet out."
        )
    if found in OBJECTS:
        return Source(found, Objects(path, limits), limits)
    if (format or Path(file_name or path).suffix.lstrip(".")).lower() == "tsv":
        delimiter = delimiter or "\t"
    text = DelimitedText(path, encoding=encoding, delimiter=delimiter, limits=limits)
    return Source("tsv" if text.delimiter == "\t" else "csv", text, limits)


class Source:
    """A file that can be read, any number of times.

    `headers` are the stripped cells of the header, without trailing blank ones; `header_row`
    is its row number as a spreadsheet counts, from 1. `encoding` and `delimiter` are None
    for a spreadsheet. `approximate_rows` is for a progress bar.
    """

    def __init__(
        self, format: str, table: DelimitedText | Objects | Spreadsheet, limits: Limits
    ):
        self.format = format
        self.encoding: str | None = table.encoding
        self.delimiter: str | None = table.delimiter
        self._table = table
        sample = next(table.batches(SAMPLE_ROWS), None)
        if sample is None:
            raise ReaderError("The file is empty. Choose a file with a header row and rows.")
        self._layout = Layout(sample, limits)
        self.headers: list[str] = self._layout.headers
        self.header_row: int = self._layout.header_row
        self.warnings: list[str] = [*getattr(table, "warnings", ()), *self._layout.warnings]
        self.approximate_rows: int = max(0, table.approximate_rows - self.header_row)

    def chunks(self, size: int = 5000) -> Iterator[list[tuple[int, list[str], str | None]]]:
        """The rows below the header that are not blank, at most `size` at a time.

        Each is (row number, cells as text, problem); `problem` says what is wrong with a row
        that can't be used, else it is None. Cells are as many as the headers; a row that is
        too long keeps its surplus. Raises ReaderError as soon as a limit is passed.
        """
        batches = self._table.batches(size)
        while True:
            with collector_paused():
                batch = next(batches, None)
                chunk = batch and self._layout.examine(batch)
            if batch is None:
                return
            if chunk:
                yield chunk
