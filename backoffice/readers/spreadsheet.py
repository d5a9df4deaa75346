"""Workbooks (xlsx, xls, xlsb, ods) by python-calamine, and what that does not tell."""

import datetime
import posixpath
import re
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree

import python_calamine as calamine

from backoffice.readers.layout import Batch
from backoffice.readers.limits import Limits, ReaderError

BLOCK = 1 << 20
OVERLAP = 1 << 13
# Cells with something in them: an empty one closes itself and takes no room.
LETTERS = re.compile(rb"""\sr=["']([A-Z]{2,3})\d+["'][^>]*(?<!/)>""")
TALL_ROWS = re.compile(rb"""\sr=["'][A-Z]{1,3}(\d{5,})["'][^>]*(?<!/)>""")
ERROR_CELL = re.compile(rb"""<(?:\w+:)?c\s([^>]*\bt=["']e["'][^>]*)>""")
REFERENCE = re.compile(rb"""\br=["']([A-Z]{1,3}(\d+))["']""")
# [MS-XLS] BoolErr and Formula records whose value is an error; [MS-XLS] 2.5.10 Bes.
XLS_ERRORS = re.compile(
    rb"\x05\x02\x08\x00.{6}[\x00\x07\x0f\x17\x1d\x24\x2a]\x01"
    rb"|\x06\x00.{2}.{6}\x02.[\x00\x07\x0f\x17\x1d\x24\x2a].{3}\xff\xff",
    re.DOTALL,
)
# [MS-OFFCRYPTO] 2.3.4.4: the stream of an encrypted workbook, in a container like xls's.
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
ODS_ERROR = b'calcext:value-type="error"'


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _protected() -> ReaderError:
    return ReaderError("The workbook is protected with a password. Save it without one.")


def _duration(value: datetime.timedelta) -> str:
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


TEXT_OF = {
    str: str,
    float: _number,
    int: str,
    bool: lambda value: "TRUE" if value else "FALSE",
    datetime.date: datetime.date.isoformat,
    datetime.datetime: lambda value: value.isoformat(" "),
    datetime.time: datetime.time.isoformat,
    datetime.timedelta: _duration,
}


class Spreadsheet:
    """The first sheet of a workbook that holds data. Raises ReaderError where it can't.

    The sheet is held in memory, as python-calamine keeps it; rows become text as they are
    asked for.
    """

    encoding = delimiter = None

    def __init__(self, path: Path, format: str, limits: Limits):
        self.path, self.limits = path, limits
        self.warnings: list[str] = []
        self._errors: dict[int, str] = {}
        try:
            self._open(format)
        except ReaderError:
            raise
        except calamine.PasswordError:
            raise _protected() from None
        except BaseException as error:
            if format == "xls" and ENCRYPTED in path.read_bytes():
                raise _protected() from None
            # A panic in Rust code is a BaseException of its own.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise ReaderError(
                "The workbook is damaged or not complete. Open it in a spreadsheet program, "
                "save it anew as xlsx, and try again."
            ) from None

    def _open(self, format: str) -> None:
        # From an object, because from a path calamine believes the extension.
        with self.path.open("rb") as file:
            workbook = calamine.CalamineWorkbook.from_filelike(file)
            worksheet = calamine.SheetTypeEnum.WorkSheet
            sheets = [m for m in workbook.sheets_metadata if m.typ == worksheet]
            sheets.sort(key=lambda m: m.visible != calamine.SheetVisibleEnum.Visible)
            for sheet in sheets:
                self._errors = self._survey(format, sheet.name)
                self._sheet = workbook.get_sheet_by_name(sheet.name)
                if self._errors or self._has_data():
                    break
            else:
                raise ReaderError(
                    "The workbook has no sheet with data. It needs a header row and rows."
                )
        self.approximate_rows = (self._sheet.end or (0, 0))[0] + 1
        if self.approximate_rows > self.limits.rows + 100:
            raise ReaderError(
                f"The sheet has {self.approximate_rows:,} rows; the limit is "
                f"{self.limits.rows:,}. Split it into smaller files."
            )
        others = [s.name for s in sheets if s.name != sheet.name]
        if others:
            self.warnings.append(
                f"The workbook has {len(others) + 1} sheets; only “{sheet.name}” is read."
            )

    def _has_data(self) -> bool:
        # A zero is data too.
        return any(value != "" for row in self._sheet.iter_rows() for value in row)

    def _survey(self, format: str, name: str) -> dict[int, str]:
        """Cells that hold a formula error, by row: calamine gives them as blank."""
        if format == "xlsx":
            with zipfile.ZipFile(self.path) as archive:
                part = _sheet_part(archive, name)
                return _survey_xlsx(archive, part, self.limits) if part else {}
        if format == "xlsb":
            self.warnings[:] = [
                "A formula error such as #N/A is read as a blank cell in an xlsb workbook; "
                "save it as xlsx to have such rows found."
            ]
        elif (format == "xls" and XLS_ERRORS.search(self.path.read_bytes())) or (
            format == "ods" and _ods_has_errors(self.path)
        ):
            raise ReaderError(
                "The workbook holds formula errors such as #N/A. Mend them, or save it as "
                "xlsx: there the rows that have them are named."
            )
        return {}

    def batches(self, size: int) -> Iterator[Batch]:
        """The rows from the first of the sheet on, at most `size` at a time."""
        text_of, number, rows = TEXT_OF, 1, self._sheet.iter_rows()
        while values := list(islice(rows, size)):
            texts = [[text_of[type(value)](value) for value in row] for row in values]
            problems = {
                row: self._errors[row]
                for row in range(number, number + len(values))
                if row in self._errors
            }
            yield Batch(number, texts, problems, suspect=True)
            number += len(values)


