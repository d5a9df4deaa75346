"""What is removed by its age: history, the activity, jobs, files, ended sessions."""

import datetime
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tasks_db.models import DBTaskResult

from backoffice.changes.models import Change, ImportFile
from backoffice.exports.made import ExportFile
from backoffice.history.records import history_model, purge
from backoffice.jobs.care import (
    abandoned_imports,
    old_imports,
    remove_abandoned_imports,
    remove_old_imports,
)
from backoffice.jobs.exports import old_exports, remove_old_exports
from backoffice.submissions import Submission
from backoffice.tables.scratch import drop_stale, stale
from backoffice.trail.models import Entry
from backoffice.trail.record import record

CHUNK = 2_000  # rows a transaction
Rows = QuerySet[Any]
Status = Change.Status
ENDED = (Status.DONE, Status.FAILED, Status.CANCELLED, Status.UNDONE)


def retain(*, dry_run: bool = False) -> dict[str, int]:
    """Remove what is too old, and return how many of what went, or would go."""
    gone: dict[str, int] = {}
    files: list[tuple[str, Callable[[], Any], Callable[[], int]]] = [
        (_("abandoned imports"), abandoned_imports, remove_abandoned_imports),
        (_("files of imports"), old_imports, remove_old_imports),
        (_("files of exports"), old_exports, remove_old_exports),
        (_("tables of imports that were cut off"), stale, drop_stale),
    ]
    for what, find, remove in files:
        gone[what] = len(find()) if dry_run else remove()
    for what, rows in _old():
        number = rows.count() if dry_run else _remove(rows)
        gone[what] = gone.get(what, 0) + number
    found = {what: number for what, number in gone.items() if number}
    # The trail tells of what goes by these settings; answers of forms go every hour.
    kept = (_("records of history"), _("lines of the activity"), _("jobs"))
    told = {what: found[what] for what in kept if what in found}
    if told and not dry_run:
        said = ", ".join(f"{number} {what}" for what, number in told.items())
        record("retain", name=_("retention"), message=said, count=sum(told.values()))
    return found


def _old() -> list[tuple[str, Rows]]:
    """What is too old, by what it is called; what depends on others comes first."""
    old: list[tuple[str, Rows]] = []
    if limit := _limit("HISTORY_KEEP_DAYS"):
        for model in apps.get_models():
            history = history_model(model)
            if history is not None and history.instance_type is model:
                old.append((_("records of history"), _old_records(model, history, limit)))
    if limit := _limit("ACTIVITY_KEEP_DAYS"):
        old.append((_("lines of the activity"), QuerySet(Entry).filter(at__lt=limit)))
        old.append(
            (_("lines of recent actions"), QuerySet(LogEntry).filter(action_time__lt=limit))
        )
    if limit := _limit("JOBS_KEEP_DAYS"):
        jobs: Rows = QuerySet(Change).filter(status__in=ENDED, finished_at__lt=limit)
        # Of imports and exports, the files go first, by settings of their own.
        for model in (ImportFile, ExportFile):
            with_files = model.objects.filter(pk=OuterRef("pk")).exclude(folder="")
            jobs = jobs.filter(~Exists(with_files))
        old.append((_("jobs"), jobs))
    if limit := _limit("TASKS_KEEP_DAYS"):
        old.append(
            (_("tasks of the queue"), QuerySet(DBTaskResult).filter(finished_at__lt=limit))
        )
    if limit := _limit("FORMS_KEEP_DAYS"):
        answered: Rows = QuerySet(Submission).filter(created_at__lt=limit)
        old.append((_("answers of forms"), answered))
    if limit := _limit("SESSIONS_KEEP_DAYS"):
        for model in apps.get_models():
            if issubclass(model, AbstractBaseSession):
                ended: Rows = QuerySet(model).filter(expire_date__lt=limit)
                old.append((_("ended sessions"), ended))
    return old


def _limit(setting: str) -> datetime.datetime | None:
    """The time before which all is too old; None where it is kept for ever."""
    days = getattr(settings, setting)
    return timezone.now() - datetime.timedelta(days=days) if days else None


def _old_records(model: type[Model], history: Any, limit: datetime.datetime) -> Rows:
    """Old records, but for the newest of each row that is still there."""
    key = model._meta.pk.attname
    every: Rows = QuerySet(history)
    newer = every.filter(**{key: OuterRef(key)}, history_id__gt=OuterRef("history_id"))
    live = model._base_manager.filter(pk=OuterRef(key))
    return every.filter(Exists(newer) | ~Exists(live), history_date__lt=limit)


def _remove(rows: Rows) -> int:
    """Delete the rows in chunks, each in a transaction of its own, with what hangs on them.

    What another worker is just removing is left to it.
    """
    removed = 0
    while True:
        with transaction.atomic():
            chunk = rows.order_by("pk").select_for_update(skip_locked=True)[:CHUNK]
            keys = list(chunk.values_list("pk", flat=True))
            if not keys:
                return removed
            removed += delete(rows.model, keys)


def delete(model: type[Model], keys: list[Any]) -> int:
    """Delete the rows of these keys, whatever their manager says. Returns how many."""
    chosen: Rows = QuerySet(model).filter(pk__in=keys)
    if hasattr(model, "instance_type"):
        return purge(chosen)
    if model is Entry:
        return int(chosen._raw_delete(chosen.db))
    chosen.delete()
    return len(keys)
