"""Search indexes of SQLite: dropped before migrations, and made after them."""

import contextlib
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db import DatabaseError, connections, router

from backoffice.admin.lists.search import search_index
from backoffice.tables.search_index import drop_search_indexes


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
