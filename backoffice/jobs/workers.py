"""Signs of life of workers: a row of each, by the database's clock.

All machines see them, whatever files they share, and their clocks need not agree.
"""

import os
import socket
from typing import Any

from django.db import DatabaseError, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
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
    Worker.objects.bulk_create(
        [Worker(name=own_name(), seen_at=Now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["seen_at"],
    )


def sign_off() -> None:
    Worker.objects.filter(name=own_name()).delete()


def forget_dead() -> None:
    """Remove the signs of workers that were killed."""
    Worker.objects.filter(seen_at__lt=ago(SEEN_WITHIN)).delete()


def ages(connection: Any = connection) -> list[float]:
    """How many seconds ago each worker gave a sign, the newest first."""
    rows = Worker.objects.values_list(Now(), "seen_at")
    found = rows.query.get_compiler(connection=connection).results_iter()
    return sorted(max(0.0, (now - seen_at).total_seconds()) for now, seen_at in found)


def alive(connection: Any = connection) -> int:
    """How many workers have given a sign within the last minute."""
    return sum(age < SEEN_WITHIN for age in ages(connection))


def is_missing(connection: Any = connection) -> bool:
    """Whether no worker has given a sign within the last minute, though it could have."""
    return not alive(connection) and not _somebody_writes(connection)


def _somebody_writes(connection: BaseDatabaseWrapper) -> bool:
    """SQLite: whether nobody else can write now, which a long import does to its own worker."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return False
    other = connection.copy()
    other.settings_dict["OPTIONS"]["timeout"] = 0
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
    except DatabaseError:
        return True
    finally:
        other.close()
    return False
