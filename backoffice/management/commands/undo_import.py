"""`manage.py undo_import`: undo an import, an edit or a deletion."""

import json
import sys
import time
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from backoffice.changes.exemptions import exempt
from backoffice.changes.models import Change, JobStopped
from backoffice.changes.undo import UndoCounts, refusal
from backoffice.history.records import history_model
from backoffice.jobs.steps import undo_job, undo_of
from backoffice.management.asking import agreed
from backoffice.querysets.reach import EVERYTHING

SHOWN = 20  # records left alone that the terminal shows


class Command(BaseCommand):
    help = "Undo an import: delete the records it created, restore those it changed."

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("job", type=int, help="The number of the import.")
        add(
            "--except",
            action="append",
            default=[],
            metavar="PK",
            dest="exempt",
            help="Leave this record of the import's model alone. Can be repeated.",
        )
        add(
            "--noinput",
            "--no-input",
            action="store_false",
            dest="interactive",
            help="Don't ask before writing. With --json, it never asks.",
        )
        add("--json", action="store_true", help="Print one JSON object on stdout.")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        job = self.get_job(options["job"])
        try:
            self.exempt(job, options["exempt"])
            if not options["json"]:
                self.show(job)
                if options["interactive"] and not agreed(_("Undo the import? [yes/no]: ")):
                    raise CommandError(_("Nothing was undone."), returncode=2)
            undo = undo_job(job)
        except JobStopped as error:
            raise CommandError(_("Somebody else is undoing it."), returncode=2) from error
        if undo.status != Change.Status.DONE:
            raise CommandError(undo.error, returncode=2)
        counts = UndoCounts.of(undo)
        if options["json"]:
            seconds = round(time.monotonic() - started, 3)
            told = {"job": job.pk, "written": True, "seconds": seconds}
            self.stdout.write(json.dumps(counts.as_dict() | told))
        else:
            self.stdout.write(_("Undone."))
        if counts.left > counts.exempt:
            sys.exit(1)

    @staticmethod
    def get_job(number: int) -> Change:
        try:
            job = Change.objects.get(pk=number)
        except Change.DoesNotExist as error:
            raise CommandError(_("There is no import %d.") % number, returncode=2) from error
        if job.status != Change.Status.DONE:
            message = _("%(job)s can't be undone: it is %(status)s.")
            status = job.get_status_display()
            raise CommandError(message % {"job": job, "status": status}, returncode=2)
        if problem := refusal(job):
            raise CommandError(problem, returncode=2)
        return job

    @staticmethod
    def exempt(job: Change, keys: list[str]) -> None:
        """Have the undo leave these records alone, and no others."""
        model = job.model_class
        key = model._meta.pk
        try:
            wanted = {key.to_python(text) for text in keys}
        except ValidationError as error:
            raise CommandError(" ".join(error.messages), returncode=2) from error
        written = history_model(model)._base_manager.filter(history_change=job)
        found = written.filter(**{f"{key.attname}__in": wanted})
        records = dict(found.values_list(key.attname, "history_id"))
        if missing := wanted - records.keys():
            message = _("%(job)s wrote no record with the key %(keys)s.")
            listed = ", ".join(sorted(map(str, missing)))
            raise CommandError(message % {"job": job, "keys": listed}, returncode=2)
        exempt(job, model, records.values())

    def show(self, job: Change) -> None:
        """Show what the undo would do, and the first records that it would leave alone."""
        with undo_of(job) as undo:
            counts, left, notes = undo.plan(), undo.left(SHOWN, EVERYTHING), undo.notes()
        for note in notes:
            self.stderr.write(self.style.WARNING(note))
        for _model, _pk, text, why in left:
            self.stderr.write(self.style.WARNING(f"{text}: {why}"))
        self.stderr.write(
            _(
                "%(removed)d to remove, %(restored)d to restore, %(left)d left alone,"
                " %(gone)d already gone."
            )
            % counts.as_dict()
        )
