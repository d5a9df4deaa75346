"""`manage.py move_database URL`: copy all rows to another, empty database."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.utils import load_backend
from django.utils.translation import gettext as _

from backoffice import addresses
from backoffice.backups.archive import BackupError
from backoffice.backups.moving import move_to
from backoffice.management.asking import secret


class Command(BaseCommand):
    help = (
        "Copy all rows to another, empty database, such as from SQLite to PostgreSQL. Stop the"
        " site and the workers first; then set DATABASE_URL to the other one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "url",
            metavar="URL",
            nargs="?",
            help="As DATABASE_URL has it. It is asked for if it is left out, so that no list of"
            " processes shows its password.",
        )

    def handle(self, *, url: str | None, **options: Any) -> None:
        def said(table: str, number: int) -> None:
            if number and options["verbosity"] > 1:
                self.stdout.write(f"{number:>12,} {table}")

        if url is None:
            url = secret(_("The address of the other database, as DATABASE_URL has it: "))
        try:
            settings = addresses.read("URL", url, environ.Env.db_url_config)
            load_backend(settings["ENGINE"])
        except (KeyError, ImproperlyConfigured) as error:
            raise CommandError(_("That is no address of a database.")) from error
        try:
            counts = move_to(settings, said)
        except BackupError as error:
            raise CommandError(str(error)) from error
        numbers = {"rows": sum(counts.values()), "tables": len(counts)}
        self.stdout.write(_("Copied: %(rows)d rows of %(tables)d tables.") % numbers)
