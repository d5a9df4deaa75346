"""Whose limits a step of a change keeps to, and what stops it for them."""

from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from backoffice.changes.models import Change
from backoffice.querysets.reach import Reach
from backoffice.querysets.scopes import is_scoped

#: In `ImportFile.found`: the key of the user with limits for whom it was checked.
LIMITED = "limited"


class OutsideLimits(Exception):
    """A change wrote something that whoever undoes it may not see."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Nothing was undone: it wrote records that you may not see. Ask whoever"
                " made it, or a superuser."
            )
        )


class LimitsGone(Exception):
    """An import was checked within limits that are no longer known."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Whoever had it checked had limits then, and has none now. Nothing was written."
                " Check the file again."
            )
        )


def reach_of_check(job: Change) -> Reach:
    """What an import is checked against: what whoever wants the check may see.

    Who pressed the button; for a feed, the owner of its profile.
    """
    return Reach.of(job.checked_by or job.user)


def reach_of_review(job: Change) -> Reach:
    """What rows of a checked import are checked against again: as they were checked."""
    checker = _checked_for(job)
    return Reach.of(checker) if is_scoped(checker) else reach_of_check(job)


def reach_of_writing(job: Change) -> Reach:
    """What an import is written in: what both may see, who had it checked and who writes it.

    Raises LimitsGone where it was checked for somebody who had limits and has none now, since
    that account is gone, say.
    """
    checker = _checked_for(job)
    if LIMITED in job.file.found and not is_scoped(checker):
        raise LimitsGone
    users = (checker or job.checked_by, job.user)
    return Reach.of(*{user.pk: user for user in users if user}.values())


def _checked_for(job: Change) -> Any:
    """The user with limits for whom the import was checked; None for others."""
    key = job.file.found.get(LIMITED)
    return get_user_model()._base_manager.filter(pk=key).first() if key else None
