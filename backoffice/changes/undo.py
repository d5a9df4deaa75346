"""Undoing a change from history, by set operations in one transaction.

Created rows are deleted, changed rows return to their previous record, deleted rows are
restored. Rows that were edited since, that others now refer to, or beside which another got
the same match key, are left alone and listed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any, Self

from django.apps import apps
from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice import keepers
from backoffice.changes.exemptions import Exemption
from backoffice.changes.lost import LosersPlan, Moment
from backoffice.changes.models import Change
from backoffice.changes.plan import WHY, Plan
from backoffice.changes.returning import Returning
from backoffice.history.records import Signature, history_model, keeps_all, names_change
from backoffice.querysets.reach import Reach
from backoffice.tables.planner import expect_many


@dataclass(frozen=True)
class UndoCounts:
    """Numbers of rows: removed, restored, left alone, and already gone."""

    removed: int
    restored: int
    left: int
    gone: int
    #: How many of the restored rows had been deleted.
    back: int = 0
    #: How many of those left alone were chosen to be.
    exempt: int = 0

    @property
    def reverted(self) -> int:
        """How many of the restored rows had been changed."""
        return self.restored - self.back

    @classmethod
    def of(cls, undo: Change) -> "UndoCounts":
        """The counts of an undo that has ended."""
        new, updated = undo.new or 0, undo.updated or 0
        exempt = undo.undoes.exemptions.count() if undo.undoes else 0
        left, gone = undo.rejected or 0, undo.unchanged or 0
        return cls(undo.removed, updated + new, left, gone, new, exempt)

    def as_dict(self) -> dict[str, int]:
        """As the command line prints it."""
        names = ("removed", "restored", "left", "gone")
        return {name: n for name, n in asdict(self).items() if name in names}

    def as_fields(self) -> dict[str, int]:
        """As an undo's `Change` counts them."""
        counts = {
            "new": self.back,
            "updated": self.reverted,
            "removed": self.removed,
            "unchanged": self.gone,
            "rejected": self.left,
        }
        return counts | {"rows": sum(counts.values())}


def refusal(change: Change) -> str:
    """Why the change can't be undone, whatever its rows are like now; "" if it can."""
    if change.kind == Change.Kind.EXPORT:
        return _("An export wrote nothing that could be undone.")
    if change.undoes_id is not None:
        return _("An undo can't be undone. Make the change again instead.")
    try:
        model = change.model_class
    except LookupError:
        return _("Its model, %s, is no longer installed.") % change.model
    names = model._meta.verbose_name_plural
    if history_model(model) is None:
        return _("%s have no history, so the change can't be undone.") % capfirst(names)
    if not names_change(model):
        return _("The history of %s does not say which change wrote a record.") % names
    return ""


