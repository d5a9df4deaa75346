"""`manage.py remove_old_imports`; the worker does the same every hour."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from backoffice.jobs.care import remove_abandoned_imports, remove_old_imports
from backoffice.submissions import remove_old_submissions


class Command(BaseCommand):
    help = (
        "Remove imports that nobody went on with for IMPORT_ABANDONED_DAYS, and the files of"
        " others after IMPORT_KEEP_DAYS."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(_("Removed %d abandoned imports.") % remove_abandoned_imports())
        self.stdout.write(_("Removed the files of %d imports.") % remove_old_imports())
        remove_old_submissions()
