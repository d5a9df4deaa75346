"""xlsb ([MS-XLSB]): the package of an xlsx, with records instead of XML."""

import io
import struct
from collections.abc import Iterator
from functools import cached_property

from .package import OfficeOpenWorkbook
from .values import (
    ERRORS,
    Damaged,
    NumberFormat,
    Row,
    Sheet,
    Survey,
    number_format,
    number_text,
)

# Types of records (2.3.2); those of cells are 1 to 11.
ROW, SHARED_STRING, FORMAT, STYLE, RICH_TEXT = 0, 19, 44, 47, 62
BOOK_PROPERTIES, SHEET, FILTER_COLUMN, MERGED, BEGIN_STYLES, END_STYLES = (
    *(153, 156, 163, 176, 617, 618),
)
MOST_RECORD = 1 << 24  # bytes
IS_HIDDEN = 0x10


class Xlsb(OfficeOpenWorkbook):
    format = "xlsb"

    def _records(self, part: str | None) -> Iterator[tuple[int, bytes]]:
        """(type, content) of a part's records (2.1.4)."""
        if part is None:
            return
        compressed = self.package.zip.open(self.package.names[part])
        with io.BufferedReader(compressed) as file:  # type: ignore[type-var] # it is raw
            read = file.read
            while first := read(1):
                kind = first[0]
                if kind > 127:
                    kind = kind & 127 | (read(1)[0] & 127) << 7
                size = shift = 0
                while shift < 28:
                    byte = read(1)[0]
                    size |= (byte & 127) << shift
                    shift = shift + 7 if byte > 127 else 28
                if size > MOST_RECORD or len(content := read(size)) < size:
                    raise Damaged
                yield kind, content

    def read_book(self, book: str) -> None:
        for kind, content in self._records(book):
            if kind == SHEET:
                link, at = _text(content, 8)
                self.add_sheet(_text(content, at)[0], content[0] != 0, link)
            elif kind == BOOK_PROPERTIES:
                self.is_1904 = bool(content[0] & 1)

    @cached_property
    def formats(self) -> dict[int, NumberFormat]:
        """The number formats that show more than a number, by the style of a cell."""
        styles, custom, is_cell_style = [], {}, False
        for kind, content in self._records(self.linked("styles")):
            if kind == FORMAT:
                custom[int.from_bytes(content[:2], "little")] = _text(content, 2)[0]
            elif kind in (BEGIN_STYLES, END_STYLES):
                is_cell_style = kind == BEGIN_STYLES
            elif kind == STYLE and is_cell_style:
                styles.append(int.from_bytes(content[2:4], "little"))
        formats = ((i, number_format(code, custom)) for i, code in enumerate(styles))
        return {i: format for i, format in formats if format}

    @cached_property
    def strings(self) -> list[str]:
        records = self._records(self.linked("sharedStrings"))
        return [_text(content, 1)[0] for kind, content in records if kind == SHARED_STRING]

    def survey(self, sheet: Sheet) -> Survey:
        survey, hidden = Survey(), 0
        for kind, content in self._records(sheet.place):
            if kind == ROW:
                survey.rows += 1
                is_hidden = content[11] & IS_HIDDEN
                hidden = int.from_bytes(content[:4], "little") + 1 if is_hidden else 0
            elif hidden and 1 < kind < 12:
                survey.hidden.append(hidden)
                hidden = 0
            elif kind == MERGED:
                first, last, column, _column = struct.unpack_from("<4I", content)
                survey.merge(first + 1, last + 1, column)
            elif kind == FILTER_COLUMN:
                survey.is_filtered = True
        return survey

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        row = Row(0)
        for kind, content in self._records(sheet.place):
            if kind == ROW:
                if row.cells:
                    yield row
                number = int.from_bytes(content[:4], "little") + 1
                if number <= row.number:
                    raise Damaged
                row = Row(number)
            elif 1 < kind < 12 or kind == RICH_TEXT:
                self._put(row, kind, content)
        if row.cells:
            yield row

    def _put(self, row: Row, kind: int, content: bytes) -> None:
        column, style = struct.unpack_from("<2I", content)
        if kind in (6, 8):
            row.put(column, _text(content, 8)[0])
        elif kind == RICH_TEXT:
            row.put(column, _text(content, 9)[0])
        elif kind == 7:
            row.put(column, self.strings[int.from_bytes(content[8:12], "little")])
        elif kind in (3, 11):
            row.put(column, ERRORS.get(content[8], "#VALUE!"), "error")
        elif kind in (4, 10):
            row.put(column, "TRUE" if content[8] else "FALSE", "boolean")
        else:
            value = _rk(content) if kind == 2 else struct.unpack_from("<d", content, 8)[0]
            if format := self.formats.get(style & 0xFFFFFF):
                row.put(column, *format.read(value, self.is_1904))
            else:
                row.put(column, number_text(value))


def _text(content: bytes, at: int) -> tuple[str, int]:
    """The text at a place, and where it ends (2.5.168)."""
    (length,) = struct.unpack_from("<I", content, at)
    end = at + 4 + 2 * (length if length != 0xFFFFFFFF else 0)
    if end > len(content):
        raise Damaged
    return content[at + 4 : end].decode("utf-16-le", "surrogatepass"), end


def _rk(content: bytes) -> float:
    """A number in 30 bits (2.5.123)."""
    (bits,) = struct.unpack_from("<i", content, 8)
    if bits & 2:
        number = float(bits >> 2)
    else:
        (number,) = struct.unpack("<d", struct.pack("<Q", (bits & 0xFFFFFFFC) << 32))
    return number / 100 if bits & 1 else number
