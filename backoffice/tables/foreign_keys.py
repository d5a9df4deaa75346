"""Deleting many rows that others could refer to, on PostgreSQL.

For each deleted row PostgreSQL queries each table that could refer to it: 21 of the 33
seconds that undoing an import of a million libraries took. A constraint that is dropped and
added again is checked by one query for all rows.
"""

import contextlib
from collections.abc import Iterator

from django.db import IntegrityError, ProgrammingError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import OperationalError

MANY = 10_000  # rows from which it pays
PATIENCE = "1s"  # to wait for the lock; while it is asked for, everybody else's reading waits


@contextlib.contextmanager
def checked_as_a_whole(
    connection: BaseDatabaseWrapper, table: str, rows: int
) -> Iterator[None]:
    """Foreign keys to `table` are not checked inside the block, but all at once at its end.

    table: its quoted name · rows: how many are deleted. The caller holds the transaction; until
    it ends, nobody else can read the tables concerned. If the lock isn't granted in time, if we
    don't own the tables, or if other keys lead nowhere yet, each row is checked as usual.
    Raises IntegrityError at the end if a deleted row is still referred to.
    """
    taken_off: list[tuple[str, str, str]] = []
    if connection.vendor == "postgresql" and rows >= MANY:
        with (
            contextlib.suppress(IntegrityError, OperationalError, ProgrammingError),
            transaction.atomic(using=connection.alias),
        ):
            taken_off = _take_off(connection, table)
    yield
    with connection.cursor() as cursor:
        for referring, name, definition in taken_off:
            cursor.execute(f"ALTER TABLE {referring} ADD CONSTRAINT {name} {definition}")


def _take_off(connection: BaseDatabaseWrapper, table: str) -> list[tuple[str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        (patience,) = cursor.fetchone()
        cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # none may be pending
        cursor.execute(
            """
            SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
            FROM pg_constraint
            WHERE contype = 'f' AND confrelid = %s::regclass AND conparentid = 0
            """,
            [table],
        )
        constraints: list[tuple[str, str, str]] = cursor.fetchall()
        for referring, name, _definition in constraints:
            cursor.execute(f"ALTER TABLE {referring} DROP CONSTRAINT {name}")
        cursor.execute(f"SET LOCAL lock_timeout = '{patience}'")
    return constraints
