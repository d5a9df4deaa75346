"""What PostgreSQL is told before whole tables are joined and written."""

import contextlib
from collections.abc import Iterator

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from backoffice.tables.table import Table

MANY = 1_000  # rows
FEW = 100_000  # rows that are looked up one by one, at most
FEWER = 10  # times as many rows as these are in a table that is not read whole for them


def many(*tables: Table) -> int:
    """From how many rows on reading the largest of the tables whole is faster than looking up.

    A row that is looked up costs about as much as a page that is read: of 2,500,000 patrons,
    which are 25,000 pages, 0.3 s. The size is that of the file, which is never out of date.
    """
    connection = tables[0].connection
    if connection.vendor != "postgresql":
        return MANY
    sizes = ", ".join("pg_relation_size(%s)" for _table in tables)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT greatest({sizes}) / current_setting('block_size')::int",
            [table.name.replace("%%", "%") for table in tables],
        )
        pages: int = cursor.fetchone()[0]
    return max(MANY, pages)


def are_few(rows: int, table: Table) -> bool:
    """Whether to look so many rows up one by one is faster than to take all of the table.

    By an index a row takes about 10 µs; one of a table whose rows all go through Python, 1 µs.
    """
    share = f"SELECT 1 FROM {table.name} LIMIT 1 OFFSET {FEWER * rows:d}"
    return rows <= FEW and bool(table.fetch(share))


def expect_many(rows: int, *tables: Table) -> None:
    """Make PostgreSQL plan for `rows` rows until the transaction ends, whatever statistics say.

    Statistics lag behind what was written a moment ago. A table that was empty when they were
    taken is expected to have one row: a nested loop over 17,000 by 17,000 rows had not ended
    after 24 minutes, a hash join takes a moment. The search index takes its new entries in
    larger batches; the next save adds the last of them, in 0.3 s. SQLite needs none of this.

    tables: those that have the rows.
    """
    connection = tables[0].connection
    if connection.vendor != "postgresql":
        return
    settings = {"work_mem": "128MB", "maintenance_work_mem": "256MB", "jit": "off"}
    if rows >= MANY:
        settings["gin_pending_list_limit"] = "64MB"
    if rows >= many(*tables):
        settings["enable_nestloop"] = "off"
    with connection.cursor() as cursor:
        calls = ", ".join(f"set_config('{name}', %s, true)" for name in settings)
        cursor.execute(f"SELECT {calls}", list(settings.values()))


@contextlib.contextmanager
def by_index(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Have PostgreSQL look rows up by an index, whatever statistics say and was expected.

    It is for statements whose rows are few in a table of any size, or taken some at a time.
    Outside a transaction nothing was written just now that statistics don't know.
    """
    if connection.vendor != "postgresql" or not connection.in_atomic_block:
        yield
        return
    names = "enable_nestloop", "enable_seqscan"
    settings = ", ".join(f"set_config('{name}', %s, true)" for name in names)
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))
        before = cursor.fetchone()
        cursor.execute(f"SELECT {settings}", ["on", "off"])
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {settings}", before)


def keep_statistics(connection: BaseDatabaseWrapper, rows: int, *tables: str) -> None:
    """Have the tables analyzed, as `analyze` does, once the transaction is committed.

    Its locks are gone by then.
    """

    def analyze_them() -> None:  # a partial has no name, which Django's log asks for
        analyze(connection, rows, *tables)

    if connection.vendor == "postgresql":
        # robust: what was written is committed, whatever becomes of this.
        transaction.on_commit(analyze_them, using=connection.alias, robust=True)


def analyze(connection: BaseDatabaseWrapper, rows: int, *tables: str) -> None:
    """Have PostgreSQL analyze the tables, by quoted name, if `rows` written to them are many.

    Autovacuum would do it a minute later, by the same rule. Until then queries would be
    planned for what the tables held before: nothing, after the first import.
    """
    if connection.vendor != "postgresql" or not tables:
        return
    names = ", ".join(f"'{table}'::regclass" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            DO $$ DECLARE t regclass; BEGIN
                FOR t IN SELECT oid FROM pg_class
                         WHERE oid IN ({names}) AND {rows:d} > 50 + reltuples / 10
                LOOP EXECUTE 'ANALYZE (SKIP_LOCKED) ' || t; END LOOP;
            END $$
            """
        )
