"""Deleting any number of rows, and all that goes with them, by a statement for each table.

Django's collector loads the rows to call signal handlers for each. Where history is all
that listens, its records are written by INSERT … SELECT, and nothing is loaded.
"""

import contextlib
from collections import defaultdict

from django.conf import settings
from django.contrib.contenttypes.fields import GenericRelation
from django.core.exceptions import EmptyResultSet
from django.db import connections, router, transaction
from django.db.models import (
    CASCADE,
    DO_NOTHING,
    PROTECT,
    RESTRICT,
    SET_NULL,
    Exists,
    OuterRef,
    Q,
)
from django.db.models.deletion import get_candidate_relations_to_delete
from django.db.models.expressions import RawSQL
from django.db.models.signals import post_delete, pre_delete
from simple_history.models import HistoricalRecords

from backoffice.history.records import Records, Signature
from backoffice.tables.planner import MANY, expect_many

KEYS = "held_keys"


class Deletion:
    """What goes when the rows of a queryset go. Nothing is read before it is asked for.

    `is_plain` is false where only Django's collector knows what to do: other signal
    handlers, inherited tables, generic relations, rows of the same table, `SET(…)`, history
    that goes with its row.
    """

    def __init__(self, queryset):
        self.model = queryset.model
        self.using = router.db_for_write(self.model)
        self.is_plain = True
        self._rows, self._depth = defaultdict(list), {}
        self._restricted, self._protected, self._nulled = [], [], []
        self._collect(queryset.using(self.using).order_by(), path=())

    def _collect(self, rows, path):
        model = rows.model
        if model in path or not _is_plain(model):
            self.is_plain = False
            return
        self._rows[model].append(rows)
        self._depth[model] = max(self._depth.get(model, 0), len(path))
        for relation in get_candidate_relations_to_delete(model._meta):
            field = relation.field
            target = field.target_field.attname
            related = field.model._base_manager.using(self.using).filter(
                **{f"{field.attname}__in": rows.values(target)}
            )
            on_delete = field.remote_field.on_delete
            if on_delete is CASCADE:
                self._collect(related, (*path, model))
            elif on_delete is PROTECT:
                self._protected.append(related)
            elif on_delete is RESTRICT:
                self._restricted.append(related)
            elif on_delete is SET_NULL:
                self._nulled.append((related, field))
            elif on_delete is not DO_NOTHING:
                self.is_plain = False

    def rows(self):
        """`{model: queryset}` of all that goes, the rows themselves first."""
        return {
            model: self._any_of(self._rows[model])
            for model in sorted(self._depth, key=self._depth.get)
        }

    def forbidden(self):
        """Querysets of rows that keep the others from going: PROTECT and RESTRICT."""
        for restricted in self._restricted:
            going = self.rows().get(restricted.model)
            if going is not None:
                # Not NOT IN, whose keys PostgreSQL may go through for each row.
                restricted = restricted.filter(~Exists(going.filter(pk=OuterRef("pk"))))
            yield restricted
        yield from self._protected

    def _any_of(self, querysets):
        if len(querysets) == 1:
            return querysets[0]
        condition = Q.create(
            [("pk__in", queryset.values("pk")) for queryset in querysets], connector=Q.OR
        )
        return querysets[0].model._base_manager.using(self.using).filter(condition)

    def run(self, *, user=None, reason="", reason_with=""):
        """Delete it all, or nothing. `reason_with` is the reason of what goes with the rows."""
        rows = self.rows()
        with transaction.atomic(using=self.using):
            for model, queryset in rows.items():
                self._record(queryset, user, reason if model is self.model else reason_with)
            for queryset, field in self._nulled:
                queryset.update(**{field.name: None})
            for queryset in reversed(rows.values()):
                queryset._raw_delete(self.using)

    def _record(self, queryset, user, reason):
        connection = connections[self.using]
        records = Records(connection, queryset.model)
        if records.model is None or not getattr(settings, "SIMPLE_HISTORY_ENABLED", True):
            return
        keys = queryset.values("pk").query.get_compiler(connection=connection)
        sql, params = keys.as_sql()
        records.write(
            f"live.{records.pk} IN ({sql})",
            params,
            history_type="-",
            signature=Signature(user_id=user and user.pk, reason=reason),
        )


def _is_plain(model):
    opts = model._meta
    if opts.concrete_model._meta.parents or any(
        relation.field.remote_field.parent_link
        for relation in get_candidate_relations_to_delete(opts)
    ):
        return False
    if any(isinstance(field, GenericRelation) for field in opts.private_fields):
        return False
    listeners = [
        getattr(listener, "__self__", None)
        for signal in (pre_delete, post_delete)
        for listeners in signal._live_receivers(model)
        for listener in listeners
    ]
    return all(
        isinstance(listener, HistoricalRecords) and not listener.cascade_delete_history
        for listener in listeners
    )


@contextlib.contextmanager
def held(queryset):
    """In a transaction: the queryset's rows as they are now, locked, by their keys.

    What is counted, asked and deleted is then the same, whoever else writes meanwhile, and
    whatever the queryset's filters look at.
    """
    model = queryset.model
    using = router.db_for_write(model)
    connection = connections[using]
    manager = model._base_manager.using(using)
    keys = queryset.using(using).order_by().values("pk")
    locked = manager.filter(pk__in=keys).select_for_update().values("pk")
    if connection.vendor == "postgresql":
        expect_many(connection, keys[:MANY].count())
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {KEYS}")
        key_type = model._meta.pk.rel_db_type(connection)
        cursor.execute(f"CREATE TEMPORARY TABLE {KEYS} (pk {key_type} PRIMARY KEY)")
        with contextlib.suppress(EmptyResultSet):  # a filter that knows that it finds none
            sql, params = locked.query.get_compiler(connection=connection).as_sql()
            cursor.execute(f"INSERT INTO {KEYS} {sql}", params)
            if connection.vendor == "postgresql":
                cursor.execute(f"ANALYZE {KEYS}")
                _let_go(cursor, keys)
    try:
        yield manager.filter(pk__in=RawSQL(f"SELECT pk FROM {KEYS}", []))  # noqa: S611
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE {KEYS}")


def _let_go(cursor, keys):
    """Of the held keys those of rows that the queryset has lost.

    Where PostgreSQL waited for a row, it was found as it was before. What a statement begun
    after the lock finds is as it is.
    """
    sql, params = keys.query.get_compiler(connection=connections[keys.db]).as_sql()
    cursor.execute(
        f"DELETE FROM {KEYS} WHERE NOT EXISTS"
        f" (SELECT 1 FROM ({sql}) found (pk) WHERE found.pk = {KEYS}.pk)",
        params,
    )
