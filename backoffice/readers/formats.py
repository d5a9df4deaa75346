"""What kind of file it is, by its content: names and extensions lie."""

import re
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.readers.encoding import as_utf_8
from backoffice.readers.limits import ReaderError

START = 4096
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
EXPORT = gettext_lazy("Export it as CSV, or save it as an Excel workbook (xlsx).")
UNPACK = gettext_lazy("Unpack it and choose the file that is in it.")
# https://en.wikipedia.org/wiki/List_of_file_signatures
REFUSED = (
    (rb"\x1f\x8b", gettext_lazy("compressed with gzip"), UNPACK),
    (rb"BZh[1-9]", gettext_lazy("compressed with bzip2"), UNPACK),
    (rb"\xfd7zXZ\0", gettext_lazy("compressed with xz"), UNPACK),
    (rb"\x28\xb5\x2f\xfd", gettext_lazy("compressed with Zstandard"), UNPACK),
    (rb"7z\xbc\xaf\x27\x1c", gettext_lazy("a 7-Zip archive"), UNPACK),
    (rb"Rar!\x1a\x07", gettext_lazy("a RAR archive"), UNPACK),
    # https://www.loc.gov/marc/bibliographic/bdleader.html
    (rb"\d{5}[acdnp][ -~]{3}[ a]22\d{5}", gettext_lazy("a MARC file"), EXPORT),
    (rb"%PDF-", gettext_lazy("a PDF"), EXPORT),
    (rb"\x89PNG|\xff\xd8\xff|GIF8[79]a", gettext_lazy("a picture"), EXPORT),
    (rb"SQLite format 3\0", gettext_lazy("an SQLite database"), EXPORT),
    (rb"PAR1", gettext_lazy("a Parquet file"), EXPORT),
    (rb"\{\\rtf", gettext_lazy("a text document (RTF)"), EXPORT),
    (
        rb'(?:\xef\xbb\xbf)?\s*\[\s*(?:[\[\]]|"[^"\]]*"\s*,)',
        gettext_lazy("JSON, but no list of records"),
        EXPORT,
    ),
    (
        rb"(?i)(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|table)\b",
        gettext_lazy("a web page (HTML)"),
        EXPORT,
    ),
    (rb"(?i)(?:\xef\xbb\xbf)?\s*<\?xml\b", gettext_lazy("XML"), EXPORT),
)
# A record that is an object: the first of a list, of a line, of a YAML list.
OBJECTS = {
    "json": re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*\{\s*[\"}]"),
    "jsonl": re.compile(rb"(?:\xef\xbb\xbf)?\s*\{\s*[\"}]"),
    "yaml": re.compile(rb"(?:\xef\xbb\xbf)?\s*- +\{\s*[\"}]"),
}
# Lists of mappings and mappings of lists in block style, after comments and directives.
BLOCK_YAML = re.compile(
    rb"(?:\s*(?:#.*|---.*|%.*)?\n)*\s*(?:- +(?:- +)?[\"']?[\w .-]+[\"']?:(?:\s|$)"
    rb"|-[ \t]*\r?\n[ \t]+[\w .-]+:\s|[\w-]+:[ \t]*\r?\n[ \t]*- )"
)
DESCRIPTIONS = {
    "xlsx": gettext_lazy("an Excel workbook (xlsx)"),
    "xlsb": gettext_lazy("a binary Excel workbook (xlsb)"),
    "xls": gettext_lazy("an Excel 97–2003 workbook (xls)"),
    "ods": gettext_lazy("an OpenDocument spreadsheet (ods)"),
    "csv": gettext_lazy("delimited text (csv)"),
    "json": gettext_lazy("JSON (json)"),
    "jsonl": gettext_lazy("JSON Lines (jsonl)"),
    "yaml": gettext_lazy("YAML (yaml)"),
}


def find_format(path: Path, given: str | None, file_name: str | None = None) -> str:
    """One of "json", "jsonl", "yaml" (of JSON objects), "block yaml", "csv" for other text, or
    "workbook" for a container of which only `Spreadsheet` finds out what it holds.

    Raises ReaderError for a file that is empty, of another kind, or not of the format given;
    OSError where there is no file.
    """
    if given and _name(given) not in DESCRIPTIONS:
        raise ReaderError(
            _(
                "The format “%(given)s” is not known. Choose csv, tsv, xlsx, xls, xlsb, "
                "ods, json, jsonl or yaml."
            )
            % {"given": given}
        )
    with path.open("rb") as file:
        start = as_utf_8(file.read(START))
    if len(start) < START and not start.strip():
        raise ReaderError(_("The file is empty. Choose a file with a header row and rows."))
    if start.startswith((*ZIP, OLE)):
        return "workbook"
    for pattern, kind, remedy in REFUSED:
        if re.match(pattern, start):
            raise ReaderError(
                _("The file is %(kind)s, not a table that can be read. %(remedy)s")
                % {"kind": kind, "remedy": remedy}
            )
    found = next((name for name, pattern in OBJECTS.items() if pattern.match(start)), "csv")
    is_named_yaml = Path(file_name or path).suffix.lower() in (".yaml", ".yml")
    if found == "csv" and (
        _name(given or "") == "yaml"
        or (not given and (is_named_yaml or BLOCK_YAML.match(start)))
    ):
        return "block yaml"
    check_format(found, given)
    return found


def check_format(found: str, given: str | None) -> None:
    """Raises ReaderError where the file is of another format than the one given."""
    if given and _name(given) != found:
        raise ReaderError(
            _(
                "The file is %(descriptions)s, not %(given)s. Choose %(found)s as the "
                "format, or leave it to be detected."
            )
            % {"descriptions": DESCRIPTIONS[found], "given": given, "found": found}
        )


def _name(given: str) -> str:
    name = given.lower().removeprefix(".")
    return {"tsv": "csv", "xlsm": "xlsx"}.get(name, name)
