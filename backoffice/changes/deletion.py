"""Deleting any number of rows, and the rows that cascade, with one statement for each table.

Django's collector loads the rows to call signal handlers for each. Where history is the only
handler, its records are written by INSERT … SELECT, and nothing is loaded. A deletion is
recorded as a `Change`, so it can be undone like any other.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter
from typing import Any

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
    Field,
    Model,
    OuterRef,
    Q,
    QuerySet,
)
from django.db.models.deletion import get_candidate_relations_to_delete
from django.db.models.expressions import RawSQL
from django.db.models.signals import post_delete, pre_delete
from simple_history.models import HistoricalRecords

from backoffice import keepers
from backoffice.changes.keys import compiled, held, temporary
from backoffice.changes.models import Change
from backoffice.history.records import (
    Records,
    Signature,
    history_model,
    keeps_all,
    names_change,
)
from backoffice.tables.search_index import made_anew
from backoffice.tables.table import Table

Rows = QuerySet[Any]


class Deletion:
    """What is deleted with the rows of a queryset. Reads nothing until it is asked.

    `is_plain` is false where only Django's collector knows what to do: other signal
    handlers, inherited tables, generic relations, rows of the same table, `SET(…)`, history
    that is deleted with its row.
    """

    def __init__(self, queryset: Rows) -> None:
        self.model = queryset.model
        self.using = router.db_for_write(self.model)
        self.is_plain = True
        self._rows: dict[type[Model], list[Rows]] = defaultdict(list)
        self._depth: dict[type[Model], int] = {}
        self._restricted: list[Rows] = []
        self._protected: list[Rows] = []
        self._nulled: list[tuple[Rows, Field[Any, Any]]] = []
        self._queryset = queryset
        self._collect(queryset.using(self.using).order_by(), path=())

    def _collect(self, rows: Rows, path: tuple[type[Model], ...]) -> None:
        model = rows.model
        if model in path or not _is_plain(model):
            self.is_plain = False
            return
        rows = self._with_descendants(rows)
        self._rows[model].append(rows)
        self._depth[model] = max(self._depth.get(model, 0), len(path))
        for relation in get_candidate_relations_to_delete(model._meta):
            field: Any = relation.field  # type: ignore[attr-defined] # a relation's field
            target = field.target_field.attname
            related = field.model._base_manager.using(self.using).filter(
                **{f"{field.attname}__in": rows.values(target)}
            )
            on_delete = field.remote_field.on_delete
            if field in _cascading_to_itself(model):
                continue
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

    def _with_descendants(self, rows: Rows) -> Rows:
        """`rows`, and the rows of the same table that cascade from them, at any depth."""
        fields = _cascading_to_itself(rows.model)
        if not fields:
            return rows
        table = Table(rows.model, connections[self.using])
        try:
            sql, params = compiled(rows.values("pk"), table)
        except EmptyResultSet:  # a filter that knows that it finds none
            return rows
        refers = " OR ".join(
            f"child.{table.column(field)} = parent.{table.column(field.target_field)}"
            for field in fields
        )
        going = (
            f"WITH RECURSIVE going (pk) AS ({sql} UNION SELECT child.{table.pk}"
            f" FROM going JOIN {table.name} parent ON parent.{table.pk} = going.pk"
            f" JOIN {table.name} child ON {refers}) SELECT pk FROM going"
        )
        every: Rows = rows.model._base_manager.using(self.using)
        return every.filter(pk__in=RawSQL(going, params))  # noqa: S611 # names of models

    @property
    def is_undoable(self) -> bool:
        """Whether an undo can bring the rows back."""
        return self.is_plain and names_change(self.model) and keeps_all(self.model)

    def rows(self) -> dict[type[Model], Rows]:
        """`{model: queryset}` of everything that is deleted, the rows themselves first."""
        return {
            model: self._any_of(self._rows[model])
            for model in sorted(self._depth, key=self._depth.__getitem__)
        }

    def forbidden(self) -> Iterator[Rows]:
        """Querysets of the rows that forbid the deletion: PROTECT and RESTRICT."""
        for restricted in self._restricted:
            going = self.rows().get(restricted.model)
            if going is not None:
                # Not by NOT IN: PostgreSQL may scan its keys for each row.
                restricted = restricted.filter(~Exists(going.filter(pk=OuterRef("pk"))))
            yield restricted
        yield from self._protected

    def _any_of(self, querysets: list[Rows]) -> Rows:
        if len(querysets) == 1:
            return querysets[0]
        condition = Q.create(
            [("pk__in", queryset.values("pk")) for queryset in querysets], connector=Q.OR
        )
        rows: Rows = querysets[0].model._base_manager.using(self.using)
        return rows.filter(condition)

    def run(
        self,
        *,
        title: str,
        user: Any = None,
        reason: str = "",
        reason_with: str = "",
        reason_lost: str = "",
    ) -> Change:
        """Delete all of it or nothing, and return the Change that records it.

        title: of the change · reason: in the history of the rows · reason_with: in the
        history of the rows that cascade · reason_lost: in that of the rows that only lose a
        link or a reference; reason_with if not given.
        """
        with transaction.atomic(using=self.using), self._held() as going:
            going.lock()
            change = going._record_change(title, user)
            going.delete(change.signature, reason, reason_with, reason_lost)
        return change

    @contextlib.contextmanager
    def _held(self) -> Iterator["Deletion"]:
        """This deletion, of the rows that are there now.

        On PostgreSQL each statement sees what others committed before it: a row that comes to
        match the queryset meanwhile would be deleted, but not recorded.
        """
        if connections[self.using].vendor != "postgresql":
            yield self
            return
        with held_to_delete(self._queryset, "going_keys") as rows:
            yield Deletion(rows)

    def lock_tables(self) -> None:
        """Wait for imports into all tables that are written, before the first row is locked.

        An import waits for the rows that its own refer to.
        """
        rows = self.rows()
        losing = [*self._touched(rows), *(queryset for queryset, _field in self._nulled)]
        models = {*rows, *(queryset.model for queryset in losing)}
        tables = (Table(model, connections[self.using]) for model in models)
        for table in sorted(tables, key=attrgetter("name")):
            table.lock_for_rows()

    def lock(self) -> None:
        """Keep all of it as it is until the transaction ends.

        Nobody can add a row that refers to a locked one, so the rows are locked before those
        that cascade from them. On SQLite the transaction itself is the lock.
        """
        self.lock_tables()
        for model, queryset in self.rows().items():
            table = Table(model, connections[self.using])
            if table.vendor == "postgresql":
                every = model._base_manager.using(self.using)
                rows = every.filter(pk__in=queryset.values("pk")).select_for_update()
                with contextlib.suppress(EmptyResultSet):
                    sql, params = compiled(rows.values("pk"), table)
                    table.execute(f"SELECT count(*) FROM ({sql}) locked", params)

    def delete(
        self, signature: Signature, reason: str, reason_with: str, reason_lost: str = ""
    ) -> None:
        """Delete all of it for a Change that the caller records, in its transaction.

        Raises LockedOut.
        """
        rows = self.rows()
        with contextlib.ExitStack() as stack:
            stack.enter_context(keepers.kept(self.using, *rows))
            touched = []
            for n, queryset in enumerate(self._touched(rows)):
                table, name = Table(queryset.model), f"touched_{n}"
                touched.append(stack.enter_context(held(queryset, name)))
                keys = f"SELECT pk FROM {temporary(table, name)}"
                Records(table).write_missing(keys, signature.date)
            for model, queryset in rows.items():
                why = reason if model is self.model else reason_with
                recorded = _record(queryset, "-", replace(signature, reason=why))
                stack.enter_context(made_anew(Table(model), recorded))
            for queryset, field in self._nulled:
                queryset.update(**{field.name: None})
            for queryset in reversed(rows.values()):
                queryset._raw_delete(self.using)
            for queryset in touched:
                _record(queryset, "~", replace(signature, reason=reason_lost or reason_with))

    def count(self) -> tuple[dict[str, int], dict[str, int]]:
        """How many rows go, by the model's label: those with a history, those without one."""
        removed, lost = defaultdict[str, int](int), defaultdict[str, int](int)
        for model, queryset in self.rows().items():
            if names_change(model):
                removed[model._meta.label] += queryset.count()
            elif not any(_keeping(model)):
                lost[model._meta.label] += queryset.count()
        for queryset, _field in self._nulled:
            if not names_change(queryset.model):
                lost[queryset.model._meta.label] += queryset.count()
        return (
            {label: number for label, number in removed.items() if number},
            {label: number for label, number in lost.items() if number},
        )

    def _record_change(self, title: str, user: Any) -> Change:
        by_model, lost = self.count()
        removed = sum(by_model.values())
        return Change.objects.create_done(
            self.model,
            kind=Change.Kind.DELETION,
            user=user,
            title=title,
            rows=removed,
            removed=removed,
            lost=lost,
        )

    # Rows that stay, but lose a reference -------------------------------------------

    def _touched(self, rows: dict[type[Model], Rows]) -> Iterator[Rows]:
        """Rows with a history that lose a foreign key, or links that the history keeps."""
        losing: dict[type[Model], list[Rows]] = defaultdict(list)
        for queryset, _field in self._nulled:
            losing[queryset.model].append(queryset)
        for through, (model, link) in ((t, kept) for t in rows for kept in _keeping(t)):
            source: Any = through._meta.get_field(link.m2m_field_name())
            lost = {f"{source.target_field.attname}__in": rows[through].values(source.attname)}
            losing[model].append(model._base_manager.using(self.using).filter(**lost))
        for model, querysets in losing.items():
            if names_change(model):
                stays = self._any_of(querysets)
                if model in rows:
                    stays = stays.filter(~Exists(rows[model].filter(pk=OuterRef("pk"))))
                yield stays


