"""Secondary indexes: dropped before many rows are inserted, and made again after."""

import contextlib
from collections.abc import Iterator

from django.db import ProgrammingError, transaction
from django.db.utils import OperationalError

from backoffice.tables.table import Table

ENOUGH = 10_000  # new rows; fewer are inserted in a moment

#: The quoted name of each index that no constraint needs, and the statement that makes it.
SQLITE = """
    SELECT '"' || replace(made.name, '"', '""') || '"', made.sql
    FROM pragma_index_list(%s) listed
    JOIN sqlite_master made ON made.type = 'index' AND made.name = listed.name
    WHERE listed.origin = 'c' AND NOT listed."unique"
"""
#: Without those that would lose something: their tablespace, or what depends on them.
POSTGRESQL = """
    SELECT CAST(CAST(oid AS regclass) AS text), pg_get_indexdef(oid)
    FROM pg_index JOIN pg_class ON oid = indexrelid
    WHERE indrelid = CAST(%s AS regclass) AND indisvalid AND reltablespace = 0
    AND NOT (indisunique OR indisexclusion OR indisclustered OR indisreplident)
    AND NOT EXISTS (
        SELECT 1 FROM pg_depend
        WHERE refclassid = CAST('pg_class' AS regclass) AND refobjid = indexrelid
    )
"""


@contextlib.contextmanager
def made_again(table: Table, number: int, *, gone: bool = False) -> Iterator[bool]:
    """Drop the table's indexes that no constraint needs, and make them again at the end.

    It gives whether they are dropped: only where that is faster for the number of rows that are
    new, or with `gone` are deleted. The caller holds the transaction, which brings the indexes
    back if anything fails.
    """
    statements: list[str] = []
    if _is_faster(table, number, gone):
        # Not if somebody reads the table now, or if it isn't ours. Waiting for a reader, who
        # may himself wait to write, could be a deadlock.
        with (
            contextlib.suppress(OperationalError, ProgrammingError),
            transaction.atomic(using=table.connection.alias),
        ):
            statements = _drop(table)
    yield bool(statements)
    if statements and table.vendor == "postgresql":
        table.connection.check_constraints()  # no index is made while a foreign key waits
    with small_sorts(table) if statements else contextlib.nullcontext():
        for statement in statements:
            table.execute(statement)


@contextlib.contextmanager
def small_sorts(table: Table) -> Iterator[None]:
    """SQLite sorts in as much memory as its cache has, beside the cache: have it take less."""
    if table.vendor != "sqlite":
        yield
        return
    ((size,),) = table.fetch("PRAGMA cache_size")
    table.execute("PRAGMA cache_size = -4000")
    try:
        yield
    finally:
        table.execute(f"PRAGMA cache_size = {size:d}")


def _is_faster(table: Table, number: int, gone: bool) -> bool:
    """Whether they are as many as the other rows; on PostgreSQL, whether there are no others.

    A million rows into a million others take SQLite 19 s of CPU if they are shuffled, 6 s
    without the indexes; in the order of the indexes 4 s both ways. To delete a million shuffled
    ones takes 27 s, 9 s without. Those who read see the database as it was. On PostgreSQL DROP
    INDEX locks them out until the transaction ends: only where there is nothing to read; and a
    deletion leaves the indexes to VACUUM.
    """
    if number < ENOUGH or (gone and not _may_delete_without(table)):
        return False
    most = 0 if table.vendor == "postgresql" else number
    if gone:
        most += number  # they are there still
    ((old,),) = table.fetch(
        f"SELECT count(*) FROM (SELECT 1 FROM {table.name} LIMIT {most + 1:d}) old"
    )
    return bool(old <= most)


def _may_delete_without(table: Table) -> bool:
    """Not if rows refer to others of the table: those are looked up for each deleted row."""
    own = table.opts.concrete_model
    refer = any(f.is_relation and f.related_model is own for f in table.opts.local_fields)
    return table.vendor == "sqlite" and not refer


def _drop(table: Table) -> list[str]:
    """Drop them; the statements that make them again."""
    if table.vendor == "postgresql":
        table.execute(f"LOCK TABLE {table.name} IN ACCESS EXCLUSIVE MODE NOWAIT")
        found = table.fetch(POSTGRESQL, [table.name.replace("%%", "%")])
    else:
        found = table.fetch(SQLITE, [table.opts.db_table])
    indexes = [(name.replace("%", "%%"), sql.replace("%", "%%")) for name, sql in found]
    for name, _sql in indexes:
        table.execute(f"DROP INDEX {name}")
    return [sql for _name, sql in indexes]
