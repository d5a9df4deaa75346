"""Locks on the rows that a form is about to change."""

from typing import Any

from django.db import connections, router
from django.db.models import Model

from backoffice.tables.table import Table


def lock(model: type[Model], **condition: Any) -> None:
    """Lock these rows: a second save of them waits for this one, and sees its values.

    Of a model with parents, the parents' rows too. SQLite has one writer at a time anyway.
    """
    connection = connections[router.db_for_write(model)]
    features: Any = connection.features
    if not features.has_select_for_update or not connection.in_atomic_block:
        return
    for each in (model, *model._meta.all_parents):
        Table(each, connection).lock_for_rows()
    # Rows that refer to these may be written meanwhile: their own forms lock them first.
    mode: Any = {"no_key": True} if features.has_select_for_no_key_update else {}
    rows = model._base_manager.using(connection.alias).filter(**condition)
    columns = [] if model._meta.parents else ["pk"]
    list(rows.select_for_update(**mode).order_by("pk").values_list(*columns))
