"""`manage.py retain`: remove what is too old; the worker does the same every hour."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from backoffice.jobs.retention import retain


class Command(BaseCommand):
    help = "Remove what is older than the settings say: history, activity, jobs, files."

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("-n", "--dry-run", action="store_true", help="Say how many of what would go.")
        add("--json", action="store_true", help="Print one JSON object on stdout.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = retain(dry_run=options["dry_run"])
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        would = _("Would remove %(number)d %(what)s.")
        text = would if options["dry_run"] else _("Removed %(number)d %(what)s.")
        for what, number in found.items():
            self.stdout.write(text % {"number": number, "what": what})
        if not found:
            self.stdout.write(_("Nothing is too old."))
