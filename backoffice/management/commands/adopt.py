"""`manage.py adopt key`: this machine's secret key is from now on that of all."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from backoffice import machines


class Command(BaseCommand):
    help = (
        "Take this machine's secret key, or its DATA_DIR, for that of all machines: after a "
        "change of the key, or a move of the folder. Others that differ do not start any more."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", metavar="key|data", nargs="+", choices=machines.NAMES)

    def handle(self, *, names: list[str], **options: Any) -> None:
        for name in names:
            machines.adopt(name)
        self.stdout.write(_("Adopted. Give it to the other machines, and start them again."))
