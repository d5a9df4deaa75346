"""Reading many rows: of one moment, locking nothing, without looking for garbage."""

import contextlib
import gc
from collections.abc import Iterator
from typing import Any

from django.db import connections, transaction
from django.db.models import QuerySet


@contextlib.contextmanager
def snapshot(connection: Any) -> Iterator[None]:
    """Statements in the block see the database as it was at the first of them.

    They lock nothing: on SQLite `atomic()` would keep others from writing until a slow
    client has its file. On PostgreSQL it also spares the whole result's being put by before
    its first row comes, as a server-side cursor outside of a transaction does.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # kB, till the connection closes: rows that are read once are not worth keeping.
            cursor.execute("PRAGMA cache_size = -2000")
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield


def count_up_to(queryset: QuerySet[Any], most: int) -> Any:
    """How many rows there are, `most` where there are more: bounds the work."""
    with snapshot(connections[queryset.db]):
        return queryset.order_by()[:most].count()


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Rows of text make no cycles, yet looking for them takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
