"""The changes that a checked file would make, cell by cell, for people to look at."""

from typing import NamedTuple

from import_export.widgets import CharWidget

from backoffice.resources.references import join_references

CHUNK = 2000


class Change(NamedTuple):
    """A row that would be written; texts as an export would write them.

    new and old: a text for each column of the import; `old` is None for a new record.
    """

    line: int
    action: str  # "new" or "updated"
    pk: int | None
    new: tuple[str, ...]
    old: tuple[str, ...] | None


def read_changes(imported):
    """Yield the rows that would be written, in the order of the file.

    A fixed number of statements for each chunk of them.
    """
    checks, columns = imported.checks, imported.columns
    rows, staging = checks.rows, imported.staging
    staged = "".join(f", staged.v_{column.name}" for column in staging.values)
    line = 0
    while found := checks.table.fetch(
        f"""
        SELECT staged.line, plan.pk, coalesce(plan.action, 'new'){staged}
        FROM {staging.rows} staged LEFT JOIN {staging.plan} plan ON plan.line = staged.line
        WHERE staged.line > %s AND coalesce(plan.action, 'new') <> 'unchanged'
        {rows.accepted("AND")} ORDER BY staged.line LIMIT {CHUNK:d}
        """,
        [line],
    ):
        lines, pks, actions, *values = zip(*found, strict=True)
        values = dict(zip((c.name for c in staging.values), values, strict=True))
        new = [
            _texts(column, values[column.name])
            if column.kind == "value"
            else _references(checks, column, lines)
            for column in columns
        ]
        old = _old_texts(imported, [pk for pk in pks if pk is not None])
        for at in zip(lines, actions, pks, zip(*new, strict=True), strict=True):
            change = Change(*at, old.get(at[2]))
            yield _with_kept(columns, change) if change.old else change
        line = lines[-1]


def _with_kept(columns, change):
    """The change with the present values where a blank cell keeps them."""
    new = [
        old if column.keep_blank and not text else text
        for column, old, text in zip(columns, change.old, change.new, strict=True)
    ]
    return change._replace(new=tuple(new))


def _texts(column, values):
    """Values as the staging table has them, as an export would write them."""
    widget, field = column.resource_field.widget, column.model_field
    if type(widget) is CharWidget:
        return [v if v.__class__ is str else str(widget.render(v)) for v in values]
    expression, connection = field.get_col("staged"), column.connection
    converters = connection.ops.get_db_converters(expression)
    for convert in [*converters, *expression.get_db_converters(connection)]:
        values = [convert(value, expression, connection) for value in values]
    return [str(widget.render(value)) for value in values]


def _references(checks, column, lines):
    """For each of `lines`, in their order, the text of what it refers to."""
    source, ref = checks.source(column)
    rows = checks.table.fetch(
        f"""
        SELECT staged.line, target.target FROM {source} staged
        JOIN {checks.staging.targets(column)} target ON target.ref = staged.{ref}
        WHERE staged.line BETWEEN %s AND %s
        """,
        [lines[0], lines[-1]],
    )
    texts = column.resource_field.widget.texts({target for _line, target in rows})
    by_line = {}
    for line, target in rows:
        by_line.setdefault(line, set()).add(texts[target])
    if column.kind == "reference":
        return ["".join(by_line.get(line, ())) for line in lines]
    return [join_references(sorted(by_line.get(line, ()))) for line in lines]


def _old_texts(imported, pks):
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
