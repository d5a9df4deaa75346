"""Search indexes: those of SQLite are made after migrations; which are missing is told."""

import contextlib
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.contrib import admin
from django.db import DatabaseError, connection, connections, router
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

from backoffice.admin.lists.search import search_index, searched_fields
from backoffice.tables.operations import AddSearchIndex
from backoffice.tables.search_index import drop_search_indexes
from backoffice.tables.table import Table

#: The statements that make the trigram indexes of a table which can be used.
TRIGRAMS = """
    SELECT pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = CAST(%s AS regclass) AND indisvalid
    AND pg_get_indexdef(indexrelid) LIKE '%%gin_trgm_ops%%'
"""


def before_migrations(using: str, plan: Sequence[Any] = (), **kwargs: Any) -> None:
    """SQLite may make a table anew, or refuse to drop a column that a trigger names."""
    if plan and connections[using].vendor == "sqlite":
        drop_search_indexes(connections[using])


def after_migrations(using: str, **kwargs: Any) -> None:
    """Make the indexes that aren't there, of what the ModelAdmins search now.

    Where that fails, for want of FTS5, of the table or for a column's name, search reads the
    rows.
    """
    connection = connections[using]
    if connection.vendor != "sqlite":
        return
    indexes = [
        index
        for model in admin.site._registry
        if model._meta.managed and router.allow_migrate_model(using, model)
        if (index := search_index(model, connection))
    ]
    kept = [index for index in indexes if index.is_kept()]
    drop_search_indexes(connection, kept=kept)  # those of other fields as well
    for index in indexes:
        if index not in kept:
            with contextlib.suppress(DatabaseError):
                index.make()


def missing_search_indexes() -> list[tuple[type[Model], list[str]]]:
    """The models that are searched without an index, and the fields that none has.

    On PostgreSQL those for which a migration makes one (`AddSearchIndex`): other tables have
    few rows. None of tables that are not there yet. Raises DatabaseError.
    """
    there = set(connection.introspection.table_names())
    return [
        (model, fields)
        for model in admin.site._registry
        if model._meta.db_table in there and (fields := _without_index(model))
    ]


def _without_index(model: type[Model]) -> list[str]:
    searched, table = sorted(searched_fields(model)), Table(model)
    if not searched or not model._meta.managed:
        return []
    if table.vendor == "sqlite":
        index = search_index(model)
        return [] if index is None or index.is_kept() else searched
    if table.vendor != "postgresql" or model._meta.label_lower not in _promised():
        return []
    made = [sql for (sql,) in table.fetch(TRIGRAMS, [table.name.replace("%%", "%")])]
    return [name for name in searched if not _has_trigrams(made, model, name)]


@cache
def _promised() -> set[str]:
    """The labels of the models for which a migration makes an index on PostgreSQL."""
    return {
        f"{app}.{operation.model_name}".lower()
        for (app, _name), migration in MigrationLoader(None).disk_migrations.items()
        for operation in migration.operations
        if isinstance(operation, AddSearchIndex)
    }


def _has_trigrams(made: list[str], model: type[Model], name: str) -> bool:
    """Whether one of the indexes is of what Django's `icontains` compares."""
    field: Any = model._meta.get_field(name)
    column = re.escape(field.column)
    pattern = rf'upper\(\(?"?{column}"?(?:\)::text)?\) gin_trgm_ops'
    return any(re.search(pattern, sql) for sql in made)
