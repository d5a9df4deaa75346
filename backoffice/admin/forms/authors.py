"""Who changed a record since a page showed it, and when: from its history or Django's log."""

import datetime
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import formats, timezone, translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.history.links import recorded_links
from backoffice.history.records import history_model

MOST = 50  # records or log entries that are looked at


@dataclass(frozen=True)
class Author:
    """Who did something, and when; both None if nobody wrote it down."""

    user: Any = None
    date: datetime.datetime | None = None

    def described(self, viewer: Any) -> str:
        """In words for `viewer`, who may be the same person: in another window."""
        if self.date is None:
            return _("somebody else")
        if self.user is None:
            who = _("somebody")
        elif self.user == viewer:
            who = _("yourself, elsewhere")
        else:
            who = str(self.user)
        local = timezone.localtime(self.date)
        day = formats.date_format(local, "DATE_FORMAT")
        return _("%(who)s, %(day)s, %(time)s") % {
            "who": who,
            "day": day,
            "time": local.strftime("%H:%M:%S"),
        }


def authors(row: Any, names: Collection[str], since: int) -> dict[str, Author]:
    """Whoever gave the fields `names` of `row`, as it is stored, their present values.

    since: the time, in seconds, at which they had other values. It takes a statement, and one
    for each many-to-many field.
    """
    if not names:
        return {}
    model = history_model(type(row))
    if model is None:
        entries = log_entries(row, since)
        return {name: logged(entries, row, name) for name in names}
    records = list(
        model.objects.filter(
            **{row._meta.pk.attname: row.pk}, history_date__gte=moment(since)
        ).select_related("history_user")[:MOST]
    )
    return {name: recorded(records, row, name) for name in names}


def moment(since: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(since, tz=datetime.UTC)


def recorded(records: list[Any], row: Any, name: str) -> Author:
    """The author of the oldest of the newest records that have the present value."""
    values = recorded_values(records, row, name)
    found = Author()
    for record, value in zip(records, values[1:], strict=False):
        if value != values[0]:
            break
        found = Author(record.history_user, record.history_date)
    return found


def recorded_values(records: list[Any], row: Any, name: str) -> list[Any]:
    """The present value of a field, then those of `records`."""
    field = row._meta.get_field(name)
    if not field.many_to_many:
        return [getattr(each, field.attname, None) for each in (row, *records)]
    if field not in getattr(type(records[0]) if records else None, "_history_m2m_fields", ()):
        return [None]
    links = recorded_links(records, field)
    present = set(getattr(row, name).values_list("pk", flat=True))
    return [present, *(links[record.pk] for record in records)]


# Without history ------------------------------------------------------------------------


def log_entries(row: Any, since: int, flag: int = CHANGE) -> list[LogEntry]:
    """The newest first."""
    content_type = ContentType.objects.get_for_model(row, for_concrete_model=False)
    found = LogEntry.objects.filter(
        content_type=content_type,
        object_id=str(row.pk),
        action_flag=flag,
        action_time__gte=moment(since),
    )
    return list(found.select_related("user").order_by("-action_time")[:MOST])


def logged(entries: list[LogEntry], row: Any, name: str) -> Author:
    with translation.override(None):  # the log has the labels so
        label = json.dumps(capfirst(str(row._meta.get_field(name).verbose_name)))
    for entry in entries:
        said = entry.change_message
        if not said.startswith("[") or label in said:
            return Author(entry.user, entry.action_time)
    return Author()


# Deletions ------------------------------------------------------------------------------


def deleter(model: type[Model], pk: Any, since: int) -> Author:
    """Whoever deleted the record with this key."""
    records = history_model(model)
    if records is not None:
        found = records.objects.filter(**{model._meta.pk.attname: pk}, history_type="-")
        record = found.select_related("history_user").first()
        return Author(record.history_user, record.history_date) if record else Author()
    entries = log_entries(model(pk=pk), since, DELETION)
    return Author(entries[0].user, entries[0].action_time) if entries else Author()
