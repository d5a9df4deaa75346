"""The changes that a checked file would make, cell by cell, for people to look at."""

from dataclasses import dataclass

from backoffice.imports.references import join_references

CHUNK = 500


@dataclass(frozen=True)
class Cell:
    """`old` is None for a new record. Both are as an export would write them."""

    name: str
    old: str | None
    new: str

    @property
    def changed(self):
        return self.old is None or self.old != self.new


@dataclass(frozen=True)
class Change:
    line: int
    action: str  # "new" or "updated"
    pk: int | None
    cells: list[Cell]


def read_changes(imported):
    """Yield the rows that would be written, in the order of the file.

    A fixed number of statements for each chunk of them.
    """
    line = 0
    while planned := imported.checks.fetch(
        f"""
        SELECT line, action, pk FROM ({imported.checks.planned()}) p
        WHERE action IN ('new', 'updated') AND line > %s ORDER BY line LIMIT {CHUNK:d}
        """,
        [line],
    ):
        yield from _changes(imported, planned)
        line = planned[-1][0]


def _changes(imported, planned):
    checks = imported.checks
    lines = [row[0] for row in planned]
    new = _new_values(checks, [c for c in imported.columns if c.kind == "value"], lines)
    for column in imported.columns:
        if column.kind != "value":
            new[column.name] = _new_references(checks, column, lines)
    old = _old_texts(imported, [pk for _line, action, pk in planned if action == "updated"])
    return [
        Change(
            line,
            action,
            pk,
            [
                Cell(c.name, old[pk][c.name] if pk in old else None, new[c.name].get(line, ""))
                for c in imported.columns
            ],
        )
        for line, action, pk in planned
    ]


def _old_texts(imported, pks):
    """Per primary key, `{field: text}` as exported."""
    resource, model = imported.resource, imported.model
    records = resource.filter_export(model._base_manager.filter(pk__in=pks))
    return {
        record.pk: {
            c.name: str(resource.fields[c.name].export(record) or "") for c in imported.columns
        }
        for record in records
    }


def _new_values(checks, columns, lines):
    """Per field and line, the text of what would be written."""
    marks = ", ".join(["%s"] * len(lines))
    names = ", ".join(["line", *(f"v_{column.name}" for column in columns)])
    rows = checks.fetch(f"SELECT {names} FROM import_rows WHERE line IN ({marks})", lines)
    return {
        column.name: {row[0]: str(column.resource_field.widget.render(row[i])) for row in rows}
        for i, column in enumerate(columns, 1)
    }


def _new_references(checks, column, lines):
    """Per line, the text of what would be written."""
    marks = ", ".join(["%s"] * len(lines))
    source, ref = f"import_links_{column.name}", "ref"
    if column.kind == "reference":
        source, ref = "import_rows", f"v_{column.name}"
    rows = checks.fetch(
        f"""
        SELECT r.line, t.target FROM {source} r
        JOIN import_targets_{column.name} t ON t.ref = r.{ref} WHERE r.line IN ({marks})
        """,
        lines,
    )
    texts = column.resource_field.widget.texts({target for _line, target in rows})
    by_line = {}
    for line, target in rows:
        by_line.setdefault(line, set()).add(texts[target])
    if column.kind == "reference":
        return {line: found.pop() for line, found in by_line.items()}
    return {line: join_references(sorted(found)) for line, found in by_line.items()}
