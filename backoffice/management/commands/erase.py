"""`manage.py erase`: erase a person from rows, history, the trail and files."""

import json
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from backoffice.erasure.erase import Erasure, NotErased
from backoffice.management.asking import agreed


class Command(BaseCommand):
    help = "Erase a person: the record, its history, and the name wherever it was kept."

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("model", help="The record's model: library.Patron.")
        add("pk", help="The record's key, also of one that was deleted.")
        add("-n", "--dry-run", action="store_true", help="Say what would be erased.")
        add(
            "--noinput",
            "--no-input",
            action="store_false",
            dest="interactive",
            help="Don't ask. With --json, it never asks.",
        )
        add("--json", action="store_true", help="Print one JSON object on stdout.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            erasure = self.erasure(options["model"], options["pk"])
            erasure.check()
            found = erasure.found()
            self.show(found, erasure.namesakes(), as_json=options["json"])
            if options["dry_run"]:
                return
            asks = options["interactive"] and not options["json"]
            if asks and not agreed(_("Erase all of this for ever? [yes/no]: ")):
                raise CommandError(_("Nothing was erased."), returncode=2)
            erasure.run(name=_("command line"))
        except NotErased as error:
            raise CommandError(str(error), returncode=2) from error
        if not options["json"]:
            self.stdout.write(_("Erased. Backups and copies that others have still name them."))

    @staticmethod
    def erasure(label: str, key: str) -> Erasure:
        try:
            model = apps.get_model(label)
            return Erasure(model, model._meta.pk.to_python(key))
        except (LookupError, ValueError) as error:
            raise CommandError(_("There is no model %s.") % label, returncode=2) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages), returncode=2) from error

    def show(self, found: dict[str, int], namesakes: int, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"found": found, "namesakes": namesakes}))
            return
        for what, number in found.items():
            self.stdout.write(f"{number:,} {what}")
        if namesakes:
            text = _(
                "%d others have the same name: they stay, their lines of the trail lose it."
            )
            self.stdout.write(text % namesakes)
