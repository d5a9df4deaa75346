"""Which part of a review a page shows."""

from dataclasses import dataclass
from typing import Self

from django.http import QueryDict
from django.utils.translation import gettext_lazy

from backoffice.imports.decided import ALIKE
from backoffice.jobs.review import Cause

TABS = {
    "all": gettext_lazy("All"),
    "new": gettext_lazy("New"),
    "updated": gettext_lazy("Updated"),
    "unchanged": gettext_lazy("Unchanged"),
    "alike": gettext_lazy("Look alike"),
    "rejected": gettext_lazy("Rejected"),
    "repaired": gettext_lazy("Repaired"),
}
DECIDED = "decided"  # the tab of the decisions themselves
MISSING = "missing"  # and that of the records that a mirror deletes
MENDING = ("rejected", "alike", "open", "aside")  # tabs whose rows are decided about


@dataclass(frozen=True)
class Place:
    """Which part of a review is shown. editing: the row whose cells all have an input."""

    tab: str
    search: str
    cause: int | None
    number: str
    editing: int | None
    values_of: str

    @classmethod
    def of(cls, query: QueryDict, counts: dict[str, int]) -> Self:
        tab = query.get("tab", "")
        if tab not in (*TABS, *MENDING, DECIDED, MISSING):
            tab = opening_tab(counts)
        cause, editing = query.get("cause", ""), query.get("edit", "")
        return cls(
            tab=tab,
            search=query.get("q", "").replace("\0", "").strip()[:200],
            cause=int(cause) if is_number(cause) else None,
            number=query.get("p", "1"),
            editing=int(editing) if is_number(editing) else None,
            values_of=query.get("values", ""),
        )

    @property
    def is_mending(self) -> bool:
        return self.tab in MENDING

    def has(self, cause: Cause) -> bool:
        """Whether rows of the tab have this cause."""
        is_alike = cause.code == ALIKE
        return is_alike == (self.tab == "alike") if self.tab in TABS else True


def opening_tab(counts: dict[str, int]) -> str:
    """The tab that needs a decision; if none does, the one with the most to look at."""
    if counts["open"]:
        return "rejected" if counts["open"] > counts["alike"] else "alike"
    return next((tab for tab in ("updated", "new", "rejected") if counts[tab]), "all")


def is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10
