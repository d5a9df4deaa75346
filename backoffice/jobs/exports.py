"""Exports that a worker makes: a file is whole, or it is not there.

Each run writes a file of its own. Which of them is the export's is said in the transaction that
ends the run, so a run that was killed, or taken over, leaves nothing that anybody is offered.
"""

import contextlib
import datetime
import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.contrib.admin.sites import all_sites
from django.db import OperationalError, connection, transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from import_export.signals import post_export

from backoffice.changes import files
from backoffice.changes.models import Change
from backoffice.exports.errors import ExportError
from backoffice.exports.export import Export
from backoffice.exports.made import ExportFile
from backoffice.jobs.running import running
from backoffice.outages import demand_room
from backoffice.querysets.scopes import limits_of
from backoffice.tables import replica

logger = logging.getLogger(__name__)

Status = Change.Status
RUNNING = (Status.UPLOADED, Status.CHECKING)  # waiting for the worker, and being made
BEAT = 2  # seconds


def create_export(
    model: type[Model], *, user: Any, address: str | None = None, **chosen: Any
) -> ExportFile:
    """What a worker is to make; one that the user asked for before, if it is not made yet.

    chosen: fields of ExportFile. The caller holds the transaction, and queues the change.
    """
    label, title = model._meta.label, chosen["name"]
    same = ExportFile.objects.filter(
        change__user=user, change__model=label, change__status__in=RUNNING, **chosen
    )
    if (before := same.first()) is not None:
        return before
    kind = Change.Kind.EXPORT
    change = Change.objects.create(
        kind=kind, user=user, address=address, model=label, title=title
    )
    return ExportFile.objects.create(change=change, **chosen)


# Making ---------------------------------------------------------------------------------


def make_export(job: Change) -> None:
    """Make the file. Raises JobStopped as `steps.check_job` does."""
    with running(job, Status.UPLOADED, to=Status.CHECKING):
        made = job.export
        export, limits = export_of(made), limits_now(job.user)
        export.check()
        total = export.queryset.order_by().count()
        Change.objects.filter(pk=job.pk, claim=job.claim).update(rows=total)
        made.make_directory()
        ExportFile.objects.filter(pk=made.pk).update(folder=made.folder)
        with _removed_if_it_fails(made, job.claim):
            size = _write_whole(export, made, job)
            made.put(job.claim)
            with transaction.atomic():
                job.finish(Status.DONE, rows=export.rows, progress=export.rows)
                whole = {"file": job.claim, "size": size, "limits": limits}
                ExportFile.objects.filter(pk=made.pk).update(**whole)
        post_export.send(sender=None, model=job.model_class)  # as upstream's
        with contextlib.suppress(OSError):  # what runs before left; it goes with the export
            files.remove_files(made.folder, but=job.claim)


def export_of(made: ExportFile) -> Export:
    """As whoever asked for it may have it now. Raises ExportError."""
    with contextlib.suppress(LookupError):
        model = made.change.model_class
        for site in all_sites:
            if site.name == made.site and site.is_registered(model):
                model_admin: Any = site.get_model_admin(model)
                export: Export = model_admin.export_of(made)
                return export
    raise ExportError(_("This site has no such export any more."))


def limits_now(user: Any) -> str:
    """As `ExportFile.limits`."""
    limits: Any = limits_of(user)
    if limits is None:
        return ""
    return hashlib.sha256(repr((limits.keys, limits.filter)).encode()).hexdigest()


def may_have(made: ExportFile) -> bool:
    """Whether its user may still have what is in the file.

    With other limits it could have rows that they may not see any more.
    """
    try:
        export_of(made)
    except ExportError:
        return False
    return limits_now(made.change.user) in ("", made.limits)


def _write_whole(export: Export, made: ExportFile, job: Change) -> int:
    """Write the file, and return its size: nobody has seen what the replica did not end."""
    try:
        return _write(export, made, job)
    except replica.Ended:
        export.from_replica = False
        (made.directory / job.claim).unlink()
        return _write(export, made, job)


def _write(export: Export, made: ExportFile, job: Change) -> int:
    size = 0
    path = made.directory / job.claim
    with (
        beats(job) as beat,
        contextlib.closing(export.logged_blocks(job.user, job.address)) as blocks,  # type: ignore[type-var]
        path.open("xb") as file,
    ):
        for block in blocks:
            demand_room(path.parent, len(block))
            size += file.write(block)
            beat(export.rows)
    return size


@contextlib.contextmanager
def beats(job: Change) -> Iterator[Callable[[int], None]]:
    """A function that says how many rows were written, and raises JobStopped as `Change.beat`.

    It does so in another thread, which has another connection: what this one's writes would
    wait for the end of the rows, which are read in one transaction.
    """
    last = time.monotonic()

    def beat(rows: int) -> None:
        nonlocal last
        if time.monotonic() - last >= BEAT:
            last = time.monotonic()
            with contextlib.suppress(OperationalError):  # SQLite is busy; see `care`
                thread.submit(_beat, job, rows).result()

    with ThreadPoolExecutor(1) as thread:
        yield beat


def _beat(job: Change, rows: int) -> None:
    try:
        job.beat(rows)
    finally:
        connection.close()


@contextlib.contextmanager
def _removed_if_it_fails(made: ExportFile, name: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        try:
            files.remove_files(made.folder, name)
        except OSError:
            logger.warning("The storage keeps a part of an export for now", exc_info=True)
        raise


# Keeping --------------------------------------------------------------------------------


def old_exports() -> QuerySet[ExportFile]:
    """Exports whose files are too old, belong to nobody any more, or never became whole."""
    kept = ExportFile.objects.exclude(folder="")
    gone = Q(change__user=None) | Q(change__status__in=(Status.FAILED, Status.CANCELLED))
    if days := settings.EXPORT_KEEP_DAYS:
        limit = timezone.now() - datetime.timedelta(days=days)
        gone |= Q(change__finished_at__lt=limit)
    return kept.filter(gone).exclude(change__status__in=RUNNING)


def goes_at(job: Change) -> datetime.datetime | None:
    """When the file of an export goes; None for never."""
    days = settings.EXPORT_KEEP_DAYS
    if not days or job.finished_at is None:
        return None
    return job.finished_at + datetime.timedelta(days=days)


def remove_old_exports() -> int:
    """Remove the files of `old_exports`, and return how many exports lost theirs."""
    old = list(old_exports())
    for made in old:
        made.remove()
    return len(old)
