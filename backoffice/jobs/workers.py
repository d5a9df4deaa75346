"""Signs of life of workers: a row of each, by the database's clock.

All machines see them, whatever files they share, and their clocks need not agree. SQLite, which
is of one machine, takes no sign while somebody writes for long, as an import does to its own
worker: there a file beside the database is touched too.
"""

import math
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import connection, models
from django.db.models.functions import Now

from backoffice.jobs.liveness import ago

SEEN_WITHIN = 60  # seconds; a living worker gives a sign every few


class Worker(models.Model):
    """name: of the machine and the process."""

    name = models.CharField(max_length=300, primary_key=True)
    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


def own_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


def give_sign() -> None:
    """Say that the worker of this process lives. Raises OperationalError where it can't."""
    if path := _file_of(own_name(), connection):
        with suppress(OSError):  # what is wrong there, the database meets as well
            path.touch()
    Worker.objects.bulk_create(
        [Worker(name=own_name(), seen_at=Now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["seen_at"],
    )


def sign_off() -> None:
    _remove(_file_of(own_name(), connection))
    Worker.objects.filter(name=own_name()).delete()


def forget_dead() -> None:
    """Remove the signs of workers that were killed."""
    lives = (ago(SEEN_WITHIN), ago(-SEEN_WITHIN))
    Worker.objects.exclude(seen_at__range=lives).delete()
    if own := _file_of(own_name(), connection):
        start = own.name.removesuffix(own_name())
        for path in own.parent.iterdir():
            if path.name.startswith(start) and _age(path) > SEEN_WITHIN:
                _remove(path)


def ages(connection: Any = connection) -> list[float]:
    """How many seconds ago each worker gave a sign, the newest first.

    A time that is yet to come is as far away: the clock was set back since, and who lives will
    have given another sign.
    """
    rows = Worker.objects.values_list("name", Now(), "seen_at")
    found = rows.query.get_compiler(connection=connection).results_iter()
    return sorted(
        min(abs((now - seen_at).total_seconds()), _age(_file_of(name, connection)))
        for name, now, seen_at in found
    )


def alive(connection: Any = connection) -> int:
    """How many workers have given a sign within the last minute."""
    return sum(age < SEEN_WITHIN for age in ages(connection))


def is_missing(connection: Any = connection) -> bool:
    """Whether no worker has given a sign within the last minute."""
    return not alive(connection)


# Beside SQLite's file -------------------------------------------------------------------


def _file_of(name: str, connection: Any) -> Path | None:
    """What the worker of this name touches; None where the database takes its signs."""
    if connection.vendor != "sqlite" or connection.is_in_memory_db():
        return None
    return Path(f"{connection.settings_dict['NAME']}-worker-{name}")


def _age(path: Path | None) -> float:
    """Seconds since it was touched; without end if it is not there."""
    with suppress(OSError):
        return abs(time.time() - path.stat().st_mtime) if path else math.inf
    return math.inf


def _remove(path: Path | None) -> None:
    with suppress(OSError):
        if path:
            path.unlink()
