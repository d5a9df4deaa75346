"""What changes write into the trail, and into the log of whoever made them."""

from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext as _

from backoffice.changes.models import Change
from backoffice.changes.undo import UndoCounts, plural
from backoffice.querysets.counts import Count
from backoffice.trail.record import record

#: LogEntry's own action flags are 1 to 3, exports have 4.
IMPORTED, UNDONE = 5, 6


def log_change(change: Change) -> None:
    """Log an import, an edit or an undo that is written; the caller holds its transaction.

    An edit, and a change without a user, as on the command line, stand in the trail alone.
    """
    outcome = _outcome(change)
    record(
        "mirror" if change.is_import and change.removed else change.kind,
        user=change.user,
        name="" if change.user else _("command line"),
        address=change.address,
        model=Change,
        obj=change,
        message=outcome,
        count=(change.new or 0) + (change.updated or 0) + change.removed,
    )
    user = change.user
    if user is None or change.kind == Change.Kind.EDIT:
        return
    flag = UNDONE if change.undoes else IMPORTED
    LogEntry.objects.log_actions(user.pk, [change], flag, outcome)


def _outcome(change: Change) -> str:
    names = plural(change.model)
    if change.undoes:
        counts = UndoCounts.of(change)
        return _(
            "%(names)s: %(removed)s deleted, %(restored)s restored, %(left)s left alone."
        ) % {"names": names, **{k: Count(n) for k, n in counts.as_dict().items()}}
    numbers = {
        "new": Count(change.new or 0),
        "updated": Count(change.updated or 0),
        "removed": Count(change.removed),
    }
    words = _("%(names)s: %(new)s new, %(updated)s updated.")
    if change.removed:
        words = _("%(names)s: %(new)s new, %(updated)s updated, %(removed)s deleted.")
    return words % {"names": names, **numbers}
