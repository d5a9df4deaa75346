"""Reading many rows from one snapshot, without locks or garbage collection."""

import contextlib
import gc
from collections.abc import Iterator
from typing import Any

from django.db import connections, transaction
from django.db.models import QuerySet

from backoffice.querysets.counts import countable
from backoffice.tables.waits import READER


@contextlib.contextmanager
def snapshot(connection: Any) -> Iterator[None]:
    """Statements in the block see the database as it was at the first of them.

    They lock nothing: on SQLite, `atomic()` would block other writers until a slow client
    has its file. On PostgreSQL, a server-side cursor outside of a transaction would store
    the whole result before it gives the first row.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # In kB, until the connection closes: rows read once are not worth caching.
            cursor.execute("PRAGMA cache_size = -2000")
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
                    # Whoever fetches an export may be slow; nobody waits for this transaction.
                    f" SET LOCAL idle_in_transaction_session_timeout = '{READER}'"
                )
            yield


def count_up_to(queryset: QuerySet[Any], most: int) -> Any:
    """Count the rows, but no more than `most`, so that the work is bounded."""
    with snapshot(connections[queryset.db]):
        return countable(queryset)[:most].count()


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Pause garbage collection in the block.

    Rows of text make no cycles, yet looking for cycles takes a third of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
