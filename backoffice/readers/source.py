"""Any file that staff bring, as rows of text: format, encoding, header, then a stream."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from django.utils.translation import gettext as _

from backoffice.readers.block_yaml import BlockYaml
from backoffice.readers.delimited import DelimitedText
from backoffice.readers.formats import OBJECTS, check_format, find_format
from backoffice.readers.header import known_headers
from backoffice.readers.layout import SAMPLE_ROWS, Batch, Layout
from backoffice.readers.limits import HeaderUnknown, Limits, ReaderError
from backoffice.readers.objects import Objects
from backoffice.readers.records import Record, Records
from backoffice.readers.spreadsheet import Spreadsheet

__all__ = ["HeaderUnknown", "Limits", "ReaderError", "Source", "open_source"]

FIRST = 8  # rows that are shown of a file


def open_source(
    path: str | Path,
    *,
    file_name: str | None = None,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
    known: Mapping[str, Sequence[str]] | None = None,
    limits: Limits | None = None,
) -> "Source":
    """The file at `path`, ready to be read; what is not given is detected.

    `file_name` is the name that staff know it by; `format` is one of csv, tsv, xlsx, xls,
    xlsb, ods, json, jsonl, yaml; `sheet` is the name of a sheet in a workbook; `header_row`
    is the header's number as a spreadsheet counts; `known` are the headers that each column
    goes by, which tell the header from what stands above it; `limits` are those of the
    settings. Raises ReaderError for a file that can't be used, and OSError for a missing one.
    """
    path, limits = Path(path), limits or Limits.from_settings()
    names = known_headers(known or {})
    found = find_format(path, format, file_name)
    if found == "workbook":
        workbook = Spreadsheet(path, sheet, limits)
        check_format(workbook.format, format)
        return Source(workbook.format, workbook, limits, names, header_row)
    if sheet:
        raise ReaderError(
            _("The file has no sheets: it is not a spreadsheet. Leave the sheet out.")
        )
    if found in OBJECTS:
        return Source(found, Objects(path, limits), limits)
    if found == "block yaml":
        return Source("yaml", BlockYaml(path, limits), limits)
    if (format or Path(file_name or path).suffix.lstrip(".")).lower() == "tsv":
        delimiter = delimiter or "\t"
    text = DelimitedText(
        path, encoding=encoding, delimiter=delimiter, limits=limits, known=names
    )
    return Source("tsv" if text.delimiter == "\t" else "csv", text, limits, names, header_row)


class Source:
    """A file that can be read, any number of times.

    `headers` are the stripped cells of the header, without trailing blank ones; `header_row`
    is its row number as a spreadsheet counts, from 1. `encoding` and `delimiter` are None
    for a spreadsheet. `approximate_rows` is for a progress bar. `first_rows` are the first of
    the file with their numbers, the header among them mostly. `sheets` are the sheets of
    a workbook that hold data, and `sheet` is the one that is read.
    """

    def __init__(
        self,
        format: str,
        table: DelimitedText | Objects | Spreadsheet,
        limits: Limits,
        known: frozenset[str] = frozenset(),
        header_row: int | None = None,
    ) -> None:
        self.format = format
        self.encoding: str | None = table.encoding
        self.delimiter: str | None = table.delimiter
        self._table = table
        self.sheets: list[str] = table.sheets if isinstance(table, Spreadsheet) else []
        self.sheet: str | None = table.sheet if isinstance(table, Spreadsheet) else None
        batches = table.batches(SAMPLE_ROWS)
        sample = next(batches, None)
        if sample is None:
            raise ReaderError(_("The file is empty. Choose a file with a header row and rows."))
        while len(sample.rows) < SAMPLE_ROWS and (more := next(batches, None)):
            sample = Batch(
                sample.number, sample.rows + more.rows, sample.problems | more.problems
            )
        self._layout = Layout(sample, limits, known, header_row)
        self._records = Records(self._layout)
        self.first_rows = list(enumerate(sample.rows[:FIRST], sample.number))
        self.headers: list[str] = self._layout.headers
        self.header_row: int = self._layout.header_row
        self.approximate_rows: int = max(0, table.approximate_rows - self.header_row)

    @property
    def warnings(self) -> list[str]:
        """What is not proven, or was passed over; whole after `chunks` has run to its end."""
        return [*self._table.warnings, *self._layout.warnings, *self._records.warnings]

    def chunks(self, size: int = 5000) -> Iterator[list[Record]]:
        """The rows below the header that are not blank, at most `size` at a time.

        Each is (row number, cells as text, problem); `problem` says what is wrong with a row
        that can't be used, else it is None. Cells are as many as the headers; a row that is
        too long keeps its surplus. Raises ReaderError as soon as a limit is passed.
        """
        batches = self._table.batches(size)
        records = self._records = Records(self._layout)
        while True:
            batch = next(batches, None)
            chunk = batch and records.examine(batch)
            if batch is None:
                return
            if chunk:
                yield chunk
