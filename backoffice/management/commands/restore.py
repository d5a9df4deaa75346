"""`manage.py restore FILE`: put a backup in the place of what is there."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils.translation import gettext as _

from backoffice.backups import restore
from backoffice.backups.archive import BackupError
from backoffice.management.asking import agreed


class Command(BaseCommand):
    help = (
        "Replace the database, the uploads and the key by those of a backup. Stop the site and"
        " the workers first. What is there is backed up beside the file before."
    )
    requires_system_checks = ()  # which may ask a database that is damaged

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("file", type=Path, help="What manage.py backup wrote.")
        add(
            "--verify",
            action="store_true",
            help="Replace nothing: restore the database elsewhere, and compare.",
        )
        add("--yes", action="store_true", help="Do not ask.")
        add(
            "--without-backup",
            action="store_true",
            help="Do not back up what is there, such as a database that is damaged.",
        )

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            if options["verify"]:
                manifest = restore.verify(file)
                rows = {"rows": sum(manifest.rows.values()), "tables": len(manifest.rows)}
                self.stdout.write(
                    _("The backup is whole: %(rows)d rows in %(tables)d tables.") % rows
                )
                return
            if not options["yes"]:
                self._ask()
            for sentence in restore.restore(file, keep_present=not options["without_backup"]):
                self.stdout.write(sentence)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_("Restored. Start the site."))

    def _ask(self) -> None:
        database = connection.settings_dict
        named = "@".join(filter(None, [str(database["NAME"]), str(database["HOST"])]))
        self.stdout.write(
            _("The database %(database)s, and the files in %(folder)s, are replaced.")
            % {"database": named, "folder": settings.DATA_DIR}
        )
        if not agreed(_("Type “restore” to go on: "), "restore"):
            raise CommandError(_("Nothing was restored."))
