"""ods (OASIS OpenDocument 1.3, part 3), with the prefixes that all programs write."""

import re
from collections.abc import Iterator

from .package import Attributes, Package, Workbook
from .values import (
    Protected,
    Row,
    Sheet,
    Survey,
    number_text,
)

CONTENT, MANIFEST = "content.xml", "meta-inf/manifest.xml"
# What can stand in a cell without being its text.
ASIDE = {"office:annotation", "draw:frame", "draw:custom-shape", "text:ruby-text", "text:note"}
KINDS = {"percentage": "percentage", "currency": "amount of money"}
_ERROR = re.compile(r"#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!)|Err:\d+")
_TIME = re.compile(r"PT?(?:(\d+)DT?)?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,]\d+)?S)?")
# XML makes a line feed of a carriage return, except of one that is written as `&#13;`.
_BLANKS = re.compile("[ \t\n]+")


class Ods(Workbook):
    format = "ods"

    def __init__(self, package: Package):
        self.package, self.sheets, self.surveys = package, [], list[Survey]()
        if MANIFEST in package.names:
            names = (name for name, _attributes in package.elements(MANIFEST))
            if "encryption-data" in names:
                raise Protected
        self._read_sheets()

    def _read_sheets(self) -> None:
        invisible: set[str] = set()
        style = ""
        number = column = repeated = 0
        visibility: str | None = None
        for name, attributes in self.package.elements(CONTENT):
            if name == "table-cell" or name == "covered-table-cell":
                survey = self.surveys[-1]
                if visibility and "office:value-type" in attributes:
                    survey.hidden += range(number + 1, number + 1 + min(repeated, 1_048_576))
                    survey.is_filtered |= visibility == "filter"
                    visibility = None
                if rows := int(attributes.get("table:number-rows-spanned", 1)) - 1:
                    survey.merge(number + 1, number + 1 + rows, column)
                column += int(attributes.get("table:number-columns-repeated", 1))
                if "office:value-type" in attributes:
                    width = max(survey.corner[1], column)
                    survey.corner = (number + repeated, width)
            elif name == "table-row":
                number, column = number + repeated, 0
                repeated = int(attributes.get("table:number-rows-repeated", 1))
                visibility = attributes.get("table:visibility")
                visibility = visibility if visibility in ("collapse", "filter") else None
                self.surveys[-1].rows += 1
            elif name == "table":
                number = repeated = 0
                is_hidden = attributes.get("table:style-name") in invisible
                index = str(len(self.sheets))
                self.sheets.append(Sheet(attributes.get("table:name", ""), is_hidden, index))
                self.surveys.append(Survey())
            elif name == "style":
                style = attributes.get("style:name", "")
            elif name == "table-properties" and attributes.get("table:display") == "false":
                invisible.add(style)

    def survey(self, sheet: Sheet) -> Survey:
        return self.surveys[int(sheet.place)]

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        wanted, table = int(sheet.place), -1
        done: list[tuple[Row, int]] = []
        row, repeated, column = Row(0), 1, 0
        cell: Attributes = {}
        pieces: list[str] = []
        paragraphs = depth = aside = 0

        def start(name: str, attributes: Attributes) -> None:
            nonlocal table, row, repeated, column, cell, paragraphs, depth, aside
            if name == "table:table-cell" or name == "table:covered-table-cell":
                cell, paragraphs = attributes, 0
                pieces.clear()
            elif name == "text:p":
                depth += 1
                if not aside:
                    paragraphs += 1
                    if paragraphs > 1:
                        pieces.append("\n")
            elif name == "text:s":
                write(" " * min(int(attributes.get("text:c", 1)), 1000))
            elif name == "text:tab":
                write("\t")
            elif name == "text:line-break":
                write("\n")
            elif name == "table:table-row":
                row, column = Row(row.number + repeated), 0
                repeated = int(attributes.get("table:number-rows-repeated", 1))
            elif name in ASIDE:
                aside += 1
            elif name == "table:table":
                table, row, repeated = table + 1, Row(0), 1

        def end(name: str) -> None:
            nonlocal column, depth, aside
            if name == "table:table-cell" or name == "table:covered-table-cell":
                times = int(cell.get("table:number-columns-repeated", 1))
                if name == "table:table-cell" and table == wanted and (pieces or cell):
                    text, kind, shown = _read(cell, "".join(pieces))
                    for at in range(column, column + times if text else column):
                        row.put(at, text, kind, shown)
                column += times
            elif name == "text:p":
                depth -= 1
            elif name == "table:table-row":
                if row.cells:
                    done.append((row, repeated))
            elif name in ASIDE:
                aside -= 1

        def write(text: str) -> None:
            if depth and not aside:
                pieces.append(text)

        def characters(text: str) -> None:
            if depth and not aside:
                text = _BLANKS.sub(" ", text)
                if text[0] == " " and (not pieces or pieces[-1][-1:] in (" ", "\n")):
                    text = text[1:]
                pieces.append(text)

        for _ in self.package.parse(CONTENT, start, end, characters):
            for found, times in done:
                for number in range(found.number, found.number + times):
                    yield Row(number, list(found.cells), list(found.marks))
            done.clear()
            if table > wanted:
                return


def _read(cell: Attributes, shown: str) -> tuple[str, str, str]:
    """(text, kind, what the sheet shows) of a cell; kind is "" for text and numbers."""
    type, value = cell.get("office:value-type"), cell.get("office:value", "")
    formula = cell.get("table:formula")
    if cell.get("calcext:value-type") == "error" or (
        formula is not None and _ERROR.fullmatch(shown.strip())
    ):
        return shown or "#N/A", "error", shown
    if type is None and formula is not None and not shown:
        return "#N/A", "formula", formula.partition(":")[2] or formula
    if type == "float":
        return _number(value, shown), "", ""
    if type in KINDS:
        return number_text(float(value)), KINDS[type], shown
    if type == "date":
        date, _t, time = cell.get("office:date-value", "").partition("T")
        has_time = time.strip("0:.Z")
        return (f"{date} {time}" if has_time else date), "date", shown
    if type == "time":
        return _time(cell.get("office:time-value", "")), "time", shown
    if type == "boolean":
        text = "TRUE" if cell.get("office:boolean-value") == "true" else "FALSE"
        return text, "boolean", shown
    return shown or cell.get("office:string-value", ""), "", ""


def _number(value: str, shown: str) -> str:
    text = number_text(float(value))
    digits = "".join(filter(str.isalnum, shown))
    # Fixed places, as of a ZIP code: "08542" of 8542, "08542-1234", "(609) 924-9529".
    is_fixed = digits.isdecimal() and digits != text and digits.lstrip("0") == text
    is_parted = digits == text and set(shown) & set("-()")
    return shown.strip() if is_fixed or is_parted else text


def _time(value: str) -> str:
    match = _TIME.fullmatch(value)
    if not match:
        return value
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return f"{24 * days + hours:02}:{minutes:02}:{seconds:02}"
