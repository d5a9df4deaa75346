"""`manage.py dumpdata`: Django's command, of one moment, in memory that does not grow."""

from typing import Any

from django.core.management.commands import dumpdata
from django.db import connections

from backoffice.querysets.reading import snapshot


class Command(dumpdata.Command):
    def handle(self, *app_labels: str, **options: Any) -> None:
        with snapshot(connections[options["database"]]):
            super().handle(*app_labels, **options)
