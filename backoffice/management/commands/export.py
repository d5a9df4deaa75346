"""`manage.py export`: django-import-export's command, with filters and a file to write."""

import sys
from pathlib import Path

from django.contrib import admin
from django.core.management.base import BaseCommand, CommandError
from django.http import QueryDict
from django.utils.translation import gettext as _
from import_export.command_utils import get_format_class

from backoffice.exports.delimited import STREAMED, delimited_lines
from backoffice.exports.rows import export_rows
from backoffice.imports.resource import resource_class_named


class Command(BaseCommand):
    help = "Export a model's rows, all or filtered."

    def add_arguments(self, parser):
        add = parser.add_argument
        add("format", help="csv, tsv, xlsx or json.")
        add("resource", help="The model (library.Library) or a Resource by its dotted path.")
        add("--encoding", help="Of text formats; utf-8 if left out, utf-8-sig for Excel.")
        add(
            "--filter",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="Of the model's FilterSet: --filter state=NY. Can be repeated.",
        )
        add("-o", "--output", metavar="FILE", help="Write here instead of to stdout.")

    def handle(self, *args, **options):
        try:
            resource = resource_class_named(options["resource"])()
        except LookupError as error:
            raise CommandError(str(error), returncode=2) from error
        file_format = self.file_format(options["format"], options["encoding"])
        queryset = self.filtered(resource.get_queryset(), options["filter"])
        blocks = self.blocks(resource, queryset, file_format, options["encoding"] or "utf-8")
        self.write(blocks, options["output"], file_format.is_binary())

    @staticmethod
    def blocks(resource, queryset, file_format, encoding):
        """The file as blocks of bytes; delimited text is streamed."""
        if type(file_format) in STREAMED:
            rows = export_rows(resource, queryset)
            return delimited_lines(
                rows, delimiter=STREAMED[type(file_format)], encoding=encoding
            )
        data = file_format.export_data(resource.export(queryset))
        return [data.encode(encoding) if isinstance(data, str) else data]

    @staticmethod
    def file_format(name, encoding):
        try:
            return get_format_class(name, None, encoding)
        except CommandError as error:
            raise CommandError(str(error), returncode=2) from error

    @staticmethod
    def filtered(queryset, pairs):
        """`queryset` with the model's FilterSet applied.

        Raises CommandError for a name or a value that the FilterSet doesn't take.
        """
        filterset_class = getattr(
            admin.site._registry.get(queryset.model), "filterset_class", None
        )
        data = QueryDict(mutable=True)
        for pair in pairs:
            name, equals, value = pair.partition("=")
            known = filterset_class.base_filters if filterset_class else {}
            if not equals or name not in known:
                raise CommandError(
                    _("--filter wants NAME=VALUE with one of these names: %s")
                    % ", ".join(known),
                    returncode=2,
                )
            data.appendlist(name, value)
        if not data:
            return queryset
        filterset = filterset_class(data, queryset)
        if not filterset.is_valid():
            errors = "; ".join(
                f"{name}: {' '.join(messages)}" for name, messages in filterset.errors.items()
            )
            raise CommandError(errors, returncode=2)
        return filterset.qs

    def write(self, blocks, output, is_binary):
        if output:
            with Path(output).open("wb") as file:
                file.writelines(blocks)
        elif is_binary and sys.stdout.isatty():
            raise CommandError(
                _("This format is no text for a terminal: name a file with -o."), returncode=2
            )
        else:
            self.stdout.flush()
            getattr(self.stdout, "buffer", sys.stdout.buffer).writelines(blocks)
