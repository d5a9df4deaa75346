"""`manage.py export`: django-import-export's command, with filters and a file to write."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from backoffice.exports.delimited import can_write
from backoffice.exports.errors import ExportError
from backoffice.exports.export import Export
from backoffice.exports.formats import FORMATS, Format, format_named
from backoffice.filters.pairs import WrongFilter, filtered
from backoffice.management.files import replacing
from backoffice.outages import outage_of
from backoffice.resources.registry import resource_class_named
from backoffice.resources.resource import Resource


class Command(BaseCommand):
    help = "Export a model's rows, all or filtered."

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        names = ", ".join(format_class.name for format_class in FORMATS)
        add("format", help=f"One of {names}.")
        add("resource", help="The model (library.Library) or a Resource by its dotted path.")
        add("--encoding", help="For CSV and TSV; utf-8 by default, utf-8-sig for Excel.")
        add("--columns", help="The names of the columns, in their order: name,zip_code.")
        add(
            "--filter",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="A filter of the model's FilterSet: --filter state=NY. Can be repeated.",
        )
        add("-o", "--output", metavar="FILE", help="Write here instead of to stdout.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            export = self.export(options)
            export.check()
            self.write(export, options["output"])
        except (LookupError, ExportError) as error:
            raise CommandError(str(error), returncode=2) from error
        except OSError as error:
            raise CommandError(
                _("%(file)s can't be written (%(why)s): name another with -o.")
                % {"file": options["output"] or "stdout", "why": error.strerror or error},
                returncode=2,
            ) from error
        except Error as error:
            if not (outage := outage_of(error)):
                raise
            said = _("The export broke off, and what was written is not whole.")
            if options["output"]:
                said = _("The export broke off, and no file was made.")
            message = f"{said} {outage.title}. {outage.text}"
            raise CommandError(message, returncode=2) from error
        except UnicodeEncodeError as error:
            raise CommandError(
                _("%(encoding)s has no “%(text)s”: leave --encoding out.")
                % {"encoding": error.encoding, "text": error.object[error.start : error.end]},
                returncode=2,
            ) from error

    def export(self, options: dict[str, Any]) -> Export:
        resource = resource_class_named(options["resource"])()
        file_format = format_named(options["format"])
        return Export(
            resource,
            self.filtered(resource.get_queryset(), options["filter"]),
            file_format,
            names=self.columns(resource, options["columns"]),
            encoding=self.encoding(file_format, options["encoding"]),
            selection=", ".join(options["filter"]),
        )

    @staticmethod
    def columns(resource: Resource, given: str | None) -> list[str]:
        usual = list(resource.get_export_order())
        known = [*usual, *resource.related]
        names = [name.strip() for name in given.split(",")] if given else usual
        if not set(names) <= set(known) or len(set(names)) < len(names):
            raise CommandError(
                _("--columns wants some of these, each once: %s") % ",".join(known),
                returncode=2,
            )
        return names

    @staticmethod
    def encoding(file_format: Format, given: str | None) -> str:
        if given and not file_format.has_encoding:
            raise CommandError(_("--encoding is for CSV and TSV."), returncode=2)
        if given and not can_write(given):
            raise CommandError(
                _("There is no encoding “%s” for text. Take utf-8, or utf-8-sig for Excel.")
                % given,
                returncode=2,
            )
        return given or "utf-8"

    @staticmethod
    def filtered(queryset: QuerySet[Any], pairs: Sequence[str]) -> QuerySet[Any]:
        try:
            return filtered(queryset, pairs, "--filter")
        except WrongFilter as error:
            raise CommandError(str(error), returncode=2) from error

    def write(self, export: Export, output: str | None) -> None:
        if output:
            with replacing(Path(output)) as file:
                file.writelines(export.logged_blocks())
        elif export.format.is_binary() and sys.stdout.isatty():
            raise CommandError(
                _("This format is no text for a terminal: name a file with -o."), returncode=2
            )
        else:
            self.stdout.flush()
            stdout = getattr(self.stdout, "buffer", sys.stdout.buffer)
            try:
                stdout.writelines(export.logged_blocks())
                stdout.flush()
            except (
                BrokenPipeError
            ):  # `| head` stopped reading, and Python would flush again at exit
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
