"""`manage.py serve`: run all processes of the back office until Ctrl-C."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from backoffice.management.processes import run_together


class Command(BaseCommand):
    help = (
        "Serve the back office with gunicorn (gunicorn.conf.py) on PORT, 8000 by default, of "
        "127.0.0.1, and run a worker beside it. Ctrl-C stops everything."
    )

    def handle(self, **options: Any) -> None:
        processes = [
            [sys.executable, "-m", "gunicorn", "backoffice.wsgi"],
            [sys.executable, "manage.py", "worker"],
        ]
        if run_together(processes, cwd=settings.BASE_DIR):
            sys.exit("A process of the server ended by itself; its last lines say why.")
