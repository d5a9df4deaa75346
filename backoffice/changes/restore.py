"""Restoring a deleted record from history, with what was deleted with it, in one change.

What comes back beside the record itself: rows that cascaded from it, as their last records
have them; the links that other rows lost by it; the references that were set to NULL. Each is
found by the records that the same deletion wrote. It takes a fixed number of statements for
each model concerned, however many rows there are.
"""

import datetime
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any

from django.contrib.contenttypes.fields import GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import CASCADE, Count, Model, Q
from django.db.models.deletion import get_candidate_relations_to_delete
from django.db.models.expressions import RawSQL
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.changes.lost import LosersPlan, Moment, losing
from backoffice.changes.models import Change
from backoffice.changes.outside import reaches_outside
from backoffice.changes.plan import Plan
from backoffice.changes.returning import Returning
from backoffice.changes.undo import not_kept, plural
from backoffice.history.names import names_then
from backoffice.history.records import Records, history_model, keeps_all, names_change
from backoffice.querysets.reach import EVERYTHING, Reach
from backoffice.querysets.scopes import is_scoped
from backoffice.tables.planner import expect_many
from backoffice.tables.table import Table

UNSEEN = gettext_lazy("records would come back, or change, that you may not see.")
#: How far the records of one deletion are apart, where no Change holds them together.
NEAR = datetime.timedelta(minutes=1)


def is_restorable(model: type[Model]) -> bool:
    """Whether deleted rows of the model can be inserted again from its history, by SQL."""
    opts = (model._meta.concrete_model or model)._meta
    inherits = bool(opts.parents) or any(
        relation.field.remote_field.parent_link  # type: ignore[attr-defined] # a relation's
        for relation in get_candidate_relations_to_delete(opts)
    )
    return names_change(model) and keeps_all(model) and not inherits


def reaches(model: type[Model]) -> tuple[list[type[Model]], list[type[Model]]]:
    """The models that a deletion of `model` may take along, and those that may lose links."""
    taken, losers = [model], list[type[Model]]()
    for each in taken:  # it grows meanwhile
        for relation in get_candidate_relations_to_delete(each._meta):
            key: Any = relation.field  # type: ignore[attr-defined] # a relation's field
            if key.remote_field.on_delete is CASCADE and is_restorable(key.model):
                taken += [] if key.model in taken else [key.model]
        losers += [loser for loser in losing(each) if loser not in losers]
    return taken, losers


def gone_with(model: type[Model], changes: Collection[int]) -> dict[int, dict[Any, int]]:
    """How many records deletions wrote: `{change: {(model, history_type): number}}`.

    It takes one statement for each model that a deletion of `model` reaches.
    """
    numbers: dict[int, dict[Any, int]] = {change: {} for change in changes}
    if not changes:
        return numbers
    taken, losers = reaches(model)
    for kind, models in (("-", taken), ("~", losers)):
        for each in models:
            written = history_model(each)._base_manager.filter(
                history_change__in=changes, history_type=kind
            )
            counted = written.order_by().values_list("history_change").annotate(n=Count("pk"))
            for change, number in counted:
                numbers[change][each, kind] = number
    return numbers


class NothingRestored(Exception):
    """The record can't come back, for the reason given. Nothing was written."""


class ReturningPlan(Plan):
    """The rows of one model that come back."""

    def add(self, condition: str, params: Collection[Any]) -> int:
        """Plan the rows of the records of a deletion that meet a condition about `record`.

        Returns the number of rows that are new in the plan.
        """
        return self.live.execute(
            f"""
            INSERT INTO {self.name} (pk, history_id, kind, previous_id, why)
            SELECT record.{self.pk}, record.history_id, '-', record.history_id,
                   CASE WHEN live.{self.pk} IS NULL THEN '' ELSE 'back' END
            FROM {self.history} record
            LEFT JOIN {self.live.name} live ON live.{self.pk} = record.{self.pk}
            WHERE record.history_type = '-' AND {condition}
            AND NOT EXISTS (SELECT 1 FROM {self.name} plan WHERE plan.pk = record.{self.pk})
            AND NOT EXISTS ({self.records.later()} AND newer.history_type = '-')
            """,
            list(params),
        )

    def sample(self, limit: int, reach: Reach, *, but: int) -> list[str]:
        """The first of the rows that come back, as texts; but: the record of one not named."""
        coming = self.taken_back("-", column="history_id")
        rows = self.live.fetch(
            f"{coming} AND history_id <> {but:d} ORDER BY pk LIMIT {limit:d}"
        )
        numbers = [number for (number,) in rows]
        records = self.records.model._base_manager.in_bulk(numbers)
        return names_then([records[number] for number in numbers], reach)


