"""The changes that a checked file would make, cell by cell, for people to look at."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from import_export.widgets import CharWidget

from backoffice.imports.checksums import checksums
from backoffice.imports.clean import Column
from backoffice.imports.rows import Rows
from backoffice.resources.references import join_references
from backoffice.tables.table import ModelField

if TYPE_CHECKING:
    from backoffice.imports.engine import Import

CHUNK = 5_000


class ChangedRow(NamedTuple):
    """A row that would be written; texts as an export would write them.

    new and old: a text for each column of the import; `old` is None for a new record.
    """

    line: int
    action: str  # "new" or "updated"
    pk: Any  # None for a new record
    new: tuple[str, ...]
    old: tuple[str, ...] | None


class Planned(NamedTuple):
    """A chunk of the rows that are not rejected, in the order of the file.

    beside: what was asked for beside them · changed: the places of those that would be written
    · new: their texts · old: the texts of records, by primary key · seen: `checksums` of those
    that would be updated, by line.
    """

    lines: Sequence[int]
    actions: Sequence[str]
    pks: Sequence[Any]
    beside: Sequence[tuple[Any, ...]]
    changed: Sequence[int]
    new: Sequence[tuple[str, ...]]
    old: dict[Any, tuple[str, ...]]
    seen: dict[int, int]


def read_changes(imported: "Import", *, after: int = 0) -> Iterator[ChangedRow]:
    """Yield the rows that would be written, in the order of the file."""
    for planned in read_planned(imported, after=after):
        for place, new in zip(planned.changed, planned.new, strict=True):
            pk = planned.pks[place]
            line, action, old = planned.lines[place], planned.actions[place], planned.old
            yield ChangedRow(line, action, pk, new, old.get(pk))


def read_planned(
    imported: "Import", *, after: int = 0, beside: Sequence[str] = (), texts: bool = True
) -> Iterator[Planned]:
    """Yield the rows that are not rejected: a fixed number of statements for each chunk.

    beside: columns of `Rows.staged()` · texts: whether they are wanted, of what would be
    written; without them, rows that would be new are left out.
    """
    staging, rows = imported.staging, imported.checks.rows
    fields, params = _values(rows) if texts else ([], [])
    selected = ", ".join(
        ["staged.line_, plan.pk, coalesce(plan.action, 'new')", *beside, *fields]
    )
    width = 3 + len(beside)
    line = after
    while found := imported.table.fetch(
        f"""
        SELECT {selected} FROM ({rows.staged()}) staged
        {"LEFT" if texts else ""} JOIN {staging.plan} plan ON plan.line = staged.line_
        WHERE staged.line_ > %s ORDER BY staged.line_ LIMIT {CHUNK:d}
        """,
        [*params, line],
    ):
        lines, found_pks, actions, *values = zip(*found, strict=True)
        line = lines[-1]
        pks = converted(imported.connection, imported.table.pk_field, found_pks)
        besides = list(zip(*values[: len(beside)], strict=True)) or [()] * len(lines)
        changed = [i for i, action in enumerate(actions) if action != "unchanged"]
        new: list[tuple[str, ...]] = []
        old: dict[Any, tuple[str, ...]] = {}
        seen: dict[int, int] = {}
        if "updated" in actions:
            # Before the old texts are read: of a record that changes now, staff see the new.
            for sums in checksums(imported, after=lines[0] - 1, until=line):
                seen.update(sums)
        if changed and texts:
            if len(changed) < len(lines):
                found = [found[i] for i in changed]
            old = _old_texts(imported, [pks[i] for i in changed if pks[i] is not None])
            new = _new_texts(imported, [pks[i] for i in changed], found, width, old)
        yield Planned(lines, actions, pks, besides, changed, new, old, seen)


def _values(rows: Rows) -> tuple[list[str], list[Any]]:
    """SQL of what is written of the columns of values, and its params.

    Of a blank in a new record it is the default, but for one that is made for each row.
    """
    selected, params = [], []
    for field in (column.model_field for column in rows.staging.values):
        value = f"staged.{rows.table.column(field)}"
        blank = None if field in rows.staging.made else rows.blanks.get(field)
        if rows.fields[field] and blank is not None:
            value = f"CASE WHEN plan.pk IS NULL THEN coalesce({value}, %s) ELSE {value} END"
            params.append(blank)
        selected.append(value)
    return selected, params


def _new_texts(
    imported: "Import",
    pks: list[Any],
    found: Sequence[tuple[Any, ...]],
    width: int,
    old: dict[Any, tuple[str, ...]],
) -> list[tuple[str, ...]]:
    """The texts of what would be written. found: rows, their values from `width` on."""
    columns = imported.columns
    lines, *values = zip(*found, strict=True)
    names = (column.name for column in imported.staging.values)
    of_column = dict(zip(names, values[width - 1 :], strict=True))
    new = [
        _linked(imported, column, lines)
        if column.kind == "references"
        else _referred(imported, column, of_column[column.name])
        if column.kind == "reference"
        else _texts(column, of_column[column.name])
        for column in columns
    ]
    texts = list(zip(*new, strict=True))
    if not old:
        return texts
    return [_with_kept(columns, old.get(pk), row) for pk, row in zip(pks, texts, strict=True)]


def _with_kept(
    columns: list[Column], old: tuple[str, ...] | None, new: tuple[str, ...]
) -> tuple[str, ...]:
    """The new texts, with the present ones where those stay."""
    if not old:
        return new
    return tuple(
        before if column.protected or (column.keep_blank and not text) else text
        for column, before, text in zip(columns, old, new, strict=True)
    )


def _texts(column: Column, values: Sequence[Any]) -> list[str]:
    """Values as the staging table has them, as an export would write them."""
    widget, field = column.resource_field.widget, column.model_field
    if type(widget) is CharWidget:
        return [v if v.__class__ is str else str(widget.render(v)) for v in values]
    return [str(widget.render(value)) for value in converted(column.connection, field, values)]


def converted(
    connection: BaseDatabaseWrapper, field: ModelField, values: Iterable[Any]
) -> list[Any]:
    """Values of a field as the database has them, as Python has them."""
    expression: Any = field.get_col("staged")
    converters = connection.ops.get_db_converters(expression)
    for convert in [*converters, *expression.get_db_converters(connection)]:
        values = [convert(value, expression, connection) for value in values]
    return list(values)


def _referred(imported: "Import", column: Column, targets: Sequence[Any]) -> list[str]:
    texts = _texts_of_targets(imported, column, set(targets) - {None})
    return [texts.get(target, "") for target in targets]


def _linked(imported: "Import", column: Column, lines: Sequence[int]) -> list[str]:
    """For each of `lines`, in their order, the texts of what it is linked to."""
    source, ref = imported.staging.source(column)
    rows = imported.table.fetch(
        f"""
        SELECT staged.line, target.target FROM {source} staged
        JOIN {imported.staging.targets(column)} target ON target.ref = staged.{ref}
        WHERE staged.line BETWEEN %s AND %s
        """,
        [lines[0], lines[-1]],
    )
    texts = _texts_of_targets(imported, column, {target for _line, target in rows})
    by_line: dict[int, set[str]] = {}
    for line, target in rows:
        if target in texts:  # else it was deleted meanwhile, and the write will say so
            by_line.setdefault(line, set()).add(texts[target])
    return [join_references(sorted(by_line.get(line, ()))) for line in lines]


def _texts_of_targets(imported: "Import", column: Column, targets: set[Any]) -> dict[Any, str]:
    """The text of each record that is referred to; of a new one, the text in the file."""
    ordered = list(targets)
    values = converted(column.connection, column.target_field, ordered)
    texts = column.resource_field.widget.texts(values, by=column.target_field.attname)
    found = {
        target: texts[value]
        for target, value in zip(ordered, values, strict=True)
        if value in texts
    }
    if len(found) == len(targets):
        return found
    in_file = imported.table.fetch(
        f"SELECT target, ref FROM {imported.staging.targets(column)} WHERE line IS NOT NULL"
    )
    return {target: ref for target, ref in in_file if target in targets} | found


def _old_texts(imported: "Import", pks: list[Any]) -> dict[Any, tuple[str, ...]]:
    """Per primary key, the texts of the record as it is."""
    if not pks:
        return {}
    resource, model = imported.resource, imported.model
    fields = [resource.fields[column.name] for column in imported.columns]
    records = resource.fetch_related(model._base_manager.filter(pk__in=pks))
    return {
        record.pk: tuple(str(field.export(record) or "") for field in fields)
        for record in records
    }
