"""Review of a checked import: its rows by outcome, page by page, and what staff decide."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.changes.counts import Counts
from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change, ImportFile, JobStopped
from backoffice.imports.decided import digest, storable
from backoffice.imports.review.cells import unpack
from backoffice.imports.review.recheck import Whole
from backoffice.imports.review.store import Store
from backoffice.jobs import tasks
from backoffice.jobs.opening import open_copy, open_store, take_in_decided
from backoffice.jobs.reviewed import Cause, Cell, Lazy, Record, ReviewRow, Rows, Value
from backoffice.jobs.steps import MOST_CAUSES
from backoffice.tables.waits import limit_waits

Status = Change.Status
MOST = 1_000  # causes, and values of a field
#: The tabs, and what `Review.counts` has beside `aside` and `open`.
TABS = ("all", "new", "updated", "unchanged", "alike", "rejected", "repaired")


__all__ = ["TABS", "Cause", "Cell", "Record", "Review", "ReviewRow", "Value"]


class Review:
    """Of a checked import. What was decided since the last check is taken in first.

    Where all of the file has to be checked again for it, the job is a job again that waits
    or runs, and `is_checking` is True: there is nothing to show before it is done.

    state: what is shown is of this state or a later one; for `tasks.start_apply`.

    Raises ReaderError if what the check found is no longer kept.
    """

    def __init__(self, job: Change) -> None:
        self.job = job
        self.model = job.model_class
        self.is_checking, self.state = False, ""
        self._take_in()

    # What was found -----------------------------------------------------------------

    @property
    def counts(self) -> dict[str, int]:
        """Rows per tab, `aside`, and `open`: rejected or alike, and not set aside.

        all = new + updated + unchanged + alike + rejected; rows set aside are rejected ones.
        """
        with open_store(self.job) as store:
            return store.counts()

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
        with open_store(self.job) as store:
            is_sought = search or cause is not None
            count = store.count_sought(tab, search, cause) if is_sought else store.counts()[tab]

            def read(start: int, stop: int) -> list[ReviewRow]:
                if is_sought:
                    return self._rows(
                        store, store.sought(tab, search, cause, start, stop - start)
                    )
                return self._rows(store, store.lines(tab, start, stop - start))

            page = Paginator(Lazy(count, read), size).get_page(number)
            page.object_list = list(page.object_list)
            return page

    def rows(self, *lines: int) -> list[ReviewRow]:
        """These rows of the file as they are now, by number; missing ones are left out.

        For the answer to a decision: the page's rows again, whichever tab they are in by now.
        """
        with open_store(self.job) as store:
            return self._rows(store, sorted(lines))

    def causes(self) -> list[Cause]:
        """Why rows were rejected or ask, most rows first; at most 1,000."""
        decided = {(d.code, d.field): d for d in self._everywhere() if d.code}
        with open_store(self.job) as store:
            found = store.fetch(
                "SELECT number, code, field, message, value, rows, line FROM causes"
                " WHERE rows > 0 ORDER BY rows DESC, line LIMIT ?",
                [MOST],
            )
        return [
            Cause(*row, decision=decided.get((row[1], row[2])))  # type: ignore[misc] # as many
            for row in found
        ]

    def values(self, field: str) -> list[Value]:
        """The rejected values of a field, most rows first; at most 1,000."""
        decided = {d.value: d for d in self._everywhere() if d.field == field and not d.code}
        with open_store(self.job) as store:
            found = store.fetch(
                "SELECT value, count(DISTINCT line) FROM problems WHERE field = ?"
                " GROUP BY value ORDER BY 2 DESC, 1 LIMIT ?",
                [field, MOST],
            )
        return [Value(value, rows, decided.get(value.strip())) for value, rows in found]

    def decisions(self) -> Sequence[Decision]:
        """All that was decided, the newest first."""
        return list(self.job.file.decisions.select_related("user").order_by("-decided_at"))

    def _everywhere(self) -> list[Decision]:
        """The decisions that are not about a single row."""
        return list(self.job.file.decisions.filter(line=None).select_related("user"))

    def _rows(self, store: Store, lines: Sequence[int]) -> list[ReviewRow]:
        return Rows(self.job, store, lines, self._everywhere()).read()

    # Deciding -----------------------------------------------------------------------

    def decide(self, user: Any, *decisions: Decision) -> None:
        """Take decisions, in the place of what was decided for the same, and check again.

        `file`, `user` and, for a line, `value` are filled in. Raises ValidationError for what
        can't be decided, and JobStopped where the import is being written or is done.
        """
        for decision in decisions:
            decision.file, decision.user, decision.decided_at = (
                self.job.file,
                user,
                timezone.now(),
            )
            decision.pk = None
        with open_store(self.job) as store:
            for decision in decisions:
                self._fill(store, decision)
        with self._deciding():
            for decision in decisions:
                same = self.job.file.decisions.filter(line=decision.line, field=decision.field)
                if decision.line is None:
                    same = same.filter(value=decision.value, code=decision.code)
                same.delete()
                decision.save(force_insert=True)
        self._take_in()

    def take_back(self, user: Any, *pks: int) -> None:
        """Take decisions of this file back, by primary key. Raises JobStopped as `decide`."""
        with self._deciding():
            self.job.file.decisions.filter(pk__in=pks).delete()
        self._take_in()

    @staticmethod
    def _fill(store: Store, decision: Decision) -> None:
        """Note what the cell or row is that is decided about; validate."""
        decision.text = decision.text.strip()  # as cells are read
        columns = {column["name"]: column for column in store.about("columns")}
        is_cell = decision.line is not None and decision.field
        if decision.field and not decision.code and decision.field not in columns:
            raise ValidationError(_("The file has no column for %s.") % decision.field)
        if decision.line is not None:
            found = store.fetch("SELECT cells FROM rows WHERE line = ?", [decision.line])
            if not found:
                raise ValidationError(_("The file has no row %d.") % decision.line)
            cells, place = unpack(found[0][0]), columns.get(decision.field, {}).get("index")
            if is_cell and (place is None or place >= len(cells)):
                raise ValidationError(_("The row has no cell for %s.") % decision.field)
            decision.value = storable(cells[place].strip()) if is_cell else digest(cells)
        else:
            decision.value = decision.value.strip()
        decision.clean()

    @contextlib.contextmanager
    def _deciding(self) -> Iterator[None]:
        """A transaction in which the import stays as it is, checked and not written."""
        with transaction.atomic():
            limit_waits(transaction.get_connection(), settings.SAVE_WAIT_SECONDS)
            jobs = Change.objects.select_for_update().filter(pk=self.job.pk, waiting="")
            if jobs.filter(status=Status.CHECKED).first() is None:
                raise JobStopped
            yield
            ImportFile.objects.filter(pk=self.job.pk).update(version=F("version") + 1)

    # Checking again -----------------------------------------------------------------

    def _take_in(self) -> None:
        """Bring the store, and the counts of the job, up to date with the decisions."""
        if bring_up_to_date(self.job):
            with open_store(self.job) as store:
                self.state = store.state
            return
        tasks.start_check(self.job)
        self.job.refresh_from_db()
        self.job.file.refresh_from_db()
        self.is_checking = self.job.status != Status.CHECKED


def bring_up_to_date(job: Change) -> bool:
    """Take in what was decided; False where all of the file has to be checked for it.

    Then the job has gone back to before its check. Whoever comes while another one does it
    waits. Killed, it is as if it had not begun. Raises ReaderError as `open_store` does.
    """
    with open_copy(job) as store:
        if _is_up_to_date(job, store):
            return True
        with store.writing():
            if not Change.objects.filter(pk=job.pk, status=Status.CHECKED).exists():
                return True
            try:
                take_in_decided(job, store)
            except Whole:
                Change.objects.filter(pk=job.pk).move(Status.CHECKED, to=Status.UPLOADED)
                return False
            _count(job, store)
    return True


def _is_up_to_date(job: Change, store: Store) -> bool:
    version = ImportFile.objects.values_list("version", flat=True).get(pk=job.pk)
    return version == store.version and job.counts == _counts(store)


def _counts(store: Store) -> Counts:
    found = store.counts()
    rejected = found["rejected"] + found["alike"]
    return Counts(found["all"], found["new"], found["updated"], found["unchanged"], rejected)


def _count(job: Change, store: Store) -> None:
    """Bring the counts of the job up to date: before those of the store are committed.

    Not where another run has it by now, on another machine maybe: what that found stays.
    """
    counts = asdict(_counts(store))
    causes, unlinked = store.causes(MOST_CAUSES), store.about("unlinked")
    with transaction.atomic():
        mine = Change.objects.filter(pk=job.pk, claim=job.claim)
        if not mine.move(Status.CHECKED, to=Status.CHECKED, **counts):
            return
        job.file.causes = causes
        job.file.found["unlinked"] = unlinked
        job.file.save(update_fields=["causes", "found"])
    for name, number in counts.items():
        setattr(job, name, number)
