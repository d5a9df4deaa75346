"""Rows held by their keys in a temporary table, for the statements of one change."""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from backoffice.tables.planner import MANY, expect_many
from backoffice.tables.table import Table


@contextlib.contextmanager
def held(queryset: QuerySet[Any], name: str = "held_keys") -> Iterator[QuerySet[Any]]:
    """In a transaction: the queryset's rows as they are now, locked, by their keys.

    What is counted, asked and deleted is then the same, whoever else writes meanwhile, and
    whatever the queryset's filters look at. name: of the temporary table, one at a time.
    """
    table = Table(queryset.model)
    using, keys_table = table.connection.alias, temporary(table, name)
    manager = queryset.model._base_manager.using(using)
    keys = queryset.using(using).order_by().values("pk")
    locked = manager.filter(pk__in=keys).select_for_update().values("pk")
    if table.vendor == "postgresql":
        expect_many(table.connection, keys[:MANY].count())
    table.execute(f"DROP TABLE IF EXISTS {keys_table}")
    key = table.db_type(table.pk_field)
    table.execute(f"CREATE TEMPORARY TABLE {keys_table} (pk {key} PRIMARY KEY)")
    with contextlib.suppress(EmptyResultSet):  # a filter that knows that it finds none
        sql, params = compiled(locked, table)
        table.execute(f"INSERT INTO {keys_table} {sql}", params)
        if table.vendor == "postgresql":
            table.execute(f"ANALYZE {keys_table}")
            _let_go(table, keys_table, keys)
    try:
        yield manager.filter(pk__in=RawSQL(f"SELECT pk FROM {keys_table}", []))  # noqa: S611
    finally:
        if not table.connection.needs_rollback:
            table.execute(f"DROP TABLE {keys_table}")


def temporary(table: Table, name: str) -> str:
    """The name of a temporary table that no real one of that name stands in for."""
    return f"{'pg_temp' if table.vendor == 'postgresql' else 'temp'}.{name}"


def compiled(queryset: QuerySet[Any], table: Table) -> tuple[str, tuple[Any, ...]]:
    """Its SQL and parameters. Raises EmptyResultSet where it knows that it finds none."""
    sql, params = queryset.query.get_compiler(connection=table.connection).as_sql()
    return sql, params


def _let_go(table: Table, keys_table: str, keys: QuerySet[Any]) -> None:
    """Of the held keys those of rows that the queryset has lost.

    Where PostgreSQL waited for a row, it was found as it was before. What a statement begun
    after the lock finds is as it is.
    """
    sql, params = compiled(keys, table)
    table.execute(
        f"DELETE FROM {keys_table} held WHERE NOT EXISTS"
        f" (SELECT 1 FROM ({sql}) found (pk) WHERE found.pk = held.pk)",
        params,
    )
