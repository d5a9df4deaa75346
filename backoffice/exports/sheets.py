"""Rows as a workbook: XLSX as a stream, ODS in a temporary file.

Cells are text, and in XLSX formatted as text too: a ZIP code keeps its leading zero also
where somebody types it. A text is in its cell ("inline"), not in a table of shared strings,
which would be complete only after the last row.
"""

import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _

from backoffice.exports.errors import ExportError
from backoffice.exports.rows import Rows
from backoffice.resources.letters import column_letters

SHEET_ROWS = 1_048_576  # of Excel and of LibreOffice, the header included
CELL_CHARACTERS = 32_767  # of Excel
BLOCK = 1 << 20

# XLSX (ECMA-376, part 1) -------------------------------------------------------------

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "_rels/.rels": (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    # Style 1 is text (number format 49), style 2 is that in bold, for the header.
    "xl/styles.xml": (
        f"{_XML}<styleSheet {_MAIN}>"
        '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border>'
        "</borders>"
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        "</cellStyleXfs>"
        '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0"'
        ' applyNumberFormat="1"/>'
        '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0"'
        ' applyNumberFormat="1" applyFont="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
        "</styleSheet>"
    ),
}
_SHEET = (
    f'{_XML}<worksheet {_MAIN}><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    '</sheetView></sheetViews><cols><col min="1" max="{width}" width="24" style="1"'
    ' customWidth="1"/></cols><sheetData>'
)
_SHEET_END = "</sheetData></worksheet>"
_CELL, _CELL_END = '<c s="1" t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"
# What XML can't hold or would change, and what reads like the escape for it (22.9.2.19).
_ODD = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_CR, _CR_ESCAPED = "\r", "&#13;"  # XML makes a line feed of it as it stands
_NEXT_CELL, _NEXT_ROW = "\x01", "\x02"


def xlsx_blocks(*sheets: Iterable[Rows], names: Sequence[str] = ("Export",)) -> Iterator[bytes]:
    """Yield chunks of rows as the bytes of a workbook, while it is made; its sheets have names.

    Raises ExportError where there are more than a sheet has.
    """
    sink = _Sink()
    # Level 1: a fifth larger than level 6, in a third of the time.
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in {**_PARTS, **_parts_of_sheets(names)}.items():
            archive.writestr(name, text)
        for at, chunks in enumerate(sheets, 1):
            number = 1
            with archive.open(f"xl/worksheets/sheet{at}.xml", "w") as sheet:
                for rows in chunks:
                    xml = _xlsx_rows(rows, number)
                    if number == 1:
                        xml = _SHEET.format(width=len(rows[0])) + xml.replace('s="1"', 's="2"')
                    number += len(rows)
                    _check_rows(number - 1)
                    sheet.write(xml.encode())
                    yield sink.take()
                sheet.write(_SHEET_END.encode())
    yield sink.take()


def _parts_of_sheets(names: Sequence[str]) -> dict[str, str]:
    """The parts of a workbook that name its sheets."""
    types, sheets, links = [], [], []
    for at, name in enumerate(map(escape, names), 1):
        part = f"worksheets/sheet{at}.xml"
        types.append(f'<Override PartName="/xl/{part}" ContentType="{_TYPE}.worksheet+xml"/>')
        sheets.append(f'<sheet name="{name}" sheetId="{at}" r:id="rId{at}"/>')
        links.append(f'<Relationship Id="rId{at}" Type="{_OFFICE}/worksheet" Target="{part}"/>')
    return {
        "[Content_Types].xml": (
            f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels"'
            ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
            f"{''.join(types)}</Types>"
        ),
        "xl/workbook.xml": (
            f'{_XML}<workbook {_MAIN} xmlns:r="{_OFFICE}">'
            f"<sheets>{''.join(sheets)}</sheets></workbook>"
        ),
        "xl/_rels/workbook.xml.rels": (
            f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{"".join(links)}'
            f'<Relationship Id="rIdStyles" Type="{_OFFICE}/styles" Target="styles.xml"/>'
            "</Relationships>"
        ),
    }


def _check_rows(rows: int) -> None:
    if rows > SHEET_ROWS:
        raise ExportError(
            _("A sheet has room for %s rows. Choose CSV, or export less.")
            % f"{SHEET_ROWS - 1:,}"
        )


