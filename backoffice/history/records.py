"""Writes history records of many rows at once, as django-simple-history would.

In SQL, `live` is the row, `record` its record, `link` a row of a many-to-many.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    Exists,
    ManyToManyField,
    Model,
    OuterRef,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce
from django.utils import timezone
from simple_history.utils import get_m2m_field_name

from backoffice.history.link_changes import LinkChanges
from backoffice.history.links import lasts
from backoffice.tables.table import Link, ModelField, Table

#: The change reason of a record of earlier values that history had missed.
BEFORE = "as it was before the next change"


@dataclass(frozen=True)
class Signature:
    """The fields that all records of one write share: when, who, why, and which change."""

    date: datetime = field(default_factory=timezone.now)
    user_id: Any = None
    reason: str | None = None
    change_id: int | None = None


def history_model(model: type[Model]) -> Any:
    """The history model of `model`, or None."""
    name = getattr(model._meta, "simple_history_manager_attribute", None)
    return getattr(model, name).model if name else None


def purge(records: QuerySet[Any]) -> int:
    """Delete records of history, and links that only they have. Returns how many records."""
    history, db = records.model, records.db
    for kept in getattr(history, "_history_m2m_fields", ()):
        row, source = history.instance_type._meta.pk.attname, f"{get_m2m_field_name(kept)}_id"
        staying: QuerySet[Any] = QuerySet(history).filter(
            ~Exists(records.filter(pk=OuterRef("pk")).order_by()),
            **{row: OuterRef(source)},
            history_id__gte=OuterRef("history_id"),
            history_id__lt=Coalesce(OuterRef("history_until"), BigIntegerField.MAX_BIGINT),
        )
        links: QuerySet[Any] = QuerySet(getattr(history, kept.name).model).using(db)
        links = links.filter(**{f"{source}__in": records.order_by().values(row)})
        links.filter(~Exists(staying))._raw_delete(db)
        # The others are kept by the first record that stays.
        first = staying.order_by("history_id").values("history_id")[:1]
        links.filter(history__in=records.order_by().values("pk")).update(
            history=Subquery(first)
        )
    return int(records._raw_delete(db) or 0)  # none of an empty queryset


def names_change(model: type[Model]) -> bool:
    """Whether history of `model` has `history_change`, the Change that wrote a record."""
    history = history_model(model)
    return history is not None and any(
        field.name == "history_change" for field in history._meta.concrete_fields
    )


def keeps_all(model: type[Model]) -> bool:
    """Whether the history of `model` has all its fields, so that a deleted row can return."""
    kept = {field.name for field in history_model(model).tracked_fields}
    return all(f.generated or f.name in kept for f in model._meta.concrete_fields)


def parents(model: type[Model]) -> Iterator[tuple[type[Model], ModelField]]:
    """The models that `model` inherits columns from, each with its parent link."""
    for parent, link in model._meta.parents.items():
        if link:
            yield parent, link
            yield from parents(parent)


class Records:
    """The history of one model; the only code that writes it in bulk.

    It writes nothing for a model without history. `history` is the Table of the history.
    """

    def __init__(self, table: Table) -> None:
        self.live, self.pk = table, table.pk
        self.model = history_model(table.model)
        self.history = Table(self.model, table.connection) if self.model else None

    @property
    def table(self) -> str:
        assert self.history is not None  # noqa: S101
        return self.history.name

    @functools.cached_property
    def fields(self) -> list[ModelField]:
        """The model's fields that a record keeps and that are written."""
        return [f for f in self.model.tracked_fields if f.column and not f.generated]

    @functools.cached_property
    def columns(self) -> list[str]:
        """The columns of `fields`: they have the same names in both tables."""
        return [self.live.column(field) for field in self.fields]

    @functools.cached_property
    def source(self) -> str:
        """SQL for the rows with all their columns: the table joined with its parents'."""
        connection = self.live.connection
        links = [(Table(parent, connection), link) for parent, link in parents(self.live.model)]
        if not links:
            return self.live.name
        owners = {field.model: Table(field.model, connection) for field in self.fields}
        columns = [f"{owners[f.model].name}.{self.live.column(f)}" for f in self.fields]
        tables = [self.live.name, *(table.name for table, _link in links)]
        joined = [
            f"{table.name}.{table.pk} = {Table(link.model, connection).name}"
            f".{self.live.column(link)}"
            for table, link in links
        ]
        return (
            f"(SELECT {', '.join(columns)} FROM {', '.join(tables)}"
            f" WHERE {' AND '.join(joined)})"
        )

    @functools.cached_property
    def kept(self) -> list[tuple[Link, str]]:
        """The many-to-many links that history keeps, each with its table of history."""
        if self.model is None:
            return []
        return [(self.live.link(f), self._kept(f)) for f in self.model._history_m2m_fields]

    def _kept(self, field: ManyToManyField[Any, Any]) -> str:
        return self.live.quote(getattr(self.model, field.name).model._meta.db_table)

    @functools.cached_property
    def links(self) -> list[tuple[Link, str]]:
        """The many-to-many links, each with SQL for those of each record.

        It reads as a table with `history_id` and the columns of the links.
        """
        return [(link, self._links_of_records(link, kept)) for link, kept in self.kept]

    def _links_of_records(self, link: Link, kept: str) -> str:
        columns = ", ".join(f"lasting.{column}" for column in (link.key, *link.columns))
        return (
            f"(SELECT told.history_id, {columns} FROM {self.table} told"
            f" JOIN {kept} lasting ON lasting.{link.source} = told.{self.pk}"
            f" AND {lasts('lasting', 'told')})"
        )

    @property
    def tables(self) -> list[str]:
        """The tables that a write of a row touches: its own, its history's, its links'."""
        own = [self.live.name] if self.model is None else [self.live.name, self.table]
        return [*own, *(name for link, kept in self.kept for name in (link.table, kept))]

    # Comparing ----------------------------------------------------------------------

    def same(self) -> str:
        """The condition that the row has the values of `record`."""
        return " AND ".join(f"live.{c} IS NOT DISTINCT FROM record.{c}" for c in self.columns)

    def other_links(self, link: Link, kept: str) -> str:
        """The condition that the row's links differ from those of `record`.

        link, kept: as in `kept`. Where no two links of a row are the same, as in Django's own
        tables, each is looked up once: they differ by their number, or by one that is no more.
        """
        columns, is_unique = link.columns, link.through._meta.auto_created
        equal = "=" if is_unique else "IS NOT DISTINCT FROM"  # which has no index on PostgreSQL
        same = " AND ".join(f"link.{column} {equal} kept.{column}" for column in columns)
        of_row = f"FROM {link.table} link WHERE link.{link.source} = record.{self.pk}"
        of_record = (
            f"FROM {kept} kept WHERE kept.{link.source} = record.{self.pk}"
            f" AND {lasts('kept', 'record')}"
        )
        ended = f"EXISTS (SELECT 1 {of_record} AND NOT EXISTS (SELECT 1 {of_row} AND {same}))"
        if is_unique:
            return f"({ended} OR (SELECT count(*) {of_record}) <> (SELECT count(*) {of_row}))"
        begun = f"EXISTS (SELECT 1 {of_row} AND NOT EXISTS (SELECT 1 {of_record} AND {same}))"
        return f"({ended} OR {begun})"

    def later(self, newer: str = "newer", older: str = "record") -> str:
        """SELECT of the records of the same row that are newer than `older`."""
        return (
            f"SELECT 1 FROM {self.table} {newer} WHERE {newer}.{self.pk} = {older}.{self.pk}"
            f" AND {newer}.history_id > {older}.history_id"
        )

    # Writing ------------------------------------------------------------------------

    def write_missing(self, keys: str, date: datetime, params: Sequence[Any] = ()) -> None:
        """Record the present state of rows about to change, if their last record differs.

        Some rows have no record; others were changed without one, by `loaddata --no-validate`
        or `QuerySet.update()`. date: that of the change.
        """
        self.write_changed(keys, Signature(date, reason=BEFORE), params)

    def write_changed(
        self, keys: str, signature: Signature, params: Sequence[Any] = ()
    ) -> None:
        """Record rows that have no record, or whose last one differs.

        keys: a SELECT or a list of primary keys; params: its parameters.
        """
        if self.model is None:
            return
        same = [self.same(), *(f"NOT {self.other_links(*link)}" for link in self.kept)]
        self.write(
            f"""
            live.{self.pk} IN ({keys}) AND NOT EXISTS (
                SELECT 1 FROM {self.table} record WHERE record.{self.pk} = live.{self.pk}
                AND {" AND ".join(same)} AND NOT EXISTS ({self.later()})
            )
            """,
            params,
            history_type="~",
            signature=signature,
        )

    def write(
        self,
        condition: str,
        params: Sequence[Any] = (),
        *,
        history_type: str,
        signature: Signature,
    ) -> int:
        """Copy live rows into history, with what changed in their links; how many rows.

        condition: SQL about the row `live`; params: its parameters.
        """
        if self.model is None:
            return 0
        last = self._last_record() if self.links else 0
        said = self._said(history_type, signature)
        values = [*(f"live.{column}" for column in self.columns), *("%s" for _name in said)]
        columns = [*self.columns, *said]
        if relation := self._relation():
            columns, values = [*columns, relation], [*values, f"live.{self.pk}"]
        number = self.live.execute(
            f"""
            INSERT INTO {self.table} ({", ".join(columns)})
            SELECT {", ".join(values)}
            FROM {self.source} live WHERE {condition} ORDER BY live.{self.pk}
            """,
            [*said.values(), *params],
        )
        if number:
            for changes in self._link_changes():
                # Only this write's records are newer, with this type and this very date.
                changes.write(
                    last,
                    "record.history_type = %s AND record.history_date = %s",
                    [history_type, said["history_date"]],
                    are_new=history_type == "+",
                )
        return number

    def _said(self, history_type: str, signature: Signature) -> dict[str, Any]:
        """`{column: value}` of a record's own columns, beside those copied from the row."""
        adapt = self.live.connection.ops.adapt_datetimefield_value
        said = {
            "history_type": history_type,
            "history_date": adapt(signature.date),
            "history_change_reason": signature.reason and signature.reason[:100],
            "history_user_id": signature.user_id,
            "history_change_id": signature.change_id,
        }
        known = {field.column for field in self.model._meta.concrete_fields}
        return {name: value for name, value in said.items() if name in known}

    def _relation(self) -> str | None:
        """The column of simple-history's `related_name`, if the model has one."""
        for kept in self.model._meta.concrete_fields:
            if kept.name == "history_relation":
                return self.live.column(kept)
        return None

    def _last_record(self) -> Any:
        ((last,),) = self.live.fetch(f"SELECT max(history_id) FROM {self.table}")
        return last or 0

    def write_links(self, history_ids: Sequence[Any]) -> None:
        """Keep the present links of the rows of these records: the last ones of their rows."""
        keys = ", ".join(["%s"] * len(history_ids))
        for changes in self._link_changes():
            changes.write_changed(f"record.history_id IN ({keys})", history_ids)

    def _link_changes(self) -> Iterator[LinkChanges]:
        for link, kept in self.kept:
            yield LinkChanges(self.live, self.table, link, kept)
