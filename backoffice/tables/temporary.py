"""Many rows at a time into tables of `scratch`, without a lock on live tables."""

import contextlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from django.db import transaction

VARIABLES = 900  # of one statement on SQLite


@contextlib.contextmanager
def writing(connection: Any) -> Iterator[None]:
    """A transaction for temporary tables alone, which locks no live table.

    Django's `atomic()` would begin with `IMMEDIATE` on SQLite and keep every other
    user's save waiting while a file is read.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(using=connection.alias):
            yield
    else:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
                cursor.execute("COMMIT")
            except BaseException:
                if connection.connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise


def put(connection: Any, table: str, width: int, rows: Iterable[Any]) -> None:
    """Put `rows` of `width` values into `table`: `COPY`, or statements of many rows."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            copying = cursor.copy(f"COPY {table} FROM STDIN")
            with connection.wrap_database_errors, copying as copy:
                for row in rows:
                    copy.write_row(row)
            return
        # A statement of a hundred rows takes less time than a hundred statements.
        values = list(chain.from_iterable(rows))
        block = max(1, VARIABLES // width) * width
        whole = len(values) // block * block
        insert = f"INSERT INTO {table} VALUES "
        row = f"({', '.join(['%s'] * width)})"
        if whole:
            blocks = [values[at : at + block] for at in range(0, whole, block)]
            cursor.executemany(insert + ", ".join([row] * (block // width)), blocks)
        if rest := values[whole:]:
            cursor.execute(insert + ", ".join([row] * (len(rest) // width)), rest)
