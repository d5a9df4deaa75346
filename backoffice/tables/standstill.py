"""Whether nobody wrote to tables since a moment at which they were read: the database's proof.

So what takes long to find out is found before a table is locked. Under the lock it is known
whether it still holds, or has to be found out again.

    with one_moment(*tables) as still:
        …                     # reads, and writes temporary tables
    with transaction.atomic():
        table.lock()
        if not still():
            …                 # once more
"""

import contextlib
from collections.abc import Callable, Iterator

from django.db import transaction

from backoffice.tables import temporary
from backoffice.tables.table import Table


@contextlib.contextmanager
def one_moment(*tables: Table) -> Iterator[Callable[[], bool]]:
    """A transaction that sees the database as it is at its beginning, and locks nobody out.

    It gives a function to be called later, under a lock that keeps others from writing to the
    tables: whether these have the very rows that the transaction saw.
    """
    if tables[0].vendor == "postgresql":
        with transaction.atomic(using=tables[0].connection.alias):
            tables[0].execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            first = _first(tables[0])
            seen = [(table, _rows(table, first)) for table in tables]
            yield lambda: all(_rows(table, first) == rows for table, rows in seen)
    else:
        with temporary.writing(tables[0].connection):
            tables[0].fetch(f"SELECT 1 FROM {tables[0].name} LIMIT 1")  # the moment
            version = _version(tables[0])
            yield lambda: _version(tables[0]) == version


def can_be_proven(*tables: Table) -> bool:
    """Whether rows of the tables say who wrote them: views and the like have no such rows."""
    if tables[0].vendor != "postgresql":
        return True
    names = [table.name.replace("%%", "%") for table in tables]
    return not tables[0].fetch(
        "SELECT 1 FROM pg_class WHERE relkind <> 'r'"
        " AND oid = ANY(CAST(CAST(%s AS text[]) AS regclass[])) LIMIT 1",
        [names],
    )


def _version(table: Table) -> int:
    """SQLite's number of what other connections have committed, to whatever table."""
    ((version,),) = table.fetch("PRAGMA data_version")
    return int(version)


def _first(table: Table) -> str:
    """The number of PostgreSQL's first transaction that has not ended: all before it have."""
    ((first,),) = table.fetch("SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text)")
    return str(first)


def _rows(table: Table, first: str) -> tuple[int, str | None]:
    """How many rows there are, and which of them later transactions than `first` wrote.

    Where both are the same again, so are the rows: an INSERT or UPDATE leaves another row of a
    later transaction, a DELETE makes them fewer. Numbers of transactions go round: `age` says
    how far back they are. A row of two billion transactions ago may seem to be a later one's,
    but no later one's seems old.
    """
    ((count, later),) = table.fetch(
        "SELECT count(*), md5(string_agg(concat(ctid, xmin), ' ' ORDER BY ctid)"
        " FILTER (WHERE age(xmin) <= age(CAST(CAST(%s AS xid8) AS xid))))"
        f" FROM {table.name}",
        [first],
    )
    return count, later