class UndoPlan(Plan):
    """The undo of `change` for the rows of one model. key: the fields of its match key."""

    def __init__(
        self,
        change: Change,
        model: type[Model],
        plans: "Mapping[type[Model], Plan]",
        key: tuple[str, ...] = (),
    ) -> None:
        super().__init__(model, plans)
        self.change = change
        fields = [field for field in self.records.fields if field.name in key]
        #: None of them where the history does not keep the whole key.
        self.key = [self.live.column(f) for f in fields] if len(fields) == len(key) else []

    def collect(self) -> None:
        """Plan each row that the change wrote; "edited" has a later record or new values.

        Values are compared because `QuerySet.update()` writes no history. Where the last
        record belongs to the undo of a later change, only the values are compared.
        """
        changes = self.live.quote(Change._meta.db_table)
        later = self.records.later
        undone = f"SELECT undo.id FROM {changes} undo WHERE undo.kind = 'undo'"
        moved_on = f"""EXISTS ({later()}) AND NOT EXISTS (
            {later("undo")} AND undo.history_change_id IN ({undone})
            AND NOT EXISTS ({later("newer", "undo")}))"""
        self.live.execute(f"DELETE FROM {self.name}")
        self.live.execute(
            f"""
            INSERT INTO {self.name} (pk, history_id, kind, previous_id, why)
            SELECT record.{self.pk}, record.history_id, record.history_type,
                   CASE record.history_type WHEN '-' THEN record.history_id WHEN '~' THEN
                        -- + 0: else PostgreSQL reads back through all of history for each row
                        (SELECT max(older.history_id + 0) FROM {self.history} older
                         WHERE older.{self.pk} = record.{self.pk}
                         AND older.history_id < record.history_id) END,
                   CASE WHEN record.history_type = '-' THEN
                            CASE WHEN live.{self.pk} IS NOT NULL THEN 'back'
                                 WHEN {moved_on} THEN 'edited' ELSE '' END
                        WHEN live.{self.pk} IS NULL THEN 'gone'
                        WHEN NOT ({self.records.same()}) THEN 'edited'
                        WHEN {moved_on} THEN 'edited'
                        ELSE '' END
            FROM {self.history} record
            LEFT JOIN {self.records.source} live ON live.{self.pk} = record.{self.pk}
            WHERE record.history_change_id = %s
            """,
            [self.change.pk],
        )
        self.leave("edited", "kind = '~' AND previous_id IS NULL")
        if not keeps_all(self.model):
            self.leave("partly", "kind = '-'")
        for link, kept in self.records.kept:
            self.leave(
                "edited",
                f"""kind <> '-' AND history_id IN (
                    SELECT record.history_id FROM {self.history} record
                    WHERE record.history_id IN (SELECT history_id FROM {self.name})
                    AND {self.records.other_links(link, kept)})""",
            )

    def leave_what_cannot(self) -> int:
        return super().leave_what_cannot() + self._leave_matched()

    def _leave_matched(self) -> int:
        """Rows that would stand beside another that got the same match key since.

        Twins that were there at the time come back as they were.
        """
        if not self.key:
            return 0

        def same(row: str, other: str) -> str:
            return " AND ".join(f"{row}.{column} = {other}.{column}" for column in self.key)

        return self.leave(
            "matched",
            f"""kind <> '+' AND history_id IN (
                SELECT plan.history_id FROM {self.name} plan
                JOIN {self.history} wanted ON wanted.history_id = plan.previous_id
                JOIN {self.records.source} other
                    ON {same("other", "wanted")} AND other.{self.pk} <> wanted.{self.pk}
                WHERE plan.why = '' AND plan.kind <> '+'
                AND other.{self.pk} NOT IN (SELECT pk FROM {self.name} WHERE why = '')
                AND NOT EXISTS (
                    SELECT 1 FROM {self.records.source} own
                    WHERE own.{self.pk} = plan.pk AND {same("own", "wanted")})
                AND EXISTS (
                    SELECT 1 FROM {self.history} got WHERE got.{self.pk} = other.{self.pk}
                    AND got.history_id > plan.history_id AND {same("got", "wanted")})
                AND NOT EXISTS (
                    SELECT 1 FROM {self.history} had WHERE {same("had", "wanted")}
                    AND had.history_id = (
                        SELECT max(past.history_id) FROM {self.history} past
                        WHERE past.{self.pk} = other.{self.pk}
                        AND past.history_id < plan.history_id))
            )""",
        )

    def leave_exempt(self) -> None:
        """Exclude the rows that staff chose to leave alone, whatever became of them since."""
        self.live.execute(
            f"""
            UPDATE {self.name} SET why = 'exempt' WHERE history_id IN (
                SELECT record FROM {self.live.quote(Exemption._meta.db_table)}
                WHERE change_id = %s AND model = %s)
            """,
            [self.change.pk, self.model._meta.label],
        )