@contextlib.contextmanager
def held_to_delete(queryset: Rows, name: str = "held_keys") -> Iterator[Rows]:
    """`held`, for rows that are deleted: the tables come first, see `Deletion.lock_tables`."""
    Deletion(queryset).lock_tables()
    with held(queryset, name) as rows:
        yield rows


def _keeping(through: type[Model]) -> Iterator[tuple[type[Model], Any]]:
    """The models whose history keeps the links in `through`, each with its field."""
    for model in {f.related_model for f in through._meta.concrete_fields if f.is_relation}:
        if isinstance(model, type) and (history := history_model(model)):
            for field in history._history_m2m_fields:
                if field.remote_field.through is through:
                    yield model, field


def _record(queryset: Rows, history_type: str, signature: Signature) -> int:
    """Write the history of the rows, and return the number of records."""
    records = Records(Table(queryset.model))
    if records.model is None or not getattr(settings, "SIMPLE_HISTORY_ENABLED", True):
        return 0
    with contextlib.suppress(EmptyResultSet):
        sql, params = compiled(queryset.values("pk"), records.live)
        return records.write(
            f"live.{records.pk} IN ({sql})",
            params,
            history_type=history_type,
            signature=signature,
        )
    return 0


def _cascading_to_itself(model: type[Model]) -> list[Any]:
    """The foreign keys of a model to itself that cascade."""
    fields: list[Any] = [f for f in model._meta.concrete_fields if f.is_relation]
    return [
        field
        for field in fields
        if field.remote_field.model is model and field.remote_field.on_delete is CASCADE
    ]


def _is_plain(model: type[Model]) -> bool:
    opts = model._meta
    relations: Any = get_candidate_relations_to_delete(opts)
    if (opts.concrete_model or model)._meta.parents or any(
        relation.field.remote_field.parent_link for relation in relations
    ):
        return False
    if any(isinstance(field, GenericRelation) for field in opts.private_fields):
        return False
    listeners = [
        getattr(listener, "__self__", listener)
        for signal in (pre_delete, post_delete)
        for listeners in signal._live_receivers(model)
        for listener in listeners
    ]
    return all(
        listener is keepers.before_deletion  # which `delete` does itself
        or (isinstance(listener, HistoricalRecords) and not listener.cascade_delete_history)
        for listener in listeners
    )
