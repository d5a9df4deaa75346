"""Rows of a review as its page shows them: with links, labels, inputs and what buttons say."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy

from backoffice.changes.decisions import Decision
from backoffice.imports.decided import storable
from backoffice.imports.review.downloads import UNSEEN
from backoffice.jobs.review import Cell, Record, ReviewRow

Answer = Decision.Answer
OPEN = ("rejected", "alike")  # kinds of rows that a decision is needed for
KINDS = {
    "new": gettext_lazy("new"),
    "updated": gettext_lazy("updated"),
    "unchanged": gettext_lazy("unchanged"),
    "alike": gettext_lazy("looks like a record"),
    "rejected": gettext_lazy("rejected"),
    "aside": gettext_lazy("set aside"),
}


def answer(**fields: Any) -> str:
    """What a button of the form says: the fields of a Decision, as `answers` reads them."""
    return json.dumps(fields)


@dataclass(frozen=True)
class ShownCell:
    cell: Cell
    line: int
    label: str

    @property
    def text(self) -> str:
        """What the input has: the text that the cell is read as."""
        if self.cell.decision is None:
            return self.cell.raw
        return self.cell.decision.text if self.cell.decision.answer == Answer.TEXT else ""

    @property
    def leave_blank(self) -> str:
        return answer(line=self.line, field=self.cell.name, answer=Answer.BLANK)

    @property
    def shown(self) -> str:
        """What is written in the end; of a row that isn't written, what the file has."""
        return self.text if self.cell.new is None else self.cell.new

    @property
    def was(self) -> str | None:
        """What `shown` replaces, if it does: the record's value, else what the file has."""
        if self.cell.is_changed:
            return self.cell.old
        is_read_anew = self.cell.decision is not None or self.cell.repaired is not None
        return self.cell.raw if is_read_anew and self.cell.raw != self.shown else None


@dataclass(frozen=True)
class ShownRecord:
    """A record that a row looks like, and its page. values: `(text, differs)`, as the cells."""

    record: Record
    url: str | None
    values: list[tuple[str, bool]]
    same: str  # what its button says


@dataclass(frozen=True)
class ShownRow:
    """url: of the record's page · is_hidden: the user may not see the record.

    editing: all cells have an input, not just those with a problem.
    """

    row: ReviewRow
    name: str
    url: str | None
    cells: list[ShownCell]
    like: list[ShownRecord]
    is_hidden: bool
    editing: bool = False

    @cached_property
    def inputs(self) -> list[ShownCell]:
        if self.editing:
            return self.cells
        if not self.is_open:
            return []
        return [shown for shown in self.cells if shown.cell.problems]

    @property
    def is_open(self) -> bool:
        return self.row.kind in OPEN

    @property
    def kind(self) -> Any:
        return KINDS[self.row.kind]

    @property
    def beside(self) -> list[tuple[str, str, list[tuple[str, bool, str]]]]:
        """The row beside the records that it looks like, field by field."""
        return [
            (
                shown.label,
                shown.text,
                [(*like.values[place], like.record.label) for like in self.like],
            )
            for place, shown in enumerate(self.cells)
        ]

    @property
    def seen(self) -> str:
        """What the page shows of the row, for its form: the inputs' texts and the decisions."""
        return json.dumps(
            {shown.cell.name: shown.text for shown in self.inputs} | {"": self.token}
        )

    @property
    def token(self) -> str:
        return token(self.row)

    @cached_property
    def decisions(self) -> list[Decision]:
        return decisions(self.row)

    @property
    def own_decisions(self) -> list[Decision]:
        """Those for this row alone, which are taken back here."""
        return [decision for decision in self.decisions if decision.line is not None]

    @property
    def skip(self) -> str:
        return answer(line=self.row.line, answer=Answer.SKIP)

    @property
    def new(self) -> str:
        return answer(line=self.row.line, answer=Answer.NEW)

    @property
    def same(self) -> str:
        return answer(line=self.row.line, answer=Answer.SAME)

    @property
    def spans(self) -> int:
        return max(len(self.inputs) + bool(self.row.problems), 1)


def decisions(row: ReviewRow) -> list[Decision]:
    """Those that the row's outcome rests on, each once."""
    found = [row.decision, *(cell.decision for cell in row.cells)]
    return list({decision.pk: decision for decision in found if decision}.values())


def token(row: ReviewRow) -> str:
    """Changes with whatever is decided about the row."""
    return " ".join(f"{d.pk}@{d.decided_at.timestamp()}" for d in decisions(row))


class Shower:
    """Makes `ShownRow`s for a user.

    labels: of the fields · key: the match key's fields · urls: `{pk: page}` of the records
    that the user may see, asked for once for all rows.
    """

    def __init__(self, labels: dict[str, str], key: Sequence[str], urls: Any) -> None:
        self.labels, self.key, self.urls = labels, key, urls

    def show(self, rows: Iterable[ReviewRow], editing: int | None = None) -> list[ShownRow]:
        rows = list(rows)
        pks = {row.pk for row in rows} | {like.pk for row in rows for like in row.like}
        urls = self.urls(pks - {None})
        return [self._show(row, urls, row.line == editing) for row in rows]

    def _show(self, row: ReviewRow, urls: dict[Any, str | None], editing: bool) -> ShownRow:
        pks = [like.pk for like in row.like] + [row.pk] * (row.pk is not None)
        is_hidden = not urls.keys() >= set(pks)
        if is_hidden:
            row = without_record(row)
        cells = [
            ShownCell(
                replace(cell, raw=storable(cell.raw)),
                row.line,
                self.labels.get(cell.name, cell.name),
            )
            for cell in row.cells
        ]
        texts = {shown.cell.name: shown.text for shown in cells}
        name = row.label or ", ".join(filter(None, (texts.get(name) for name in self.key)))
        like = [
            ShownRecord(
                record,
                urls[record.pk],
                [self._compare(record, shown) for shown in cells],
                answer(line=row.line, answer=Answer.SAME, text=str(record.pk)),
            )
            for record in row.like
        ]
        return ShownRow(row, name, urls.get(row.pk), cells, like, is_hidden, editing)

    @staticmethod
    def _compare(record: Record, shown: ShownCell) -> tuple[str, bool]:
        value = record.values.get(shown.cell.name, "")
        mine = shown.shown
        return value, bool(mine.strip()) and mine != value


def without_record(row: ReviewRow) -> ReviewRow:
    """The row with nothing of a record that the user may not see: only what the file has."""
    problems = [str(UNSEEN)] if row.kind in OPEN else []
    cells = [
        replace(cell, new=None, old=None, problems=problems if cell.problems else [])
        for cell in row.cells
    ]
    row_problems = problems if row.problems else []
    return replace(row, pk=None, label="", cells=cells, problems=row_problems, like=[])
