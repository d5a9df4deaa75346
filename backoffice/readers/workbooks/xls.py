"""xls (Excel 97–2003 and older) by xlrd."""

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import xlrd

from .package import Workbook
from .values import (
    ERRORS,
    Protected,
    Row,
    Sheet,
    Survey,
    Unreadable,
    number_format,
    number_text,
)

# What else is in a container like that of an xls: [MS-OFFCRYPTO] 2.3.4.4, [MS-DOC] 2.1.
ENCRYPTED, DOCUMENT = (w.encode("utf-16-le") for w in ("EncryptedPackage", "WordDocument"))


class Xls(Workbook):
    format = "xls"

    def __init__(self, path: str):
        with (
            Path(path).open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            if content.find(ENCRYPTED) > 0:
                raise Protected
            if content.find(DOCUMENT) > 0:
                raise Unreadable(
                    "The file is a text document (Word), not a table that can be read. Save "
                    "its table as an Excel workbook (xlsx)."
                )
        try:
            with Path(os.devnull).open("w") as log:
                self.book = xlrd.open_workbook(
                    path, logfile=log, formatting_info=True, ragged_rows=True
                )
        except xlrd.XLRDError as error:
            if "encrypted" in str(error):
                raise Protected from None
            raise
        custom = {key: format.format_str for key, format in self.book.format_map.items()}
        codes = [style.format_key for style in self.book.xf_list]
        self.formats = [number_format(code, custom) for code in codes]
        self.sheets = [
            Sheet(sheet.name, sheet.visibility != 0, sheet.name) for sheet in self.book.sheets()
        ]

    def survey(self, sheet: Sheet) -> Survey:
        data = self.book.sheet_by_name(sheet.place)
        hidden = [
            number + 1
            for number, info in sorted(data.rowinfo_map.items())
            if info.hidden and number < data.nrows and any(data.row_values(number))
        ]
        survey = Survey(data.nrows, hidden=hidden)
        for first, end, column, _end in data.merged_cells:
            survey.merge(first + 1, end, column)
        return survey

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        data = self.book.sheet_by_name(sheet.place)
        for number in range(data.nrows):
            row = Row(number + 1)
            for column, cell in enumerate(data.row(number)):
                self._put(row, column, cell)
            if row.cells:
                yield row

    def _put(self, row: Row, column: int, cell: xlrd.sheet.Cell) -> None:
        if cell.ctype in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE):
            if format := self.formats[cell.xf_index]:
                row.put(column, *format.read(cell.value, bool(self.book.datemode)))
            else:
                row.put(column, number_text(cell.value))
        elif cell.ctype == xlrd.XL_CELL_TEXT:
            row.put(column, cell.value)
        elif cell.ctype == xlrd.XL_CELL_BOOLEAN:
            row.put(column, "TRUE" if cell.value else "FALSE", "boolean")
        elif cell.ctype == xlrd.XL_CELL_ERROR:
            row.put(column, ERRORS.get(cell.value, "#VALUE!"), "error")
