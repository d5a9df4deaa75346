"""Entries in the admin's log about imports and undos, for the activity of whoever made them."""

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext as _

from backoffice.changes.models import Change
from backoffice.changes.undo import UndoCounts, plural
from backoffice.querysets.counts import Count

#: LogEntry's own action flags are 1 to 3, exports have 4.
IMPORTED, UNDONE = 5, 6


def log_change(change: Change) -> None:
    """Log an import, or an undo, that is written; the caller holds its transaction.

    A change without a user, as on the command line, has no entry.
    """
    user_id = change.signature.user_id
    if user_id is None:
        return
    LogEntry.objects.create(
        user_id=user_id,
        content_type=ContentType.objects.get_for_model(Change),
        object_id=str(change.pk),
        object_repr=str(change)[:200],
        action_flag=UNDONE if change.undoes else IMPORTED,
        change_message=_outcome(change),
    )


def _outcome(change: Change) -> str:
    names = plural(change.model)
    if change.undoes:
        counts = UndoCounts.of(change)
        return _(
            "%(names)s: %(removed)s deleted, %(restored)s restored, %(left)s left alone."
        ) % {"names": names, **{k: Count(n) for k, n in counts.as_dict().items()}}
    numbers = {"new": Count(change.new or 0), "updated": Count(change.updated or 0)}
    return _("%(names)s: %(new)s new, %(updated)s updated.") % {"names": names, **numbers}
