"""The formats of exports, as django-import-export's format classes that stream."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.formats import base_formats

from backoffice.exports.delimited import delimited_blocks
from backoffice.exports.errors import ExportError
from backoffice.exports.objects import object_blocks
from backoffice.exports.rows import Rows
from backoffice.exports.sheets import SHEET_ROWS, ods_blocks, xlsx_blocks


class Format(base_formats.Format):
    """`name` is also the file's extension; `blocks` makes the file."""

    name = content_type = ""
    has_encoding = False
    is_text = True
    is_sheet = False
    #: Why the format takes few rows only (str or lazy); "" if it takes many.
    whole: Any = ""
    #: Whether the first block comes after all rows.
    is_made_first = False

    def get_title(self) -> str:
        return self.name

    def get_extension(self) -> str:
        return self.name

    def get_content_type(self) -> str:
        return self.content_type

    def is_binary(self) -> bool:
        return not self.is_text

    def can_export(self) -> bool:
        return True

    @property
    def most_rows(self) -> int | None:
        """The largest number of rows below the header; None if there is no limit."""
        most = settings.EXPORT_MAX_WHOLE_ROWS if self.whole else None
        return min(most or SHEET_ROWS, SHEET_ROWS - 1) if self.is_sheet else most

    def too_many(self) -> ExportError:
        """The error for more rows than `most_rows`."""
        reason = self.whole or _("A sheet has no room for more.")
        return ExportError(
            _("%(format)s takes %(most)s rows at most. %(reason)s Choose CSV, or filter.")
            % {
                "format": self.name.upper(),
                "most": f"{self.most_rows:,}",
                "reason": reason,
            }
        )

    def blocks(self, chunks: Iterator[Rows], encoding: str = "utf-8") -> Iterator[bytes]:
        """The file as blocks of bytes. `chunks` are those of `rows.export_chunks`."""
        raise NotImplementedError


class CSV(Format):
    name, content_type = "csv", "text/csv"
    has_encoding = True
    delimiter = ","

    def blocks(self, chunks: Iterator[Rows], encoding: str = "utf-8") -> Iterator[bytes]:
        return delimited_blocks(chunks, delimiter=self.delimiter, encoding=encoding)


class TSV(CSV):
    name, content_type = "tsv", "text/tab-separated-values"
    delimiter = "\t"


class XLSX(Format):
    name = "xlsx"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    is_text, is_sheet = False, True

    def blocks(self, chunks: Iterator[Rows], encoding: str = "utf-8") -> Iterator[bytes]:
        return xlsx_blocks(chunks)


class ODS(Format):
    name = "ods"
    content_type = "application/vnd.oasis.opendocument.spreadsheet"
    is_text, is_sheet, is_made_first = False, True, True
    whole = gettext_lazy("It can be sent only once all of it is made.")

    def blocks(self, chunks: Iterator[Rows], encoding: str = "utf-8") -> Iterator[bytes]:
        return ods_blocks(chunks)


class JSON(Format):
    name, content_type = "json", "application/json"

    def blocks(self, chunks: Iterator[Rows], encoding: str = "utf-8") -> Iterator[bytes]:
        return object_blocks(chunks, start="[\n", between=",\n", end="\n]\n")


class JSONLines(Format):
    name, content_type = "jsonl", "application/jsonl"  # JSON Lines

    def blocks(self, chunks: Iterator[Rows], encoding: str = "utf-8") -> Iterator[bytes]:
        return object_blocks(chunks)


class YAML(Format):
    name, content_type = "yaml", "application/yaml"
    whole = gettext_lazy("Programs that read it hold all of it in memory.")

    def blocks(self, chunks: Iterator[Rows], encoding: str = "utf-8") -> Iterator[bytes]:
        return object_blocks(chunks, before="- ")


#: In the order of django-import-export, whose forms number them; new ones at the end.
FORMATS: list[type[Format]] = [CSV, XLSX, TSV, JSON, ODS, JSONLines, YAML]


def format_named(name: str) -> Format:
    """The format with this name; case doesn't matter. Raises LookupError."""
    for format_class in FORMATS:
        if name.lower() in (format_class.name, format_class.__name__.lower()):
            return format_class()
    raise LookupError(
        _("The format “%(name)s” is not known. Choose one of %(names)s.")
        % {"name": name, "names": ", ".join(format_class.name for format_class in FORMATS)}
    )
