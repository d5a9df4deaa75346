"""`manage.py import_folder`: import what waits in IMPORT_FOLDER, as the worker does."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from backoffice.jobs import feeds
from backoffice.jobs.care import take_up_dead_jobs


class Command(BaseCommand):
    help = "Import the files that wait in IMPORT_FOLDER, each as its folder's profile says."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IMPORT_FOLDER:
            raise CommandError(_("IMPORT_FOLDER is not set."), returncode=2)
        for name in feeds.unknown_folders():
            message = _("No profile is called “%s”: the files in this folder stay.")
            self.stderr.write(self.style.WARNING(message % name))
        take_up_dead_jobs()
        outcomes = feeds.look(at_once=True)
        for outcome in outcomes:
            style = self.style.ERROR if outcome.is_rejected else str
            path = str(outcome.path).encode(errors="replace").decode()
            self.stdout.write(f"{path}\n{style(outcome.report)}")
        if any(outcome.is_rejected for outcome in outcomes):
            sys.exit(1)
