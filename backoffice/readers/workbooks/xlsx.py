"""xlsx and xlsm (ECMA-376, part 1, 18)."""

import datetime
import re
from collections.abc import Iterator
from functools import cached_property

from .package import Attributes, OfficeOpenWorkbook
from .values import (
    Damaged,
    NumberFormat,
    Row,
    Sheet,
    Survey,
    number_format,
    number_text,
)

TRUE = ("1", "true")
#: Words without which a sheet's part has nothing that a survey must look for.
REMARKABLE = (b"hidden", b"mergeCell", b"filterColumn", b' ht="0', b"\0")
OVERLAP = 16
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile("([A-Z]{1,3})([0-9]{1,7})", re.IGNORECASE)


def unescape(text: str) -> str:
    """Text without the escapes for characters that XML can't hold (22.9.2.19)."""
    if "_x" not in text:
        return text
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def place(reference: str) -> tuple[int, int]:
    """(row number, column index) of a cell such as "B2". Raises Damaged."""
    match = _REFERENCE.fullmatch(reference.strip())
    if not match:
        raise Damaged
    index = 0
    for letter in match[1].upper():
        index = index * 26 + ord(letter) - ord("A") + 1
    return int(match[2]), index - 1


class Xlsx(OfficeOpenWorkbook):
    format = "xlsx"

    def read_book(self, book: str) -> None:
        for name, attributes in self.package.elements(book):
            if name == "sheet":
                link = next((v for k, v in attributes.items() if k.endswith(":id")), "")
                is_hidden = attributes.get("state", "visible") != "visible"
                self.add_sheet(attributes.get("name", ""), is_hidden, link)
            elif name == "workbookPr":
                self.is_1904 = attributes.get("date1904") in TRUE

    @cached_property
    def formats(self) -> dict[str | None, NumberFormat]:
        """The number formats that show more than a number, by the style of a cell."""
        styles, part, custom = [], "", {}
        sheet = self.linked("styles")
        for name, attributes in self.package.elements(sheet) if sheet else ():
            if name == "numFmt":
                custom[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
            elif name in ("cellXfs", "cellStyleXfs", "cellStyles"):
                part = name
            elif name == "xf" and part == "cellXfs":
                styles.append(int(attributes.get("numFmtId", 0)))
        known = {code: number_format(code, custom) for code in set(styles)}
        return {str(i): format for i, code in enumerate(styles) if (format := known[code])}

    @cached_property
    def strings(self) -> list[str]:
        part = self.linked("sharedStrings")
        strings: list[str] = []
        if part is None:
            return strings
        prefix = self.package.prefix(part)
        item, text, hint = prefix + "si", prefix + "t", prefix + "rPh"
        texts: list[str] = []
        string, is_hint = "", False

        def start(name: str, _attributes: Attributes) -> None:
            nonlocal is_hint
            texts.clear()
            if name == hint:
                is_hint = True

        def end(name: str) -> None:
            nonlocal string, is_hint
            if name == text:
                if not is_hint:
                    string += "".join(texts)
            elif name == item:
                strings.append(unescape(string))
                string = ""
            elif name == hint:
                is_hint = False

        for _ in self.package.parse(part, start, end, texts.append):
            pass
        return strings

    def survey(self, sheet: Sheet) -> Survey:
        # A look at the bytes costs a fiftieth of a look at the elements.
        survey, text, is_remarkable = Survey(), b"", False
        for block in self.package.blocks(sheet.place):
            survey.rows += block.count(b"<row") + block.count(b":row ")
            text = text[-OVERLAP:] + block
            is_remarkable = is_remarkable or any(word in text for word in REMARKABLE)
        number, is_hidden = 0, False
        for name, attributes in self.package.elements(sheet.place) if is_remarkable else ():
            if name == "row":
                number = int(attributes.get("r", number + 1))
                height = float(attributes.get("ht", 1))
                is_hidden = attributes.get("hidden") in TRUE or height == 0
            elif is_hidden and name in ("v", "is"):
                survey.hidden.append(number)
                is_hidden = False
            elif name == "mergeCell":
                first, _colon, last = attributes["ref"].partition(":")
                row, column = place(first)
                survey.merge(row, place(last or first)[0], column)
            elif name == "filterColumn":
                survey.is_filtered = True
        return survey

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        prefix = self.package.prefix(sheet.place)
        ROW, CELL, VALUE, TEXT, FORMULA, HINT = (
            prefix + name for name in ("row", "c", "v", "t", "f", "rPh")
        )
        done: list[Row] = []
        row, suffix, is_numbered = Row(0), "", True
        columns: dict[str, int] = {}
        column = -1
        cell: Attributes = {}
        texts: list[str] = []
        value: str | None = None
        formula: str | None = None
        is_hint = False

        def start(name: str, attributes: Attributes) -> None:
            nonlocal cell, value, formula, row, suffix, is_numbered, column, is_hint
            texts.clear()
            if name == CELL:
                cell, value, formula = attributes, None, None
            elif name == ROW:
                is_numbered, before, column = "r" in attributes, row.number, -1
                row = Row(int(attributes["r"]) if is_numbered else before + 1)
                suffix = str(row.number)
                if row.number <= before:
                    raise Damaged
            elif name == HINT:
                is_hint = True

        def end(name: str) -> None:
            nonlocal value, formula, column, is_hint
            if name in (VALUE, TEXT):
                if not is_hint:
                    value = "".join(texts) if value is None else value + "".join(texts)
            elif name == CELL:
                column += 1
                if reference := cell.get("r"):
                    # Of "AB12" in row 12 the letters; anything else is looked at with care.
                    letters = reference[: -len(suffix)]
                    known = columns.get(letters) if reference.endswith(suffix) else None
                    column = locate(reference) if known is None else known
                if value or formula is not None:
                    self._put(row, column, cell, value, formula)
            elif name == ROW:
                if row.cells:
                    done.append(row)
            elif name == FORMULA:
                formula = "".join(texts)
            elif name == HINT:
                is_hint = False

        def locate(reference: str) -> int:
            nonlocal suffix, is_numbered
            number, index = place(reference)
            if number != row.number:
                if is_numbered or number < row.number:
                    raise Damaged
                row.number, suffix = number, str(number)
            is_numbered = True
            columns[reference[: -len(suffix)]] = index
            return index

        for _ in self.package.parse(sheet.place, start, end, texts.append):
            yield from done
            done.clear()

    def _put(
        self, row: Row, column: int, cell: Attributes, value: str | None, formula: str | None
    ) -> None:
        kind = cell.get("t")
        if kind == "s":
            row.put(column, self.strings[int(value or 0)])
        elif not value and (kind != "str" or value is None):
            if formula is not None:
                row.put(column, "#N/A", "formula", f"={formula}")
        elif kind is None or kind == "n":
            format = self.formats.get(cell.get("s"))
            if format is None and value.isdecimal() and value[0] in "123456789":
                row.put(column, value)
                return
            try:
                number = float(value)
            except ValueError:
                row.put(column, value, "error")
                return
            if format is None:
                row.put(column, number_text(number))
            else:
                row.put(column, *format.read(number, self.is_1904))
        elif kind == "b":
            row.put(column, "TRUE" if value.strip() in TRUE else "FALSE", "boolean")
        elif kind == "e":
            row.put(column, value, "error")
        elif kind == "d":
            row.put(column, _iso_date(value), "date", value)
        else:
            row.put(column, unescape(value))


def _iso_date(value: str) -> str:
    try:
        moment = datetime.datetime.fromisoformat(value.removesuffix("Z"))
    except ValueError:
        return value
    if moment.time() == datetime.time():
        return moment.date().isoformat()
    return moment.isoformat(" ")
