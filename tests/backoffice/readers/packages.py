"""Workbooks that no program would write, made of their parts."""

import struct
import zipfile

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
LINKS = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
ODS = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text", "style", "draw")
)
HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c></row>'


def write_zip(path, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def links(*pairs):
    """A part with links to other parts: pairs of type and target, rId1 the first."""
    found = "".join(
        f'<Relationship Id="rId{i}" Type="{OFFICE}/{type}" Target="{target}"/>'
        for i, (type, target) in enumerate(pairs, 1)
    )
    return f"<Relationships {LINKS}>{found}</Relationships>"


def xlsx(path, rows, *, after="", strings="", styles="", **parts):
    """An xlsx of one sheet: `rows` is the XML in its sheetData, `after` what follows that."""
    return write_zip(
        path,
        {
            "_rels/.rels": links(("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets>'
            '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": links(
                ("worksheet", "worksheets/sheet1.xml"),
                ("sharedStrings", "sharedStrings.xml"),
                ("styles", "styles.xml"),
            ),
            "xl/sharedStrings.xml": f"<sst {MAIN}>{strings}</sst>",
            "xl/styles.xml": f"<styleSheet {MAIN}>{styles}</styleSheet>",
            "xl/worksheets/sheet1.xml": f"<worksheet {MAIN}><sheetData>{rows}</sheetData>"
            f"{after}</worksheet>",
            **parts,
        },
    )


def ods(path, *tables, automatic_styles="", **parts):
    """An ods: `tables` are (name, XML of its rows)."""
    body = "".join(
        f'<table:table table:name="{name}">{rows}</table:table>' for name, rows in tables
    )
    return write_zip(
        path,
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": f"<office:document-content {ODS} xmlns:calcext="
            '"urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
            f"<office:automatic-styles>{automatic_styles}</office:automatic-styles>"
            f"<office:body><office:spreadsheet>{body}</office:spreadsheet></office:body>"
            "</office:document-content>",
            **parts,
        },
    )


# xlsb ------------------------------------------------------------------------------------


def record(kind, content=b""):
    head = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return head + length + bytes([size]) + content


def wide(text):
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def row_record(number, *, hidden=False):
    flags = 0x10 if hidden else 0
    return record(0, struct.pack("<IIHBB", number - 1, 0, 300, 0, flags) + bytes(5))


def cell_record(kind, column, content, style=0):
    return record(kind, struct.pack("<II", column, style) + content)


def text_record(column, text):
    return cell_record(6, column, wide(text))


def xlsb(path, *records, sheets=("S",), formats=()):
    """An xlsb: its first sheet has these records, the others none.

    `formats` are the number formats of the styles 1 …
    """
    custom = b"".join(
        record(44, struct.pack("<H", 200 + i) + wide(code)) for i, code in enumerate(formats)
    )
    codes = [0, *(200 + i for i in range(len(formats)))]
    styles = b"".join(record(47, struct.pack("<HH", 0, code) + bytes(12)) for code in codes)
    book = b"".join(
        record(156, struct.pack("<II", 0, i) + wide(f"rId{i}") + wide(name))
        for i, name in enumerate(sheets, 1)
    )
    targets = [("worksheet", f"worksheets/sheet{i}.bin") for i in range(1, len(sheets) + 1)]
    return write_zip(
        path,
        {
            "_rels/.rels": links(("officeDocument", "xl/workbook.bin")),
            "xl/workbook.bin": record(153, bytes(8)) + book,
            "xl/_rels/workbook.bin.rels": links(*targets, ("styles", "styles.bin")),
            "xl/styles.bin": custom + record(617) + styles + record(618),
            **{f"xl/{target}": b"" for _type, target in targets},
            "xl/worksheets/sheet1.bin": b"".join(records),
        },
    )


# xls -------------------------------------------------------------------------------------

WORKBOOK = "Workbook"


def biff(kind, content=b""):
    return struct.pack("<HH", kind, len(content)) + content


def container(path, stream, name=WORKBOOK):
    """A compound file ([MS-CFB]) with one stream of at least 4096 bytes."""
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    sectors = len(stream) // 512
    tables = -(-(sectors + 2) // 127)
    chain = [0xFFFFFFFD] * tables + [0xFFFFFFFE]  # the tables, then the folder, the stream
    first = len(chain)
    chain += [*range(first + 1, first + sectors), 0xFFFFFFFE]
    chain += [0xFFFFFFFF] * (tables * 128 - len(chain))

    def entry(title, type, child, start, size):
        text = title.encode("utf-16-le")
        return (
            text.ljust(64, b"\0")
            + struct.pack("<HBBiii", len(text) + 2, type, 1, -1, -1, child)
            + bytes(36)
            + struct.pack("<IQ", start, size)
        )

    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    header += struct.pack("<IIIIiIiI", tables, tables, 0, 4096, -2, 0, -2, 0)
    header += struct.pack("<109i", *range(tables), *[-1] * (109 - tables))
    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(name, 2, -1, first, len(stream))
    folder = folder.ljust(512, b"\0")
    path.write_bytes(header + struct.pack(f"<{len(chain)}I", *chain) + folder + stream)
    return path


def xls(path, *records, protected=False):
    """An xls of one sheet with these records."""
    start = biff(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6))
    start += biff(0x2F, bytes(6) + b"\1\0") if protected else b""
    style = biff(0xE0, struct.pack("<HH", 0, 0) + bytes(16))
    percent = biff(0xE0, struct.pack("<HH", 0, 9) + bytes(16))
    date = biff(0xE0, struct.pack("<HH", 0, 14) + bytes(16))
    styles = biff(0x31, bytes(14) + b"\1\0A") * 5 + style + percent + date
    sheet_size = len(biff(0x85, bytes(6) + b"\1\0S")) + len(biff(0x0A))
    place = len(start) + len(styles) + sheet_size
    start += styles + biff(0x85, struct.pack("<IBB", place, 0, 0) + b"\1\0S") + biff(0x0A)
    sheet = biff(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 6))
    return container(path, start + sheet + b"".join(records) + biff(0x0A))


def label(row, column, text, style=0):
    content = struct.pack("<HHHHB", row - 1, column, style, len(text), 0) + text.encode()
    return biff(0x204, content)


def number(row, column, value, style=0):
    return biff(0x203, struct.pack("<HHHd", row - 1, column, style, value))
