"""A Resource's rows as text, streamed: a statement a chunk, memory flat.

Columns that are a field of the model are read by `values_list`; references and lists of
them are made of names that the database hands along. A Resource with columns of another
kind (a `dehydrate_…` method, say) is read row by row as upstream does.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from django.db import connections
from django.db.models import Case, Q, When
from django.db.models.expressions import RawSQL
from import_export.fields import Field
from import_export.widgets import CharWidget, Widget

from backoffice.querysets.reach import Reach
from backoffice.querysets.reading import collector_paused, snapshot
from backoffice.resources.formulas import are_plain, escape, escape_all
from backoffice.resources.references import (
    ReferencesWidget,
    ReferenceWidget,
    join_references,
)
from backoffice.resources.resource import Resource

CHUNK = 2000  # rows

#: A chunk of rows as text.
Rows = Sequence[Sequence[str]]


def export_chunks(
    resource: Resource, queryset: Any, names: Iterable[str] | None = None
) -> Generator[Rows]:
    """Yield lists of rows, which are sequences of text; the header comes first and alone.

    names: the fields to export, in this order; all of the Resource's by default. All rows
    are of one moment, whatever is written meanwhile.
    """
    names = list(names or resource.get_export_order())
    yield [[resource.column_name(name) for name in names]]
    queryset = resource.filter_export(queryset)
    if not queryset.ordered:
        queryset = queryset.order_by("pk")
    columns = [_column(resource, queryset, name) for name in names]
    with snapshot(connections[queryset.db]):
        by_columns = [column for column in columns if column]
        if len(by_columns) < len(columns):
            yield from _one_by_one(resource, queryset, names)
        else:
            yield from _by_columns(queryset, by_columns)


def ending_within_rows(texts: Iterable[str], *, after: int) -> Iterator[str]:
    """The same lines in other blocks: each but the last ends `after` characters into a line.

    A stream that a stop cuts ends with a block, as a rule, and not every client is told that
    it was cut: what has come must not look whole.
    """
    held = ""
    for text in texts:
        text = held + text
        end = text.rfind("\n", 0, -1) + 1 + after
        yield text[:end]
        held = text[end:]
    if held:
        yield held


def _by_columns(queryset: Any, columns: Sequence[_Column]) -> Iterator[Rows]:
    expressions: dict[str, Any] = {}
    values: list[str] = []
    for column in columns:
        expressions |= column.expressions
        values += column.values
    values = list(dict.fromkeys(values))
    rows = queryset.annotate(**expressions).values_list(*values).iterator(chunk_size=CHUNK)
    are_texts = all(column.is_text for column in columns)
    while True:
        with collector_paused():
            chunk = list(islice(rows, CHUNK))
            if not chunk:
                return
            if not (are_texts and _need_nothing(chunk)):
                given = dict(zip(values, map(list, zip(*chunk, strict=True)), strict=True))
                texts = [escape_all(column.texts(given)) for column in columns]
                chunk = list(zip(*texts, strict=True))
        yield chunk


def _need_nothing(rows: Iterable[Iterable[Any]]) -> bool:
    """Whether the rows can be written as they are, as most can: no column is then rebuilt."""
    values = list(chain.from_iterable(rows))
    return set(map(type, values)) == {str} and are_plain(values)


def _one_by_one(resource: Resource, queryset: Any, names: Sequence[str]) -> Iterator[Rows]:
    related = {
        alias: expression
        for name in names
        if name in resource.related
        for alias, expression in _Related(resource, queryset.model, name).expressions.items()
    }
    records = resource.fetch_related(queryset.annotate(**related)).iterator(chunk_size=CHUNK)
    while chunk := list(islice(records, CHUNK)):
        yield [[_cell(resource, name, record) for name in names] for record in chunk]


def _cell(resource: Resource, name: str, record: Any) -> str:
    if name in resource.related:
        return str(escape(_text(getattr(record, f"_{name}_related"))))
    value = resource.export_field(resource.fields[name], record)
    return str(value if value.__class__ is str else escape(_text(value)))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _column(resource: Resource, queryset: Any, name: str) -> _Column | None:
    if name in resource.related:
        return _Related(resource, queryset.model, name)
    field, model = resource.fields[name], queryset.model
    fields = {f.name: f for f in [*model._meta.concrete_fields, *model._meta.many_to_many]}
    dehydrate = field.get_dehydrate_method(name)
    is_own = callable(dehydrate) or hasattr(resource, dehydrate) or type(field) is not Field
    if is_own or field.attribute != name or name not in fields:
        return None
    if isinstance(field.widget, ReferencesWidget):
        return _References(fields[name], field.widget, queryset.db, resource.reach)
    if isinstance(field.widget, ReferenceWidget):
        return _Reference(name, field.widget, resource.reach)
    return _Value(fields[name].attname, field.widget) if not fields[name].is_relation else None


class _Column:
    """What to select for a column, and how its texts are made of that.

    `expressions` are annotations by name; `values` names what is selected.
    """

    expressions: dict[str, Any] = {}
    values: list[str]
    #: Whether text is written as it was selected, apart from escapes.
    is_text = False

    def texts(self, given: dict[str, list[Any]]) -> list[str]:
        """A chunk's column, of the columns that were selected, by name."""
        raise NotImplementedError


