"""`manage.py backup DIR`: database, uploads and key in one file, while the site runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from backoffice.backups.archive import BackupError
from backoffice.backups.backup import back_up
from backoffice.backups.restore import verify


class Command(BaseCommand):
    help = "Back up the database, the uploads and the key into one file, while the site runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="Where the file is written.")
        parser.add_argument(
            "--verify",
            action="store_true",
            help="Restore the database of the backup elsewhere, and compare it.",
        )

    def handle(self, *, folder: Path, **options: Any) -> None:
        try:
            path = back_up(folder)
            if options["verify"]:
                verify(path)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_("Written: %s") % path)