def _xlsx_rows(rows: Rows, first: int) -> str:
    """The XML of rows; `first` is the number of the first."""
    lines = list(map(_NEXT_CELL.join, rows))
    text = _NEXT_ROW.join(lines)
    cells = len(rows) * (len(rows[0]) - 1)
    odd = (
        max(map(len, lines)) > CELL_CHARACTERS // 2  # which Excel counts in UTF-16
        or text.count(_NEXT_CELL) != cells
        or text.count(_NEXT_ROW) != len(rows) - 1
        or _CR in text
        or _ODD.search(text.replace(_NEXT_CELL, "").replace(_NEXT_ROW, ""))
    )
    if odd:
        return "".join(_odd_row(row, number) for number, row in enumerate(rows, first))
    text = escape(text).replace(_NEXT_CELL, _CELL_END + _CELL)
    text = text.replace(_NEXT_ROW, f"{_CELL_END}</row><row>{_CELL}")
    return f"<row>{_CELL}{text}{_CELL_END}</row>"


def _odd_row(row: Sequence[str], number: int) -> str:
    cells = (_odd_cell(text, column, number) for column, text in enumerate(row))
    return f"<row>{''.join(cells)}</row>"


def _odd_cell(text: str, column: int, number: int) -> str:
    if len(text.encode("utf-16-le")) > 2 * CELL_CHARACTERS:
        # An import rejects a row with an error cell, where a shortened text would go in.
        place = f"{column_letters(column)}{number}"
        return f'<c r="{place}" s="1" t="e"><v>#N/A</v></c>'
    text = escape(_ODD.sub(_escape_odd, text))
    return f"{_CELL}{text.replace(_CR, _CR_ESCAPED)}{_CELL_END}"


def _escape_odd(match: re.Match[str]) -> str:
    return f"_x{ord(match[0]):04X}_"


class _Sink:
    """An unseekable file for zipfile; `take()` gives what was written since."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: Any) -> int:
        self.written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing to do."""

    close = flush

    def take(self) -> bytes:
        data = b"".join(self.written)
        self.written.clear()
        return data


# ODS (OpenDocument 1.3, part 3) ------------------------------------------------------

_ODF = "urn:oasis:names:tc:opendocument:xmlns"
_ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_MANIFEST = (
    f'{_XML}<manifest:manifest xmlns:manifest="{_ODF}:manifest:1.0" manifest:version="1.3">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_ODS_TYPE}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    "</manifest:manifest>"
)
_CONTENT = (
    f'{_XML}<office:document-content xmlns:office="{_ODF}:office:1.0"'
    f' xmlns:table="{_ODF}:table:1.0" xmlns:text="{_ODF}:text:1.0" office:version="1.3">'
    '<office:body><office:spreadsheet><table:table table:name="Export">'
)
_CONTENT_END = "</table:table></office:spreadsheet></office:body></office:document-content>"
# What XML can't hold, and OpenDocument has no escape for.
_NOT_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_BLANKS = re.compile("  +|^ | $", re.MULTILINE)


def ods_blocks(chunks: Iterable[Rows]) -> Iterator[bytes]:
    """Yield chunks of rows as the bytes of a workbook, once it is made.

    Its first entry must have its length in front of it, which a stream can't go back to.
    Raises ExportError where there are more rows than a sheet has, or a character that XML
    can't hold: without it, an import would take the text for another.
    """
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("mimetype", _ODS_TYPE, zipfile.ZIP_STORED)
            archive.writestr("META-INF/manifest.xml", _MANIFEST)
            with archive.open("content.xml", "w") as content:
                content.write(_CONTENT.encode())
                number, header = 0, list[str]()
                for rows in chunks:
                    header = header or list(rows[0])
                    _refuse_not_xml(rows, number, header)
                    number += len(rows)
                    _check_rows(number)
                    content.write("".join(map(_ods_row, rows)).encode())
                content.write(_CONTENT_END.encode())
        file.seek(0)
        yield from iter(lambda: file.read(BLOCK), b"")


def _refuse_not_xml(rows: Rows, before: int, header: Sequence[str]) -> None:
    if not _NOT_XML.search("".join(chain.from_iterable(rows))):
        return
    for number, row in enumerate(rows, before + 1):
        for name, text in zip(header, row, strict=True):
            if _NOT_XML.search(text):
                raise ExportError(
                    _(
                        "ODS can't hold a character of row %(row)s, %(column)s: “%(text)s”."
                        " Choose XLSX or CSV, or mend the record."
                    )
                    % {"row": number, "column": name, "text": _NOT_XML.sub("\ufffd", text)[:60]}
                )


def _ods_row(row: Sequence[str]) -> str:
    return f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>"


def _ods_cell(text: str) -> str:
    text = _BLANKS.sub(lambda match: f'<text:s text:c="{len(match[0])}"/>', escape(text))
    text = text.replace("\t", "<text:tab/>").replace(_CR, _CR_ESCAPED)
    paragraphs = text.replace("\n", "</text:p><text:p>")
    return (
        '<table:table-cell office:value-type="string">'
        f"<text:p>{paragraphs}</text:p></table:table-cell>"
    )
