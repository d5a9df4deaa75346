"""Whose records something may read and write that works for one user, or for several at once.

An import is checked by one user and written by another; an export and an undo have one user.
What they may reach is a value that is handed down to whatever reads records for them.
"""

from dataclasses import dataclass
from typing import Any, Self

from django.db.models import Model, QuerySet

from backoffice.querysets.scopes import is_scoped, within, within_each

Rows = QuerySet[Any]


@dataclass(frozen=True)
class Reach:
    """The records that each of `users`, who all have limits, may see; all if there are none."""

    users: tuple[Any, ...] = ()

    @classmethod
    def of(cls, *users: Any) -> Self:
        """The reach of some users together; `None` is nobody, as on the command line."""
        return cls(tuple(user for user in users if is_scoped(user)))

    @property
    def is_limited(self) -> bool:
        return bool(self.users)

    def within(self, rows: Rows) -> Rows:
        for user in self.users:
            rows = within(rows, user)
        return rows

    def within_each(self, rows: Rows) -> Rows:
        for user in self.users:
            rows = within_each(rows, user)
        return rows

    def records(self, model: type[Model]) -> Rows:
        """The records of a model that may be seen."""
        return self.within(model._base_manager.all())


EVERYTHING = Reach()
