"""Time that passes for sessions."""

import datetime

from django.db.models import F

from backoffice.sessions.models import Session


def later(**ago):
    """Make all sessions so much older, as `timedelta` has it."""
    delta = datetime.timedelta(**ago)
    times = ("first_seen", "last_seen", "expire_date")
    Session.objects.update(**{name: F(name) - delta for name in times})
    for row in Session.objects.all():
        data = row.get_decoded()
        for name in data.keys() & {"_signed_in_at", "_proved_at"}:
            data[name] -= delta.total_seconds()
        row.session_data = Session.objects.encode(data)
        row.save(update_fields=["session_data"])
