"""Review of a checked import: its rows by outcome, page by page, and what staff decide."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page

from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change

#: The tabs, and what `Review.counts` has beside `aside` and `open`.
TABS = ("all", "new", "updated", "unchanged", "alike", "rejected", "repaired")


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


class Review:
    """Of a checked import. What was decided since the last check is taken in first.

    Where all of the file has to be checked again for it, the job is a job again that waits
    or runs, and `is_checking` is True: there is nothing to show before it is done.

    Raises ReaderError if what the check found is no longer kept.
    """

    def __init__(self, job: Change) -> None:
        self.job = job
        self.is_checking = False

    @property
    def version(self) -> int:
        """Of the decisions that are taken in; for `tasks.start_apply`."""
        raise NotImplementedError

    @property
    def counts(self) -> dict[str, int]:
        """Rows per tab, `aside`, and `open`: rejected or alike, and not set aside.

        all = new + updated + unchanged + alike + rejected; rows set aside are rejected ones.
        """
        raise NotImplementedError

    def page(
        self,
        tab: str = "all",
        *,
        search: str = "",
        cause: int | None = None,
        number: int | str = 1,
        size: int = 50,
    ) -> Page[ReviewRow]:
        """A page of the rows of a tab (or `aside`, or `open`), of a cause, or that have a text.

        A number that is none, or too high, is the first or last page.
        """
        raise NotImplementedError

    def rows(self, *lines: int) -> list[ReviewRow]:
        """These rows of the file as they are now, by number; missing ones are left out.

        For the answer to a decision: the page's rows again, whichever tab they are in by now.
        """
        raise NotImplementedError

    def causes(self) -> list[Cause]:
        """Why rows were rejected or ask, most rows first."""
        raise NotImplementedError

    def values(self, field: str) -> list[Value]:
        """The rejected values of a field, most rows first; at most 1,000."""
        raise NotImplementedError

    def decisions(self) -> Sequence[Decision]:
        """All that was decided, the newest first."""
        return list(self.job.file.decisions.select_related("user").order_by("-decided_at"))

    def decide(self, user: Any, *decisions: Decision) -> None:
        """Take decisions, in the place of what was decided for the same, and check again.

        `file`, `user` and, for a line, `value` are filled in. Raises ValidationError for what
        can't be decided, and JobStopped where the import is being written or is done.
        """
        raise NotImplementedError

    def take_back(self, user: Any, *pks: int) -> None:
        """Take decisions of this file back, by primary key. Raises JobStopped as `decide`."""
        raise NotImplementedError