class _Value(_Column):
    def __init__(self, attname: str, widget: Widget) -> None:
        self.values, self.widget = [attname], widget
        self.is_text = type(widget) is CharWidget

    def texts(self, given: dict[str, list[Any]]) -> list[str]:
        column = given[self.values[0]]
        if self.is_text and set(map(type, column)) == {str}:
            return column
        return [_text(self.widget.render(value)) for value in column]


class _Related(_Column):
    def __init__(self, resource: Resource, model: Any, name: str) -> None:
        expression = resource.related[name].expression(model, resource.reach)
        self.expressions = {f"_{name}_related": expression}
        self.values = list(self.expressions)

    def texts(self, given: dict[str, list[Any]]) -> list[str]:
        return list(map(_text, given[self.values[0]]))


class _Reference(_Column):
    def __init__(self, name: str, widget: ReferenceWidget, reach: Reach) -> None:
        label, full = widget.key.expressions(f"{name}__")
        if reach.is_limited:
            seen = Q(**{f"{name}__in": reach.records(widget.model)})
            label, full = (Case(When(seen, then=text), default=None) for text in (label, full))
        self.expressions = {f"_{name}_label": label, f"_{name}_full": full}
        self.values, self.widget = list(self.expressions), widget

    def texts(self, given: dict[str, list[Any]]) -> list[str]:
        return list(map(self.widget.text, *(given[value] for value in self.values)))


class _References(_Column):
    """The texts of a chunk are fetched with one statement."""

    values = ["pk"]

    def __init__(self, field: Any, widget: ReferencesWidget, using: str, reach: Reach) -> None:
        self.field, self.widget, self.using, self.reach = field, widget, using, reach

    def texts(self, given: dict[str, list[Any]]) -> list[str]:
        source, target = self.field.m2m_field_name(), self.field.m2m_reverse_field_name()
        label, full = self.widget.key.expressions(f"{target}__")
        links = self.field.remote_field.through._base_manager.using(self.using).order_by()
        links = links.filter(**{f"{source}__in": self._as_one(given["pk"])})
        if self.reach.is_limited:
            links = links.filter(**{f"{target}__in": self.reach.records(self.widget.model)})
        text, found = self.widget.text, defaultdict(list)
        for pk, *texts in links.values_list(source, label, full):
            found[pk].append(text(*texts))
        return [join_references(sorted(found[pk])) if pk in found else "" for pk in given["pk"]]

    def _as_one(self, pks: Iterable[Any]) -> Any:
        """The keys as one parameter: Django is slower with 2,000 than the database is."""
        connection = connections[self.using]
        keys = [self.field.model._meta.pk.get_db_prep_value(pk, connection) for pk in pks]
        if connection.vendor == "sqlite":
            return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(keys)])
        if connection.vendor == "postgresql":
            return RawSQL("SELECT unnest(%s)", [keys])
        return keys
