"""What a page of a review shows: rows of the file, with their records and decisions."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change
from backoffice.imports.review.cells import unpack
from backoffice.imports.review.store import KINDS, Store
from backoffice.jobs.limits import reach_of_review
from backoffice.resources.references import ReferenceKey


@dataclass(frozen=True)
class Cell:
    """A cell of a mapped column.

    name: the Resource's field · header: in the file · raw: what the file has · new: what
    would be written, as an export writes it; None where nothing would · old: what the record
    has; None where there is none · problems: sentences · decision: of this cell, or of its
    value everywhere · repaired: what a repair made of the raw text; else None.
    """

    name: str
    header: str
    raw: str
    new: str | None = None
    old: str | None = None
    problems: list[str] = field(default_factory=list)
    decision: Decision | None = None
    repaired: str | None = None

    @property
    def is_changed(self) -> bool:
        return self.new is not None and self.old is not None and self.new != self.old


@dataclass(frozen=True)
class Record:
    """A record that a row looks like. values: as an export writes them, by field."""

    pk: Any
    label: str
    values: dict[str, str]


@dataclass(frozen=True)
class ReviewRow:
    """A row of the file.

    line: its number in the file · kind: new, updated, unchanged, alike, rejected or aside ·
    pk, label: of the record that it is, the label telling it apart; None and "" for none ·
    problems: of the row as a whole · decision: of the row, or of its cause.
    """

    line: int
    kind: str
    pk: Any
    label: str
    cells: list[Cell]
    problems: list[str]
    repaired: bool
    decision: Decision | None
    like: list[Record]


@dataclass(frozen=True)
class Cause:
    """What is wrong with several rows in the same way.

    number: for `Review.page` · value: of the cells, "" if they differ · rows: how many ·
    line: the first · decision: what was decided for all of them.
    """

    number: int
    code: str
    field: str
    message: str
    value: str
    rows: int
    line: int
    decision: Decision | None = None


@dataclass(frozen=True)
class Value:
    """A rejected value of a field. rows: how many have it · decision: for it everywhere."""

    value: str
    rows: int
    decision: Decision | None = None


class Lazy(Sequence[ReviewRow]):
    """Rows for a Paginator: as many as it is told, of which it reads a slice."""

    def __init__(self, count: int, read: Callable[[int, int], list[ReviewRow]]) -> None:
        self.count_, self.read = count, read

    def __len__(self) -> int:
        return self.count_

    @overload
    def __getitem__(self, place: int) -> ReviewRow: ...
    @overload
    def __getitem__(self, place: slice) -> list[ReviewRow]: ...
    def __getitem__(self, place: int | slice) -> ReviewRow | list[ReviewRow]:
        if isinstance(place, slice):
            start, stop, _step = place.indices(self.count_)
            return self.read(start, stop) if stop > start else []
        return self.read(place, place + 1)[0]


class Rows:
    """Reads the rows of some lines: a fixed number of statements, however many they are.

    everywhere: the decisions about the file that are not about a single row.
    """

    def __init__(
        self, job: Change, store: Store, lines: Sequence[int], everywhere: Iterable[Decision]
    ) -> None:
        self.store, self.lines = store, list(lines)
        self.resource = job.file.resource_class().within(reach_of_review(job))
        self.model = self.resource._meta.model
        self.columns: list[dict[str, Any]] = store.about("columns")
        self.decisions = {
            (d.line, d.field): d
            for d in job.file.decisions.filter(line__in=self.lines).select_related("user")
        }
        self.of_causes = {(d.code, d.field): d for d in everywhere if d.code}
        self.of_values = {(d.field, d.value): d for d in everywhere if not d.code}

    def read(self) -> list[ReviewRow]:
        rows = self.store.fetch_in(
            "SELECT line, kind, pk, new, old, cells FROM outcomes JOIN rows USING (line)"
            " WHERE line IN {} ORDER BY line",
            self.lines,
        )
        self.problems = self._by_line("line, field, code, message", "problems")
        self.repairs = self._by_line("line, field, repaired", "repairs")
        likes = self._by_line("line, pk", "likes")
        to_python = self.model._meta.pk.to_python
        pks = {row[2] for row in rows} | {pk for each in likes.values() for (pk,) in each}
        self.labels = self._labels({to_python(pk) for pk in pks - {None}})
        records = self._records({to_python(pk) for each in likes.values() for (pk,) in each})
        return [
            self._row(
                row,
                None if row[2] is None else to_python(row[2]),
                [
                    records[to_python(pk)]
                    for (pk,) in likes.get(row[0], ())
                    if to_python(pk) in records
                ],
            )
            for row in rows
        ]

    def _by_line(self, names: str, table: str) -> dict[int, list[tuple[Any, ...]]]:
        found = defaultdict(list)
        for line, *values in self.store.fetch_in(
            f"SELECT {names} FROM {table} WHERE line IN {{}} ORDER BY rowid",  # noqa: S608 - constants
            self.lines,
        ):
            found[line].append(tuple(values))
        return found

    def _row(self, row: tuple[Any, ...], pk: Any, like: list[Record]) -> ReviewRow:
        line, kind, _pk, new, old, packed = row
        problems, raw = self.problems.get(line, []), unpack(packed)
        written = unpack(new) if new else [None] * len(self.columns)
        before = unpack(old) if old else [None] * len(self.columns)
        repairs = dict(self.repairs.get(line, []))
        cells = []
        for column, after, was in zip(self.columns, written, before, strict=True):
            name, place = column["name"], column["index"]
            text = column["constant"]
            if text is None:
                text = str(raw[place]) if place < len(raw) else ""
            cells.append(
                Cell(
                    name,
                    column["header"],
                    text,
                    after,
                    was,
                    [message for field, _code, message in problems if field == name],
                    self.decisions.get((line, name))
                    or self.of_values.get((name, text.strip())),
                    repairs.get(name),
                )
            )
        names = {column["name"] for column in self.columns}
        causes = [(code, field) for field, code, _message in problems]
        return ReviewRow(
            line,
            KINDS[kind],
            pk,
            self.labels.get(pk, ""),
            cells,
            [message for field, _code, message in problems if field not in names],
            bool(repairs),
            self.decisions.get((line, ""))
            or next(filter(None, map(self.of_causes.get, causes)), None),
            like,
        )

    def _labels(self, pks: set[Any]) -> dict[Any, str]:
        if not pks:
            return {}
        records = self.model._base_manager.filter(pk__in=pks)
        found = ReferenceKey(self.model).queryset(records)
        return {pk: str(text) for pk, _label, text in found}

    def _records(self, pks: set[Any]) -> dict[Any, Record]:
        """The records that rows look like."""
        if not pks:
            return {}
        fields = {
            column["name"]: self.resource.fields[column["name"]] for column in self.columns
        }
        found = self.resource.fetch_related(self.model._base_manager.filter(pk__in=pks))
        return {
            record.pk: Record(
                record.pk,
                self.labels.get(record.pk, ""),
                {name: str(f.export(record) or "") for name, f in fields.items()},
            )
            for record in found
        }
