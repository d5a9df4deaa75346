"""`manage.py doctor`: whether the site is well, and what to do where it is not."""

import sys
from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.core.management.base import BaseCommand
from django.db import connection

from backoffice.health.checks import missing_file
from backoffice.health.probe import Probes

#: What these checks say, the probes have said.
SAID = ("backoffice.W106", "backoffice.W122")
NAMES = {
    "database": "The database",
    "migrations": "Migrations",
    "data": "The folder of data",
    "uploads": "The storage of uploads",
    "worker": "The worker",
    "machine": "This machine among others",
    "replica": "The replica",
}


class Command(BaseCommand):
    help = (
        "Say whether the database, its migrations, the folder of data, the storage of "
        "uploads, the worker and the replica, if there is one, are well, whether this machine "
        "has the key and the uploads of the others, and what check --deploy finds, with the "
        "remedies. Exit code 1 if something is wrong."
    )
    requires_system_checks = []  # they are what is told

    def handle(self, **options: Any) -> None:
        wrong = 0
        for name, found in Probes().ask().items():
            wrong += bool(found.problem)
            self._say(NAMES.get(name, name), found.problem)
        messages: Sequence[checks.CheckMessage] = []
        if missing_file(connection):  # whoever connects makes an empty one, which looks well
            wrong += 1
            self._say("The deployment", "It can't be checked without the database.")
        else:
            messages = checks.run_checks(include_deployment_checks=True)
        for message in messages:
            serious = message.level >= checks.WARNING and not message.is_silenced()
            if serious and message.id not in SAID:
                wrong += 1
                self._say(
                    message.id or "A check", f"{message.msg} {message.hint or ''}".strip()
                )
        if wrong:
            self.stdout.write(f"To put right: {wrong}.")
            sys.exit(1)
        self.stdout.write("All is well.")

    def _say(self, name: str, problem: str) -> None:
        if problem:
            self.stdout.write(self.style.ERROR(f"{name}: {problem}"))
        else:
            self.stdout.write(f"{name}: well.")