class Undo(Returning):
    """The undo of a change that is done. `plan()` writes only temporary tables.

    with Undo(change) as undo:
        counts = undo.plan()
        with transaction.atomic(): …

    key_of: gives the fields of a model's match key; () where it has none.
    """

    def __init__(
        self,
        change: Change,
        key_of: Callable[[type[Model]], tuple[str, ...]] = lambda model: (),
    ) -> None:
        self.change = change
        self.plans: dict[type[Model], UndoPlan] = {}
        for model in changed_models(change):
            self.plans[model] = UndoPlan(change, model, self.plans, key_of(model))
        #: Rows that were edited since a deletion, but get back what they lost by it.
        self.losers: dict[type[Model], LosersPlan] = {}
        self.connection = self.plans[change.model_class].live.connection

    def __enter__(self) -> Self:
        for plan in self.plans.values():
            plan.create()
        return self

    def lock(self) -> None:
        """Lock the tables against other writers, as an import does, in `Deletion`'s order."""
        tables = (plan.live for plan in self.plans.values())
        for table in sorted(tables, key=attrgetter("name")):
            table.lock()

    def plan(self) -> UndoCounts:
        """Find out which rows would be undone, and which are left alone."""
        if self.connection.vendor != "postgresql":
            return self._plan()  # a transaction would block other writers
        with transaction.atomic(using=self.connection.alias):
            change = self.change
            rows = (change.new or 0) + (change.updated or 0) + change.removed
            expect_many(rows, *(plan.live for plan in self.plans.values()))
            return self._plan()

    def _plan(self) -> UndoCounts:
        plans = self.plans.values()
        for plan in plans:
            plan.collect()
            plan.leave_exempt()
        while sum(plan.leave_what_cannot() for plan in plans):
            pass
        if self.change.kind == Change.Kind.DELETION:
            self._plan_losers()
        for plan in plans:
            plan.count()
        lost = sum(loser.count() for loser in self.losers.values())
        numbers = [(kind, why, n) for p in plans for (kind, why), n in p.counts.items()]

        def count(*kinds: str) -> int:
            return sum(n for kind, why, n in numbers if why == "" and kind in kinds)

        return UndoCounts(
            removed=count("+"),
            restored=count("~", "-") + lost,
            back=count("-"),
            left=sum(n for _kind, why, n in numbers if why in WHY),
            gone=sum(n for _kind, why, n in numbers if why == "gone"),
            exempt=sum(n for _kind, why, n in numbers if why == "exempt"),
        )

    def _plan_losers(self) -> None:
        """Plan what rows lost by the deletion that can't return to what they were before it."""
        moment = Moment(self.change.pk, timezone.now(), timezone.now())
        self.losers.clear()
        for model, plan in self.plans.items():
            edited = f"{plan.name} WHERE kind = '~' AND why = 'edited'"
            if plan.live.fetch(f"SELECT 1 FROM {edited} LIMIT 1"):
                loser = self.losers[model] = LosersPlan(model, len(self.losers))
                loser.collect(moment, self.plans, f"SELECT pk FROM {edited}")
                loser.prune(self.plans)
                plan.live.execute(
                    f"DELETE FROM {edited} AND pk IN (SELECT pk FROM {loser.name})"
                )

    def left(self, limit: int, reach: Reach) -> list[tuple[type[Model], Any, str, str]]:
        """The rows that are left alone: `[(model, pk, text, why), …]`, at most `limit`."""
        rows = (
            (model, *row)
            for model, plan in self.plans.items()
            for row in plan.left(limit, reach)
        )
        return [row for row, _n in zip(rows, range(limit), strict=False)]

    def notes(self) -> list[str]:
        """Sentences for staff: what the undo does not restore, and why."""
        return [*_lost(self.change), *(note for m in self.plans for note in not_kept(m))]

    def run(self, counts: UndoCounts, signature: Signature) -> None:
        """Undo the planned rows; the caller holds the transaction. Raises LockedOut."""
        with keepers.kept(self.connection.alias, *self.plans):
            self.carry_out(signature, counts.removed + counts.restored)


def changed_models(change: Change) -> list[type[Model]]:
    """The models that have history records of the change, its own model first."""
    own = change.model_class
    others = (
        model
        for model in apps.get_models()
        if not model._meta.proxy  # its rows are those of the model it stands for
        and model is not own._meta.concrete_model
        and names_change(model)
        and history_model(model)._base_manager.filter(history_change=change).exists()
    )
    return [own, *others]


def rights(change: Change) -> Iterator[tuple[type[Model], str]]:
    """The rights that undoing the change needs: `(model, "delete", "change" or "add")`.

    What it created would be deleted, what it changed changed, what it deleted added.
    """
    own, *others = changed_models(change)
    if change.kind == Change.Kind.RESTORATION:
        others = [own, *others]  # its numbers are those of all its models
    else:
        numbers = {"delete": change.new, "change": change.updated, "add": change.removed}
        yield from ((own, right) for right, number in numbers.items() if number)
    for model in others:
        written = history_model(model)._base_manager.filter(history_change=change)
        for kind in written.order_by().values_list("history_type", flat=True).distinct():
            yield model, {"+": "delete", "~": "change", "-": "add"}[kind]


def _lost(change: Change) -> Iterator[str]:
    for label, number in change.lost.items():
        said = ngettext(
            "%(number)d %(names)s has no history: it is not restored.",
            "%(number)d %(names)s have no history: they are not restored.",
            number,
        )
        yield said % {"number": number, "names": plural(label, number)}
    for label, number in change.erased.items():
        said = ngettext(
            "%(number)d %(names)s was erased since: nothing is kept that could be restored.",
            "%(number)d %(names)s were erased since: nothing is kept that could be restored.",
            number,
        )
        yield said % {"number": number, "names": plural(label, number)}


def not_kept(model: type[Model]) -> Iterator[str]:
    """Fields and links that the model's history does not keep."""
    history = history_model(model)
    kept = {f.name for f in [*history.tracked_fields, *history._history_m2m_fields]}
    fields = [f for f in model._meta.concrete_fields if not f.generated]
    if missing := [f for f in [*fields, *model._meta.many_to_many] if f.name not in kept]:
        yield _(
            "The history of %(names)s does not keep %(fields)s: these stay as they are."
        ) % {
            "names": model._meta.verbose_name_plural,
            "fields": ", ".join(str(f.verbose_name) for f in missing),
        }


def plural(label: str, number: int = 2) -> str:
    """So many rows of a model, as staff call them: "libraries" for "library.Library"."""
    try:
        opts = apps.get_model(label)._meta
        return str(opts.verbose_name if number == 1 else opts.verbose_name_plural)
    except (LookupError, ValueError):
        return label  # the app is no longer installed, or the label names none
