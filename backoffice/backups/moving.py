"""All rows of one database to another, such as from SQLite to PostgreSQL."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from backoffice.backups.archive import BackupError, careful
from backoffice.backups.databases import database, demand_stopped
from backoffice.querysets.reading import snapshot

CHUNK = 2_000  # rows
OTHER = "move_target"


@careful()
def move_to(settings: dict[str, Any], said: Callable[[str, int], None]) -> dict[str, int]:
    """Copy all rows into an empty database; returns how many, by table. All or nothing.

    settings: those of the other database, as in DATABASES · said: is told each table and its
    number of rows. Raises BackupError, also while somebody else uses the site.
    """
    defaults = connections.configure_settings({DEFAULT_DB_ALIAS: settings})
    connections.settings[OTHER] = defaults[DEFAULT_DB_ALIAS]
    try:
        return _move(said)
    finally:
        connections[OTHER].close()
        del connections[OTHER], connections.settings[OTHER]


def _move(said: Callable[[str, int], None]) -> dict[str, int]:
    demand_stopped(database())
    target = connections[OTHER]
    if target.introspection.table_names():
        raise BackupError(_("The other database is not empty. Nothing was written."))
    call_command("migrate", database=OTHER, verbosity=0)
    there = set(target.introspection.table_names())
    models = [m for m in apps.get_models(include_auto_created=True) if _is_copied(m)]
    counts = {}
    with snapshot(connections[DEFAULT_DB_ALIAS]), transaction.atomic(using=OTHER):
        # What `migrate` made of its own: content types, permissions.
        flush = [m._meta.db_table for m in models if m._meta.db_table in there]
        with target.constraint_checks_disabled():
            for sql in target.ops.sql_flush(no_style(), flush, allow_cascade=True):
                target.cursor().execute(sql)
            for model in models:
                counts[model._meta.db_table] = number = _copied(model)
                said(model._meta.db_table, number)
        target.check_constraints()
        for sql in target.ops.sequence_reset_sql(no_style(), models):
            target.cursor().execute(sql)
    return counts


def _is_copied(model: type[Model]) -> bool:
    opts = model._meta
    return opts.managed and not opts.proxy and not opts.swapped


def _copied(model: type[Model]) -> int:
    try:
        return _copy(model)
    except (DatabaseError, ValueError) as error:  # SQLite takes longer texts, larger numbers
        words = {"table": model._meta.db_table, "why": str(error).strip()}
        raise BackupError(
            _("The other database refuses a row of %(table)s, so nothing was written: %(why)s")
            % words
        ) from error


def _copy(model: type[Model]) -> int:
    """Copy the rows of a model's own table, as they are stored."""
    fields = [f for f in model._meta.local_concrete_fields if not f.generated]
    rows = model._base_manager.using(DEFAULT_DB_ALIAS).order_by("pk")
    found = rows.values_list(*(f.attname for f in fields)).iterator(chunk_size=CHUNK)
    manager: Any = model._base_manager.using(OTHER)
    number = 0
    while chunk := list(islice(found, CHUNK)):
        objects = []
        for row in chunk:
            instance = model()
            for field, value in zip(fields, row, strict=True):
                setattr(instance, field.attname, value)
            objects.append(instance)
        # raw: what fields would set by themselves, such as the time, stays as it was.
        manager._insert(objects, fields=fields, using=OTHER, raw=True)
        number += len(chunk)
    return number
