"""The first rows of a file, read as an import would: for the choices that are made before it.

Bounded: `ROWS` rows, a query for each column of references, and one for each match key.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from backoffice.imports.clean import Column, Invalid
from backoffice.imports.engine import Import
from backoffice.imports.preview import converted
from backoffice.imports.rejects import message
from backoffice.readers.records import Record
from backoffice.resources.references import join_references

ROWS = 500
VALUES = 12  # of a column that are listed
KEYS = 6
TELLING = 0.98  # of the rows differ in what tells records apart
LARGE = 100_000  # records of a table that is not searched without an index
MOST_RECORDS = 20_000  # that are looked at for one key


@dataclass(frozen=True)
class Value:
    """A distinct text of a column. becomes: as an export writes it; "" where it can't be read.

    rows: that have it · problem: why it can't be read · rule: what it is read as instead, if
    that was said.
    """

    text: str
    rows: int
    becomes: str
    problem: str = ""
    rule: str | None = None


@dataclass(frozen=True)
class Key:
    """A match key, and how many of the rows find how many records by it.

    usable: rows with a value in all its fields · repeats: rows that have the key of another.
    """

    fields: tuple[str, ...]
    one: int
    several: int
    none: int
    repeats: int
    usable: int

    @property
    def name(self) -> str:
        return ",".join(self.fields)


class Sample:
    """rows: the first of the source of `imported`, which need not be staged."""

    def __init__(self, imported: Import, rows: Sequence[Record]) -> None:
        self.imported = imported
        self.rows = [row for row in rows if not row[2]]
        self.columns = {
            column.name: column
            for column in imported.columns
            if column.name not in imported.constants
        }

    # Values -------------------------------------------------------------------------

    def values(self, name: str) -> tuple[int, list[Value]]:
        """How many texts a column has, and those that can't be read, then the most frequent.

        Texts with a rule of their own are all there, whether a row has them or not.
        """
        column = self.columns[name]
        rules = self.imported.values.get(name, {})
        cells: dict[str, str] = {cell.strip(): cell for cell in self._cells(column)}
        counts = Counter(cell.strip() for cell in self._cells(column))
        texts = [*(text for text in rules if text not in counts), *counts]
        read = dict(
            zip(texts, self._read(column, [cells.get(t, t) for t in texts]), strict=True)
        )
        found = [
            Value(text, counts[text], *read[text], rules.get(text))
            for text in sorted(texts, key=lambda text: -counts[text])
        ]
        ruled = [value for value in found if value.rule is not None]
        others = [value for value in found if value.rule is None]
        bad = [value for value in others if value.problem]
        good = [value for value in others if not value.problem]
        return len(counts), [*ruled, *[*bad, *good][:VALUES]]

    def _cells(self, column: Column) -> Iterator[str]:
        return (row[1][column.index] for row in self.rows)

    def _read(self, column: Column, cells: list[str]) -> list[tuple[str, str]]:
        """What each cell becomes, and why it can't be read."""
        values = column.clean_all(cells)
        if column.kind == "value":
            good = [None if isinstance(value, Invalid) else value for value in values]
            texts = self._texts(column, good)
        else:
            texts = ["" if isinstance(v, Invalid) else _joined(v) for v in values]
        return [
            ("", value.message)
            if isinstance(value, Invalid)
            else (text, self._lost(column, value))
            for value, text in zip(values, texts, strict=True)
        ]

    def _texts(self, column: Column, values: list[Any]) -> list[str]:
        render = column.resource_field.widget.render
        stored = converted(column.connection, column.model_field, values)
        return ["" if value is None else str(render(value)) for value in stored]

    def _lost(self, column: Column, value: Any) -> str:
        """Why the references of a cell lead nowhere; "" if they don't, or are none."""
        if column.kind == "value" or not value:
            return ""
        for text in [value] if column.kind == "reference" else value:
            records = self._targets[column.name].get(text, ())
            if len(records) != 1:
                code = "ambiguous" if records else "unknown"
                name = column.model_field.related_model._meta.verbose_name
                return message(code, name, len(records))
        return ""

    @cached_property
    def _targets(self) -> dict[str, dict[str, set[Any]]]:
        """By column of references, the keys of the records that each text names exactly."""
        return {
            column.name: self._find(column)
            for column in self.columns.values()
            if column.kind != "value"
        }

    def _find(self, column: Column) -> dict[str, set[Any]]:
        texts: set[str] = set()
        for value in column.clean_all(list(self._cells(column))):
            if value and not isinstance(value, Invalid):
                texts.update([value] if column.kind == "reference" else value)
        key = column.resource_field.widget.key
        labels = {label for text in texts for label in key.label_candidates(text)}
        by_label, by_text = defaultdict(set), defaultdict(set)
        for pk, label, whole in key.with_label("in", labels, column.records)[:MOST_RECORDS]:
            by_label[label].add(pk)
            by_text[whole].add(pk)
        return {text: by_text.get(text) or by_label.get(text, set()) for text in texts}

    # Match keys ---------------------------------------------------------------------

    def keys(self, chosen: Sequence[str]) -> list[Key]:
        """What may tell records apart, the usual key first, with what each would find."""
        usual = tuple(self.imported.resource._meta.import_id_fields)
        candidates = [
            usual,
            tuple(chosen),
            *self._unique(),
            *filter(self._is_quick, self._telling(usual[0])),
        ]
        known = [key for key in dict.fromkeys(candidates) if self._keyed.keys() >= set(key)]
        return [self._key(key) for key in known[:KEYS]]

    @property
    def _records(self) -> QuerySet[Any]:
        return self.imported.reach.records(self.imported.model)

    def _is_quick(self, key: Sequence[str]) -> bool:
        """Whether records are found by an index, or are few."""
        return not self._indexed.isdisjoint(key) or not self._is_large

    @cached_property
    def _is_large(self) -> bool:
        return self._records.order_by()[LARGE : LARGE + 1].exists()

    @cached_property
    def _indexed(self) -> set[str]:
        """The fields that an index begins with."""
        opts = self.imported.table.opts
        found = {
            field.name
            for field in opts.concrete_fields
            if field.unique or field.is_relation or getattr(field, "db_index", False)
        }
        for index in [*opts.indexes, *opts.constraints]:
            names = getattr(index, "fields", ())
            found.update(name.lstrip("-") for name in names[:1])
        return found

    @cached_property
    def _keyed(self) -> dict[str, list[Any]]:
        """What each row has in a column that a key can have: None where that can't be read."""
        values = {}
        for column in self.columns.values():
            if column.kind == "references":
                continue
            found = column.clean_all(list(self._cells(column)))
            found = [None if isinstance(value, Invalid) else value for value in found]
            if column.kind == "reference":
                targets = self._targets[column.name]
                found = [
                    next(iter(targets[text])) if text and len(targets[text]) == 1 else None
                    for text in found
                ]
            else:
                found = converted(column.connection, column.model_field, found)
            values[column.name] = [None if value == "" else value for value in found]
        return values

    def _unique(self) -> Iterator[tuple[str, ...]]:
        for key in self.imported.table.unique_keys:
            if key.condition is None and key.expressions == key.fields:
                yield key.fields

    def _telling(self, label: str) -> Iterator[tuple[str, ...]]:
        """Columns, alone or with the label, in which hardly two rows are the same."""
        names = [name for name in self._keyed if name != label]
        for key in [
            *((label, name) for name in names if label in self._keyed),
            *((name,) for name in self._keyed),
        ]:
            rows = self._rows_by(key)
            if len(rows) * 2 > len(self.rows) and len(set(rows)) >= TELLING * len(rows):
                yield key

    def _rows_by(self, key: Sequence[str]) -> list[tuple[Any, ...]]:
        rows = zip(*(self._keyed[name] for name in key), strict=True)
        return [row for row in rows if None not in row]

    def _key(self, fields: tuple[str, ...]) -> Key:
        rows = self._rows_by(fields)
        names = [
            f"{name}__pk" if self.columns[name].kind == "reference" else name for name in fields
        ]
        among = {f"{name}__in": {row[i] for row in rows} for i, name in enumerate(names)}
        records = self._records.order_by().filter(**among)
        found = Counter(records.values_list(*names)[:MOST_RECORDS])
        hits = [found[row] for row in rows]
        return Key(
            fields,
            one=hits.count(1),
            several=sum(hit > 1 for hit in hits),
            none=hits.count(0),
            repeats=len(rows) - len(set(rows)),
            usable=len(rows),
        )


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else join_references(value or ())
