"""What rows lost by a deletion without being deleted: links to what went, and references.

In a temporary table for each model:

    undo_lost_…   pk, history_id, previous_id

`history_id` is the record of the deletion, `previous_id` the one before it, which has what
the row lost.
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import SET_NULL, Model
from django.db.models.deletion import get_candidate_relations_to_delete
from django.utils.translation import gettext as _

from backoffice.changes.plan import WHY
from backoffice.history.records import Records, Signature, history_model, names_change
from backoffice.querysets.names import names
from backoffice.querysets.reach import Reach
from backoffice.tables.scratch import Scratch
from backoffice.tables.table import Link, Table


@dataclass(frozen=True)
class Moment:
    """When a deletion was: in a Change, or between two times where none records it.

    What was deleted or changed by itself at the time has no reason: what cascaded has one.
    """

    change_id: int | None
    begin: datetime.datetime
    end: datetime.datetime

    def condition(self, record: str, table: Table) -> tuple[str, list[Any]]:
        """`(sql, params)`: that a history record is of the deletion. table: any of them."""
        if self.change_id is not None:
            return f"{record}.history_change_id = %s", [self.change_id]
        adapt = table.connection.ops.adapt_datetimefield_value
        return (
            f"{record}.history_change_id IS NULL AND {record}.history_change_reason IS NOT NULL"
            f" AND {record}.history_date BETWEEN %s AND %s",
            [adapt(self.begin), adapt(self.end)],
        )


def losing(model: type[Model]) -> Iterator[type[Model]]:
    """The models whose history shows that they lost a link or a reference to `model`."""
    for other in apps.get_models():
        if not other._meta.proxy and names_change(other) and not other._meta.parents:
            links = history_model(other)._history_m2m_fields
            if any(link.related_model is model for link in links) or nulled(other, model):
                yield other


def nulled(other: type[Model], model: type[Model]) -> list[Any]:
    """The foreign keys of `other` to `model` that are set to NULL by a deletion."""
    fields: list[Any] = [r.field for r in get_candidate_relations_to_delete(model._meta)]  # type: ignore[attr-defined] # a relation's
    kept = {f.name for f in history_model(other).tracked_fields}
    return [
        field
        for field in fields
        if field.model is other
        and field.remote_field.on_delete is SET_NULL
        and field.name in kept
    ]


class LosersPlan:
    """The rows of one model that get back what they lost.

    `plans` of its methods: of the rows that come back, by model.
    """

    def __init__(self, model: type[Model], number: int) -> None:
        self.model = model
        self.live = Table(model)
        self.records = Records(self.live)
        self.pk, self.history = self.live.pk, self.records.table
        self.scratch = Scratch(self.live.connection)
        self.name = self.scratch.name(f"undo_lost_{number}")
        self._others: list[tuple[Any, str]] = []

    def drop(self) -> None:
        self.scratch.drop(self.name)

    def collect(
        self, moment: Moment, plans: Mapping[type[Model], Any], among: str = ""
    ) -> None:
        """Plan the rows that lost something by the deletion; among: a SELECT of their keys."""
        key = self.live.db_type(self.live.pk_field)
        self.scratch.create(
            self.name, f"(pk {key} PRIMARY KEY, history_id bigint, previous_id bigint)"
        )
        same, params = moment.condition("record", self.live)
        # + 0: else PostgreSQL reads back through all of history for each row
        self.live.execute(
            f"""
            INSERT INTO {self.name} (pk, history_id, previous_id)
            SELECT found.pk, max(found.history_id), max(found.previous_id) FROM (
                SELECT record.{self.pk} AS pk, record.history_id,
                       (SELECT max(older.history_id + 0) FROM {self.history} older
                        WHERE older.{self.pk} = record.{self.pk}
                        AND older.history_id < record.history_id) AS previous_id
                FROM {self.history} record
                JOIN {self.live.name} live ON live.{self.pk} = record.{self.pk}
                WHERE record.history_type = '~' AND {same}
            ) found
            WHERE {self._lost_by_it("found", plans)}
            {f"AND found.pk IN ({among})" if among else ""}
            GROUP BY found.pk
            """,
            params,
        )

    def _links(self, plans: Mapping[type[Model], Any]) -> Iterator[tuple[Link, str, str]]:
        """The links to rows that come back, each with its history and those rows' SELECT."""
        for link, kept in self.records.links:
            if plan := plans.get(link.field.related_model):
                yield link, kept, plan.coming(plan.live.column(link.target_field))

    def _references(self, plans: Mapping[type[Model], Any]) -> Iterator[tuple[str, str]]:
        """The columns of references to rows that come back, each with those rows' SELECT."""
        for model, plan in plans.items():
            for field in nulled(self.model, model):
                yield (
                    self.live.column(field),
                    plan.coming(plan.live.column(field.target_field)),
                )

    def _lost_by_it(self, row: str, plans: Mapping[type[Model], Any]) -> str:
        """That the record before it has what comes back, and the deletion's has it no more."""
        conditions = ["1 = 0"]
        for link, kept, coming in self._links(plans):
            conditions.append(
                f"""EXISTS (
                    SELECT 1 FROM {kept} kept WHERE kept.history_id = {row}.previous_id
                    AND kept.{link.target} IN ({coming})
                    AND NOT EXISTS (
                        SELECT 1 FROM {kept} still WHERE still.history_id = {row}.history_id
                        AND still.{link.target} = kept.{link.target}))"""
            )
        for column, coming in self._references(plans):
            conditions.append(
                f"""EXISTS (
                    SELECT 1 FROM {self.history} before
                    JOIN {self.history} after ON after.history_id = {row}.history_id
                    WHERE before.history_id = {row}.previous_id
                    AND before.{column} IN ({coming}) AND after.{column} IS NULL)"""
            )
        return f"({' OR '.join(conditions)})"

    def prune(self, plans: Mapping[type[Model], Any]) -> None:
        """Take off the rows that get nothing back; remember those that refer elsewhere now."""
        conditions = ["1 = 0"]
        for link, kept, coming in self._links(plans):
            conditions.append(
                f"""EXISTS (
                    SELECT 1 FROM {kept} kept WHERE kept.history_id = lost.previous_id
                    AND kept.{link.target} IN ({coming}))"""
            )
        for column, coming in self._references(plans):
            before = f"""
                SELECT 1 FROM {self.history} before, {self.live.name} live
                WHERE before.history_id = lost.previous_id AND live.{self.pk} = lost.pk
                AND before.{column} IN ({coming})"""
            conditions.append(f"EXISTS ({before} AND live.{column} IS NULL)")
            self._others += [
                (pk, column)
                for (pk,) in self.live.fetch(
                    f"SELECT lost.pk FROM {self.name} lost WHERE EXISTS"
                    f" ({before} AND live.{column} IS NOT NULL) LIMIT 100"
                )
            ]
        self.live.execute(
            f"DELETE FROM {self.name} AS lost WHERE NOT ({' OR '.join(conditions)})"
        )

    def count(self) -> int:
        ((number,),) = self.live.fetch(f"SELECT count(*) FROM {self.name}")
        return int(number)

    def _named(self, keys: list[Any], reach: Reach) -> list[tuple[Any, str]]:
        to_python = self.live.pk_field.to_python
        rows = self.model._base_manager.in_bulk([to_python(key) for key in keys])
        return list(zip(rows, names(list(rows.values()), reach), strict=True))

    def sample(self, limit: int, reach: Reach) -> list[str]:
        """The first of the rows, as texts."""
        rows = self.live.fetch(f"SELECT pk FROM {self.name} ORDER BY pk LIMIT {limit:d}")
        return [text for _pk, text in self._named([pk for (pk,) in rows], reach)]

    def left(self, limit: int, reach: Reach) -> list[tuple[Any, str, str]]:
        """Rows that keep what they refer to now: `[(pk, text, why)]`."""
        keys = [pk for pk, _column in self._others[:limit]]
        return [(pk, text, _(str(WHY["other"]))) for pk, text in self._named(keys, reach)]

    # Doing it -----------------------------------------------------------------------

    def record_before(self, signature: Signature) -> None:
        """Record the present state of the rows, where history lacks it."""
        self.records.write_missing(f"SELECT pk FROM {self.name}", signature.date)

    def give_back(self, plans: Mapping[type[Model], Any]) -> None:
        """Give the rows their links and references back; the rows that went are there again."""
        for column, coming in self._references(plans):
            self.live.execute(
                f"""
                UPDATE {self.live.name} SET {column} = before.{column}
                FROM {self.name} lost
                JOIN {self.history} before ON before.history_id = lost.previous_id
                WHERE {self.live.name}.{self.pk} = lost.pk
                AND {self.live.name}.{column} IS NULL AND before.{column} IN ({coming})
                """
            )
        for link, kept, coming in self._links(plans):
            through = Table(link.through, self.live.connection)
            columns = [*link.columns] if through.counts_keys else [link.key, *link.columns]
            self.live.execute(
                f"""
                INSERT INTO {link.table} ({", ".join(columns)})
                SELECT {", ".join(f"kept.{column}" for column in columns)}
                FROM {self.name} lost JOIN {kept} kept ON kept.history_id = lost.previous_id
                WHERE kept.{link.target} IN ({coming}) AND NOT EXISTS (
                    SELECT 1 FROM {link.table} link WHERE link.{link.source} = lost.pk
                    AND link.{link.target} = kept.{link.target})
                ORDER BY lost.pk, kept.{link.target}
                """
            )

    def record(self, signature: Signature) -> None:
        self.records.write(
            f"live.{self.pk} IN (SELECT pk FROM {self.name})",
            history_type="~",
            signature=signature,
        )