def _sheet_part(archive: zipfile.ZipFile, name: str) -> str | None:
    """The name of the part that holds a sheet (ECMA-376, part 1, 18.2.19)."""
    parts = {part.lower().lstrip("/"): part for part in archive.namelist()}
    book = next((part for part in parts if part.endswith("workbook.xml")), "")
    folder, file = posixpath.split(book)
    links = parts.get(f"{folder}/_rels/{file}.rels")
    if not links:
        return None
    targets = {
        link.get("Id"): link.get("Target", "") for link in _elements(archive.read(links))
    }
    for sheet in _elements(archive.read(parts[book])):
        if sheet.tag.endswith("}sheet") and sheet.get("name") == name:
            key = next((sheet.get(k) for k in sheet.attrib if k.endswith("}id")), None)
            target = posixpath.join("/" + folder, targets.get(key, ""))
            return parts.get(posixpath.normpath(target).lstrip("/").lower())
    return None


def _elements(xml: bytes) -> Iterator[ElementTree.Element]:
    return ElementTree.fromstring(xml).iter()  # noqa: S314 - expat stops entity bombs


def _survey_xlsx(archive: zipfile.ZipFile, part: str, limits: Limits) -> dict[int, str]:
    """Error cells by row. Raises ReaderError where the used range is over the limits.

    A sheet of two cells, A1 and XFD1048576, would be laid out as 17 billion.
    """
    errors: dict[int, str] = {}
    letters, tallest, text = {b"Z"}, 99_999, b""
    with archive.open(part) as file:
        while block := file.read(BLOCK):
            text = text[-OVERLAP:] + block
            letters.update(LETTERS.findall(text))
            tallest = max(tallest, max(map(int, set(TALL_ROWS.findall(text))), default=0))
            if b't="e"' in text or b"t='e'" in text:
                for cell in map(REFERENCE.search, ERROR_CELL.findall(text)):
                    if cell:
                        place = cell[1].decode()
                        errors[int(cell[2])] = (
                            f"has a formula error such as #N/A in cell {place}; mend it in the "
                            "spreadsheet"
                        )
    columns = max(map(_column_number, letters))
    if columns * tallest > max(limits.sheet_cells, limits.columns * 99_999):
        raise ReaderError(
            f"The sheet's cells reach to row {tallest:,} and column {columns:,}; the limit is "
            f"{limits.sheet_cells:,} cells. Delete the empty rows and columns, or export it as "
            "CSV."
        )
    return errors


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _ods_has_errors(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as file:
        text = b""
        while block := file.read(BLOCK):
            text = text[-len(ODS_ERROR) :] + block
            if ODS_ERROR in text:
                return True
    return False
