"""Whose limits a step of a change keeps to, and what stops it for them."""

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from backoffice.changes.models import Change
from backoffice.querysets.reach import Reach
from backoffice.querysets.scopes import is_scoped


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


def reach_of_writing(job: Change) -> Reach:
    """What an import is written in: what both may see, who had it checked and who writes it.

    Raises LimitsGone where it was checked for somebody who had limits and has none now, since
    that account is gone, say.
    """
    checker, limited = job.checked_by, job.file.found.get("limited")
    if limited:
        checker = get_user_model()._base_manager.filter(pk=limited).first()
        if not is_scoped(checker):
            raise LimitsGone
    return Reach.of(*{user.pk: user for user in (checker, job.user) if user}.values())
