"""References that no record has the exact text of: the record that has the same, or the alike.

The same text goes before the alike, full texts before labels. What fits one record is taken.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.admin.utils import get_fields_from_path

from backoffice.imports.clean import Column
from backoffice.imports.staging import Staging
from backoffice.resources.references import ReferenceKey
from backoffice.tables.table import Table
from backoffice.tables.texts import alike_all, is_text, same

BATCH = 50_000  # references that are looked for in one reading of the records
CHUNK = 5_000
MOST_FITTING = 100  # references that fit several records, whose texts are kept
SAME_FULL, SAME_LABEL, ALIKE_FULL, ALIKE_LABEL = range(4)
Form = tuple[int, tuple[str | bytes, ...]]


class Forms:
    """The forms by which a text and a record of a model are compared."""

    def __init__(self, key: ReferenceKey) -> None:
        self.key = key
        self.fields = [get_fields_from_path(key.model, path)[-1] for path in key.paths]

    def of_records(self, rows: list[tuple[Any, ...]]) -> Iterator[list[Form]]:
        """Of the values of each record's key, in the order of the key's paths."""
        columns = [
            ["" if value is None else str(value) for value in values]
            for values in zip(*rows, strict=True)
        ]
        alike = list(map(self._fold, columns, self.fields))
        tidy = [list(map(same, texts)) for texts in columns]
        for same_parts, alike_parts in zip(
            zip(*tidy, strict=True), zip(*alike, strict=True), strict=True
        ):
            yield [
                (SAME_FULL, same_parts),
                (SAME_LABEL, same_parts[:1]),
                (ALIKE_FULL, alike_parts),
                (ALIKE_LABEL, alike_parts[:1]),
            ]

    def of_text(self, text: str) -> Iterator[Form]:
        label, others = self.fields[0], self.fields[1:]
        if same(text):
            yield SAME_LABEL, (same(text),)
            yield ALIKE_LABEL, tuple(self._fold([text], label))
        for start in self.key.label_candidates(text)[1:] if others else ():
            parts = text[len(start) + 2 : -1].split(", ", len(others) - 1)
            if len(parts) == len(others):
                whole = [start, *parts]
                folded = zip(whole, self.fields, strict=True)
                yield SAME_FULL, tuple(map(same, whole))
                yield ALIKE_FULL, tuple(self._fold([part], f)[0] for part, f in folded)

    @staticmethod
    def _fold(texts: list[str], field: Any) -> Sequence[str | bytes]:
        return alike_all(texts, field) if is_text(field) else texts


def find_alike(
    column: Column,
    table: Table,
    staging: Staging,
    likened: dict[str, str],
    fitting: dict[tuple[str, str], list[str]],
) -> None:
    """Put what is found for the references without a target into `targets`.

    Those that fit a record only because it looks like them go into `likened`, with its text;
    those that fit several into `fitting`, by the column's name, with the texts of these.
    """
    targets, after = staging.targets(column), ""
    while refs := [
        ref
        for (ref,) in table.fetch(
            f"SELECT DISTINCT candidate.ref FROM {staging.candidates(column)} candidate"
            f" WHERE candidate.ref > %s AND NOT EXISTS"
            f" (SELECT 1 FROM {targets} target WHERE target.ref = candidate.ref)"
            f" ORDER BY candidate.ref LIMIT {BATCH:d}",
            [after],
        )
    ]:
        after = refs[-1]
        found = _find(refs, column)
        rows = []
        for ref, (tier, records) in found.items():
            ((target, text), *_others) = records.items()
            target = column.target_field.get_db_prep_save(target, table.connection)
            rows.append((ref, target, len(records), None))
            if len(records) == 1 and tier >= ALIKE_FULL:
                likened[ref] = text
            elif len(records) > 1 and len(fitting) < MOST_FITTING:
                fitting[column.name, ref] = sorted(records.values())
        if rows:
            staging.write(targets, 4, rows)


def _find(refs: list[str], column: Column) -> dict[str, tuple[int, dict[Any, str]]]:
    """`{reference: (how it fits, {what it holds of the record: the record's text})}`."""
    key: ReferenceKey = column.resource_field.widget.key
    forms = Forms(key)
    wanted: dict[Form, list[str]] = defaultdict(list)
    for ref in refs:
        for form in forms.of_text(ref):
            wanted[form].append(ref)
    found: dict[str, tuple[int, dict[Any, str]]] = {}
    rows = column.records.order_by().values_list(column.target_field.attname, *key.paths)
    chunk: list[tuple[Any, ...]] = []
    for row in rows.iterator(chunk_size=CHUNK):
        chunk.append(row)
        if len(chunk) == CHUNK:
            _compare(chunk, forms, wanted, found)
            chunk = []
    if chunk:
        _compare(chunk, forms, wanted, found)
    return found


def _compare(
    rows: list[tuple[Any, ...]],
    forms: Forms,
    wanted: dict[Form, list[str]],
    found: dict[str, tuple[int, dict[Any, str]]],
) -> None:
    of_records = forms.of_records([row[1:] for row in rows])
    for (target, label, *others), of_record in zip(rows, of_records, strict=True):
        for form in of_record:
            for ref in wanted.get(form, ()):
                tier, records = found.setdefault(ref, (form[0], {}))
                if form[0] < tier:
                    records = {}
                    found[ref] = form[0], records
                if form[0] <= tier:
                    text = f"{label} ({', '.join(map(str, others))})" if others else str(label)
                    records[target] = text