@dataclass(frozen=True)
class Part:
    """What a restoration brings back of one model, beside the record itself.

    lost: whether its rows stayed, and get lost links or references back · names: of some.
    """

    model: type[Model]
    number: int
    names: list[str]
    lost: bool = False

    @property
    def key(self) -> str:
        return f"{self.model._meta.label}{'~' if self.lost else ''}"


@dataclass(frozen=True)
class Restorable:
    """What a restoration would do: `left` is `[(model, pk, text, why)]`, a part of all."""

    problem: str = ""
    parts: list[Part] = default(default_factory=list)
    left: list[tuple[type[Model], Any, str, str]] = default(default_factory=list)
    notes: list[str] = default(default_factory=list)


class Restore(Returning):
    """The restoration of the row of `record`, the history record of its deletion.

    without: the keys of parts that are not wanted · reach: of whoever reads the names in it.
    Its model must be restorable.

    with Restore(record) as restore:
        found = restore.plan()
    """

    def __init__(
        self, record: Any, *, without: Collection[str] = (), reach: Reach = EVERYTHING
    ) -> None:
        self.record, self.without, self.reach = record, without, reach
        self.model: type[Model] = record.instance_type
        self.plans: dict[type[Model], ReturningPlan] = {}
        self.losers: dict[type[Model], LosersPlan] = {}
        self.connection = Table(self.model).connection
        self._ignored: set[type[Model]] = set()
        date = record.history_date
        self.moment = Moment(record.history_change_id, date - NEAR, date + NEAR)

    def reaches_outside(self, user: Any) -> bool:
        """Of what is planned: whether the user may not see all of it."""
        planned: list[tuple[type[Model], str]] = [
            *((model, plan.name) for model, plan in self.plans.items()),
            *((model, loser.name) for model, loser in self.losers.items()),
        ]
        return is_scoped(user) and any(
            reaches_outside(model, Q(history_id__in=_numbers(name)), user)
            for model, name in planned
        )

    # Planning -----------------------------------------------------------------------

    def plan(self, *, lock: bool = False, sample: int = 0) -> Restorable:
        """Find out what comes back. It writes only temporary tables.

        lock: keep other writers from the tables, in the caller's transaction · sample: how
        many rows of each part, and of those that can't come back, are named.
        """
        if self.connection.vendor == "postgresql":
            with transaction.atomic(using=self.connection.alias):
                change = Change.objects.filter(pk=self.record.history_change_id).first()
                expect_many(change.removed if change else 0, Table(self.model))
                return self._plan(lock, sample)
        return self._plan(lock, sample)  # a transaction would block other writers

    def _plan(self, lock: bool, sample: int) -> Restorable:
        self._walk(lock)
        for loser in self.losers.values():
            loser.collect(self.moment, self.plans)
        while sum(plan.leave_what_cannot() for plan in self.plans.values()):
            pass
        for plan in self.plans.values():
            plan.count()
        for loser in self.losers.values():
            loser.prune(self.plans)
        return self._found(sample)

    def _walk(self, lock: bool) -> None:
        """Plan the row itself, then, model by model, the rows that cascaded from it."""
        self._plan_of(self.model, lock).add("record.history_id = %s", [self.record.pk])
        todo = [self.model]
        while todo:
            parent = todo.pop(0)
            for child, condition in self._cascading(parent):
                table = Table(child)
                same, params = self.moment.condition("record", table)
                condition = f"{same} AND {condition}"
                if not is_restorable(child):
                    history = Records(table).table
                    found = f"SELECT 1 FROM {history} record WHERE {condition} LIMIT 1"
                    if names_change(child) and table.fetch(found, params):
                        self._ignored.add(child)
                elif child._meta.label in self.without:
                    continue
                elif self._plan_of(child, lock).add(condition, params):
                    todo.append(child)
            for loser in losing(parent):
                if loser not in self.losers and f"{loser._meta.label}~" not in self.without:
                    number = len(self.losers)
                    self.losers[loser] = LosersPlan(loser, number)
                    if lock:
                        self.losers[loser].live.lock()

    def _plan_of(self, model: type[Model], lock: bool) -> ReturningPlan:
        if model not in self.plans:
            plan = self.plans[model] = ReturningPlan(model, self.plans)
            plan.create()
            if lock:
                plan.live.lock()
        return self.plans[model]

    def _cascading(self, parent: type[Model]) -> Iterator[tuple[type[Model], str]]:
        """The models that cascade from `parent`, each with a condition about its `record`."""
        plan = self.plans[parent]
        new = f"SELECT history_id FROM {plan.name} WHERE why = ''"
        for relation in get_candidate_relations_to_delete(parent._meta):
            field: Any = relation.field  # type: ignore[attr-defined] # a relation's field
            if field.remote_field.on_delete is CASCADE and history_model(field.model):
                column = plan.live.column(field)
                target = plan.live.column(field.target_field)
                yield (
                    field.model,
                    f"record.{column} IN (SELECT parent.{target} FROM {plan.history} parent"
                    f" WHERE parent.history_id IN ({new}))",
                )
        for relation in parent._meta.private_fields:
            if isinstance(relation, GenericRelation) and history_model(relation.related_model):
                child = relation.related_model
                kind = ContentType.objects.get_for_model(parent)
                type_field: Any = child._meta.get_field(relation.content_type_field_name)
                key: Any = child._meta.get_field(relation.object_id_field_name)
                yield (
                    child,
                    f"record.{plan.live.column(type_field)} = {kind.pk:d}"
                    f" AND CAST(record.{plan.live.column(key)} AS text) IN (SELECT"
                    f" CAST(parent.pk AS text) FROM {plan.name} parent WHERE why = '')",
                )

    def _found(self, sample: int) -> Restorable:
        plan = self.plans[self.model]
        left = [
            (model, *row)
            for model, its_plan in self.plans.items()
            for row in its_plan.left(sample, self.reach)
        ]
        left += [
            (m, *row)
            for m, loser in self.losers.items()
            for row in loser.left(sample, self.reach)
        ]
        if not plan.counts.get(("-", "")):
            why = next((why for model, pk, _text, why in left if model is self.model), "")
            return Restorable(problem=why or _("It exists again."), left=left)
        parts = []
        for model, its_plan in self.plans.items():
            number = its_plan.counts.get(("-", ""), 0) - (model is self.model)
            if number:
                but = self.record.pk if model is self.model else 0
                parts.append(Part(model, number, its_plan.sample(sample, self.reach, but=but)))
        for model, loser in self.losers.items():
            if number := loser.count():
                parts.append(Part(model, number, loser.sample(sample, self.reach), lost=True))
        return Restorable(parts=parts, left=left, notes=list(self._notes()))

    def _notes(self) -> Iterator[str]:
        """Sentences for staff: what does not come back, and why."""
        change = Change.objects.filter(pk=self.record.history_change_id).first()
        for label in change.lost if change else ():
            yield _("%s have no history: those that went with it don't come back.") % capfirst(
                plural(label)
            )
        for model in self.plans:
            yield from not_kept(model)
        for model in self._ignored:
            names = model._meta.verbose_name_plural
            yield _("%s that were deleted with it can only be restored one by one.") % capfirst(
                names
            )

    # Doing it -----------------------------------------------------------------------

    def run(self, *, user: Any) -> tuple[Change, list[Part]]:
        """Bring back what can come back: `(the Change that records it, what came back)`.

        Raises NothingRestored.
        """
        with transaction.atomic(using=self.connection.alias):
            found = self.plan(lock=True, sample=1)
            if found.problem:
                raise NothingRestored(found.problem)
            if self.reaches_outside(user):
                raise NothingRestored(UNSEEN)
            change = self._record_change(user, found)
            self.carry_out(change.signature, change.rows or 0)
        return change, found.parts

    def _record_change(self, user: Any, found: Restorable) -> Change:
        new = 1 + sum(part.number for part in found.parts if not part.lost)
        updated = sum(part.number for part in found.parts if part.lost)
        (name,) = names_then([self.record], self.reach)
        return Change.objects.create_done(
            self.model,
            kind=Change.Kind.RESTORATION,
            user=user,
            title=f"{capfirst(self.model._meta.verbose_name)}: {name}",
            rows=new + updated,
            new=new,
            updated=updated,
        )


def _numbers(plan: str) -> RawSQL:
    """The numbers of the records that a table of a plan has."""
    return RawSQL(f"SELECT history_id FROM {plan}", [])  # noqa: S611 # our own table
