"""Workbooks that are a package of parts in a ZIP file: what xlsx, xlsb and ods share."""

import posixpath
import zipfile
from collections.abc import Callable, Iterator
from xml.parsers import expat

from .values import Damaged, Row, Sheet, Survey

BLOCK = 1 << 16
Attributes = dict[str, str]


def new_parser(separator: str | None = None) -> expat.XMLParserType:
    """A parser of a part. No workbook declares entities (ECMA-376-2, 8.1.4 forbids a DTD).

    Where one does, expat leaves out what it can't look up: “Em&e;ma” would be “Emma”.
    """
    parser = expat.ParserCreate(namespace_separator=separator)
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _refuse(*_declaration: object) -> None:
    raise Damaged


class Package:
    """The parts of a workbook, by their names in lower case."""

    def __init__(self, path: str):
        self.zip = zipfile.ZipFile(path)
        self.names = {
            name.replace("\\", "/").lstrip("/").lower(): name for name in self.zip.namelist()
        }

    def blocks(self, part: str) -> Iterator[bytes]:
        with self.zip.open(self.names[part]) as file:
            while block := file.read(BLOCK):
                yield block

    def elements(self, part: str) -> Iterator[tuple[str, Attributes]]:
        """The elements of a part as (name without its prefix, attributes)."""
        found: list[tuple[str, Attributes]] = []
        parser = new_parser()
        parser.StartElementHandler = lambda name, attributes: found.append(
            (name.rpartition(":")[2], attributes)
        )
        for block in self.blocks(part):
            parser.Parse(block)
            yield from found
            found.clear()
        parser.Parse(b"", True)
        yield from found

    def prefix(self, part: str) -> str:
        """What the names of a part's elements begin with, such as "x:", or ""."""
        names: list[str] = []
        parser = new_parser()
        parser.StartElementHandler = lambda name, _attributes: names.append(name)
        for block in self.blocks(part):
            parser.Parse(block)
            if names:
                break
        prefix, colon, _name = names[0].rpartition(":")
        return prefix + colon

    def parse(
        self,
        part: str,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None],
        text: Callable[[str], None],
        separator: str | None = None,
    ) -> Iterator[None]:
        """Parse a part; yield now and then, for what was found to be taken."""
        parser = new_parser(separator)
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = text
        for block in self.blocks(part):
            parser.Parse(block)
            yield
        parser.Parse(b"", True)
        yield

    def links(self, part: str) -> dict[str, tuple[str, str]]:
        """(type, part) of what a part refers to, by id."""
        folder, file = posixpath.split(part)
        links = f"{folder}/_rels/{file}.rels".lstrip("/")
        return {
            link.get("Id", ""): (
                link.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/" + folder, link.get("Target", "")))
                .lstrip("/")
                .lower(),
            )
            for name, link in (self.elements(links) if links in self.names else ())
            if name == "Relationship"
        }


class Workbook:
    """A book of sheets; what each format reads for itself."""

    format: str
    sheets: list[Sheet]

    def survey(self, sheet: Sheet) -> Survey:
        raise NotImplementedError

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """The rows that are not blank, from the first on."""
        raise NotImplementedError


class OfficeOpenWorkbook(Workbook):
    """xlsx and xlsb: a book with links to its sheets, styles and shared strings."""

    is_1904 = False

    def __init__(self, package: Package):
        self.package, self.sheets = package, []
        book = next(
            (p for kind, p in package.links("").values() if kind == "officeDocument"), ""
        )
        if book not in package.names:
            book = next(name for name in package.names if "workbook." in name)
        self.links = package.links(book)
        self.read_book(book)

    def read_book(self, book: str) -> None:
        raise NotImplementedError

    def add_sheet(self, name: str, is_hidden: bool, link: str) -> None:
        kind, part = self.links.get(link, ("", ""))
        if kind == "worksheet" and part in self.package.names:
            self.sheets.append(Sheet(name, is_hidden, part))

    def linked(self, kind: str) -> str | None:
        parts = (part for type, part in self.links.values() if type == kind)
        return next((part for part in parts if part in self.package.names), None)
