"""A Resource's rows as text, streamed: a statement a chunk, memory flat.

Columns that are a field of the model are read by `values_list`; references and lists of
them are made of names that the database hands along. A Resource with columns of another
kind (a `dehydrate_…` method, say) is read row by row as upstream does.
"""

from collections import defaultdict
from itertools import islice

from import_export.widgets import CharWidget

from backoffice.exports.formulas import escape_formula
from backoffice.imports.references import (
    ReferencesWidget,
    ReferenceWidget,
    join_references,
)

CHUNK = 2000  # rows


def export_rows(resource, queryset, names=None):
    """Yield the header and then each row, as lists of text.

    names: the fields to export, in this order; all of the Resource's by default.
    """
    names = list(names or resource.get_export_order())
    yield [resource.fields[name].column_name for name in names]
    if not queryset.ordered:
        queryset = queryset.order_by("pk")
    columns = [_column(resource, queryset.model, name) for name in names]
    if None in columns:
        yield from _one_by_one(resource, queryset, names)
        return
    expressions, expected = {}, ["pk"]
    for column in columns:
        expressions |= column.expressions
        expected += column.values
    rows = queryset.annotate(**expressions).values_list(*dict.fromkeys(expected))
    rows = rows.iterator(chunk_size=CHUNK)
    place = {name: i for i, name in enumerate(dict.fromkeys(expected))}
    while chunk := list(islice(rows, CHUNK)):
        texts = [column.texts(chunk, place) for column in columns]
        yield from (list(map(escape_formula, row)) for row in zip(*texts, strict=True))


def _one_by_one(resource, queryset, names):
    selected = [resource.fields[name] for name in names]
    for record in resource.filter_export(queryset).iterator(chunk_size=CHUNK):
        yield [resource.export_field(field, record) for field in selected]


def _column(resource, model, name):
    field = resource.fields[name]
    fields = {f.name: f for f in [*model._meta.concrete_fields, *model._meta.many_to_many]}
    if hasattr(resource, field.get_dehydrate_method(name)) or name not in fields:
        return None
    if isinstance(field.widget, ReferencesWidget):
        return _References(model, name, field.widget)
    if isinstance(field.widget, ReferenceWidget):
        return _Reference(name, field.widget)
    return _Value(fields[name].attname, field.widget) if not fields[name].is_relation else None


class _Value:
    expressions = {}

    def __init__(self, attname, widget):
        self.values, self.widget = [attname], widget

    def texts(self, chunk, place):
        i = place[self.values[0]]
        if type(self.widget) is CharWidget:
            return [
                row[i] if row[i].__class__ is str else self.widget.render(row[i])
                for row in chunk
            ]
        return [self.widget.render(row[i]) for row in chunk]


class _Reference:
    def __init__(self, name, widget):
        label, full = widget.key.expressions(f"{name}__")
        self.expressions = {f"_{name}_label": label, f"_{name}_full": full}
        self.values, self.widget = list(self.expressions), widget

    def texts(self, chunk, place):
        label, full = (place[value] for value in self.values)
        return [self.widget.text(row[label], row[full]) for row in chunk]


class _References:
    """Its names are fetched with one statement for a chunk's rows."""

    expressions, values = {}, []

    def __init__(self, model, name, widget):
        self.model, self.name, self.widget = model, name, widget

    def texts(self, chunk, place):
        label, full = self.widget.key.expressions(f"{self.name}__")
        pks = [row[place["pk"]] for row in chunk]
        linked = self.model._base_manager.filter(pk__in=pks, **{f"{self.name}__isnull": False})
        found = defaultdict(list)
        for pk, *texts in linked.order_by().values_list("pk", label, full):
            found[pk].append(self.widget.text(*texts))
        return [join_references(sorted(found[pk])) if pk in found else "" for pk in pks]
