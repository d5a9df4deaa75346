"""What an undo and a restoration have in common: the plans of several models, done together."""

import contextlib
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from backoffice.changes.lost import LosersPlan
from backoffice.changes.plan import Plan
from backoffice.history.records import Signature
from backoffice.tables.planner import keep_statistics
from backoffice.tables.search_index import made_anew


class Returning:
    """Its temporary tables last as long as the `with` block.

    plans: of the rows that come back or go, by model · losers: of the rows that stayed, and
    only get back what they lost.
    """

    plans: Mapping[type[Model], Plan]
    losers: Mapping[type[Model], LosersPlan]
    connection: BaseDatabaseWrapper

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # After an error, PostgreSQL refuses statements until the transaction ends; the
        # rollback, or the next plan, drops the tables.
        if not self.connection.needs_rollback:
            for plan in self.plans.values():
                plan.drop()
            for loser in self.losers.values():
                loser.drop()

    def carry_out(self, signature: Signature, rows: int) -> None:
        """Write what is planned; the caller holds the transaction. rows: how many they are."""
        plans, losers = self.plans.values(), self.losers.values()
        with contextlib.ExitStack() as stack:
            for plan in plans:
                moved = plan.counts.get(("+", ""), 0) + plan.counts.get(("-", ""), 0)
                stack.enter_context(made_anew(plan.live, moved))
            for loser in losers:
                loser.record_before(signature)
            for plan in plans:
                plan.restore()
            for plan in plans:
                plan.restore_links()
            for loser in losers:
                loser.give_back(self.plans)
                loser.record(signature)
            for plan in plans:
                plan.record(signature, gone=False)
                plan.record(signature, gone=True)
                plan.remove()
        records = [*(plan.records for plan in plans), *(loser.records for loser in losers)]
        keep_statistics(self.connection, rows, *sorted({t for r in records for t in r.tables}))
