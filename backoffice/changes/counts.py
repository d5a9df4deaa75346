"""The numbers of rows that a check found, or that a write made."""

from dataclasses import asdict, dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True)
class Counts:
    rows: int
    new: int
    updated: int
    unchanged: int
    rejected: int

    as_dict = asdict

    def __str__(self) -> str:
        return (
            _(
                "%(rows)d rows: %(new)d new, %(updated)d updated, %(unchanged)d unchanged,"
                " %(rejected)d rejected"
            )
            % self.as_dict()
        )
