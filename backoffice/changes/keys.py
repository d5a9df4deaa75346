"""The keys of a queryset's rows in a temporary table, for the statements of one change."""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DatabaseError
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from backoffice.tables.planner import expect_many, many
from backoffice.tables.table import Table


@contextlib.contextmanager
def held(queryset: QuerySet[Any], name: str = "held_keys") -> Iterator[QuerySet[Any]]:
    """Lock the queryset's rows in a transaction, and find them by their stored keys.

    So the same rows are counted, confirmed and deleted, even if others write meanwhile or the
    queryset's filters no longer match. name: of the temporary table, one at a time.
    """
    table = Table(queryset.model)
    using, keys_table = table.connection.alias, temporary(table, name)
    manager = queryset.model._base_manager.using(using)
    keys = queryset.using(using).order_by().values("pk")
    locked = manager.filter(pk__in=keys).select_for_update().values("pk")
    if table.vendor == "postgresql":
        expect_many(keys[: many(table)].count(), table)
    table.lock_for_rows()
    table.execute(f"DROP TABLE IF EXISTS {keys_table}")
    key = table.db_type(table.pk_field)
    table.execute(f"CREATE TEMPORARY TABLE {keys_table} (pk {key} PRIMARY KEY)")
    with contextlib.suppress(EmptyResultSet):  # a filter that can match no row
        sql, params = compiled(locked, table)
        table.execute(f"INSERT INTO {keys_table} {sql}", params)
        if table.vendor == "postgresql":
            table.execute(f"ANALYZE {keys_table}")
            _let_go(table, keys_table, keys)
    failed = False
    try:
        yield manager.filter(pk__in=RawSQL(f"SELECT pk FROM {keys_table}", []))  # noqa: S611
    except DatabaseError:
        failed = True  # PostgreSQL takes no more statements until the rollback, which drops it
        raise
    finally:
        if not failed and not table.connection.needs_rollback:
            table.execute(f"DROP TABLE {keys_table}")


def temporary(table: Table, name: str) -> str:
    """The qualified name of a temporary table, which never means a real table.

    It serves within one transaction: after that, a pool may have given the connection away.
    """
    return f"{'pg_temp' if table.vendor == 'postgresql' else 'temp'}.{name}"


def compiled(queryset: QuerySet[Any], table: Table) -> tuple[str, tuple[Any, ...]]:
    """The queryset's SQL and parameters. Raises EmptyResultSet if it can match no row."""
    sql, params = queryset.query.get_compiler(connection=table.connection).as_sql()
    return sql, params


def _let_go(table: Table, keys_table: str, keys: QuerySet[Any]) -> None:
    """Remove the held keys of rows that the queryset no longer has.

    Where PostgreSQL waited for a lock, the first statement found the row as it was before.
    A statement that begins after the lock sees the row as it is now.
    """
    sql, params = compiled(keys, table)
    table.execute(
        f"DELETE FROM {keys_table} held WHERE NOT EXISTS"
        f" (SELECT 1 FROM ({sql}) found (pk) WHERE found.pk = held.pk)",
        params,
    )
