"""The rows of a model that were deleted, as history has them, and which of them a user sees."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Exists, Model, OuterRef, QuerySet

from backoffice.history.records import Records, history_model
from backoffice.tables.table import Table

#: Records of deletions that are looked through for one page.
LOOKED_AT = 20_000

Rows = QuerySet[Any]


@dataclass(frozen=True)
class DeletedPage:
    """Records of deletions, the latest first.

    older: the next page has those before it; None if there are none.
    """

    records: list[Any]
    older: int | None


def absent(model: type[Model]) -> Rows:
    """The last record of each row that was deleted and is still gone."""
    history, key = history_model(model), model._meta.pk.attname
    records: Rows = history._base_manager.filter(history_type="-")
    newer = history._base_manager.filter(
        **{key: OuterRef(key)}, history_id__gt=OuterRef("history_id")
    )
    live = model._base_manager.filter(pk=OuterRef(key))
    return records.filter(~Exists(live), ~Exists(newer))


def deleted(
    model: type[Model],
    size: int,
    *,
    before: int | None = None,
    narrow: Callable[[Rows], Rows] = lambda records: records,
) -> DeletedPage:
    """A page of the rows that were deleted, at a cost that does not grow with their number.

    Where few of the latest records fit, the page may be short and yet have an older one.

    before: a `history_id` · narrow: leaves the records that a search finds.
    """
    marked = history_model(model)._base_manager.filter(history_type="-")
    if before is not None:
        marked = marked.filter(history_id__lt=before)
    marked = marked.order_by("-history_id")
    end = marked.values_list("history_id", flat=True)[LOOKED_AT : LOOKED_AT + 1].first()
    records = narrow(absent(model)).order_by("-history_id")
    if before is not None:
        records = records.filter(history_id__lt=before)
    if end is not None:
        records = records.filter(history_id__gt=end)
    found = list(records[: size + 1])
    if len(found) > size:
        return DeletedPage(found[:size], found[size - 1].history_id)
    return DeletedPage(found, None if end is None else end + 1)


def visible(seen: Rows, records: Sequence[Any]) -> set[int]:
    """The `history_id`s of those records whose rows would be among `seen`, were they there.

    The queryset's own SQL decides: it reads the records in place of the table, and the links
    that they keep in place of the present ones. Apart from these, what a row refers to is
    looked up as it is now. No two of the records are of one row.
    """
    numbers = {record.history_id for record in records}
    if not numbers or not seen.query.has_filters():
        return numbers
    model = seen.model
    history = Records(Table(model))
    table = history.live
    rows = seen.order_by().values("pk").query
    try:
        sql, params = rows.get_compiler(connection=table.connection).as_sql()
    except EmptyResultSet:
        return set()
    marks = ", ".join(["%s"] * len(numbers))
    instead = [
        f"{name} AS (SELECT {columns} FROM {history.table} record"
        f" WHERE record.history_id IN ({marks}))"
        for name, columns in _tables(history)
    ]
    instead += [
        f"{link.table} AS (SELECT {', '.join((link.key, *link.columns))} FROM {kept} kept"
        f" WHERE kept.history_id IN ({marks}))"
        for link, kept in history.links
    ]
    number = len(instead)
    found = table.fetch(
        f"WITH {', '.join(instead)} SELECT record.history_id FROM {history.table} record"
        f" WHERE record.history_id IN ({marks}) AND record.{history.pk} IN ({sql})",
        [*(sorted(numbers) * (number + 1)), *params],
    )
    return {number for (number,) in found}


def _tables(history: Records) -> Iterator[tuple[str, str]]:
    """The model's table, and those it inherits: each with its columns as a record has them."""
    kept = {field.column for field in history.fields}
    by_table: dict[str, list[str]] = {}
    for field in history.live.opts.concrete_fields:
        owner = Table(field.model, history.live.connection)
        column = owner.column(field)
        value = f"record.{column}"
        if field.column not in kept:
            value = f"CAST(NULL AS {field.db_type(owner.connection)}) AS {column}"
        by_table.setdefault(owner.name, []).append(value)
    for name, columns in by_table.items():
        yield name, ", ".join(columns)
