"""`manage.py lookalikes`: the records that look alike, in groups."""

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from backoffice.resources.references import ReferenceKey
from backoffice.resources.registry import match_key, resource_class_named
from backoffice.tables.lookalikes import groups_of_lookalikes
from backoffice.tables.table import Table


class Command(BaseCommand):
    help = "List the records of a model that look alike, in groups."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("resource", metavar="MODEL", help="The model: library.Library.")
        parser.add_argument("--json", action="store_true", help="Print a JSON list a group.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            model = resource_class_named(options["resource"])._meta.model
            match = match_key(model)
        except (LookupError, ImproperlyConfigured) as error:
            raise CommandError(str(error), returncode=2) from error
        table, key, count = Table(model), ReferenceKey(model), 0
        to_python = table.pk_field.to_python
        for group in groups_of_lookalikes(table, match):
            records = model._base_manager.using(table.connection.alias).filter(pk__in=group)
            names = {pk: full for pk, _label, full in key.queryset(records)}
            rows = [(pk, names[pk]) for pk in map(to_python, group) if pk in names]
            count += 1
            if options["json"]:
                found = [{"pk": pk, "name": name} for pk, name in rows]
                self.stdout.write(json.dumps(found, ensure_ascii=False, default=str))
            else:
                self.stdout.write("\n".join([*(f"{pk}  {name}" for pk, name in rows), ""]))
        if not options["json"]:
            self.stderr.write(_("Groups that look alike: %d.") % count)
