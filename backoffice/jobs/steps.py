"""The steps of a change, from upload to undo, as a worker or a request runs them.

Each step claims the change first and checks its claim as it goes, so only one run at a time
works on a change. The rows and the new status are written in one transaction.
"""

import contextlib
import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.changes import files
from backoffice.changes.activity import log_change
from backoffice.changes.counts import Counts
from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change, ImportFile, JobStopped
from backoffice.changes.outside import lies_within
from backoffice.changes.undo import Undo, refusal
from backoffice.history.records import Signature
from backoffice.imports.decided import Decided
from backoffice.imports.engine import Import
from backoffice.imports.mirror import Missing
from backoffice.imports.options import Options
from backoffice.imports.review import downloads
from backoffice.imports.review.downloads import Seen
from backoffice.imports.review.findings import moved, write
from backoffice.imports.review.recheck import Whole
from backoffice.imports.review.store import Store
from backoffice.jobs.exports import make_export
from backoffice.jobs.limits import LIMITED, OutsideLimits, reach_of_writing
from backoffice.jobs.liveness import sign
from backoffice.jobs.missing import MISSING, missing_file, write_missing
from backoffice.jobs.opening import (
    STORE,
    UPLOAD,
    catch_up,
    decided,
    job_import,
    open_copy,
    open_store,
    put_as_written,
)
from backoffice.jobs.running import running
from backoffice.outages import demand_room, removed_if_it_fails
from backoffice.resources.registry import match_key_if_any
from backoffice.resources.resource import Resource
from backoffice.tables.waits import limit_waits

logger = logging.getLogger(__name__)

Status = Change.Status
MOST_CAUSES = 100  # that are kept with the import
REJECTS, CHANGES = "rejects.csv", "changes.csv"  # what can be downloaded


# Making ---------------------------------------------------------------------------------


def create_job(
    resource_class: type[Resource],
    blocks: Iterable[bytes],
    *,
    file_name: str,
    user: Any = None,
    feed: str | None = None,
    **options: Any,
) -> Change:
    """Store an upload and create its import.

    options: of `profiles.OPTIONS` · feed: see `ImportFile`; raises IntegrityError if there
    is an import of it. Whatever is raised, nothing of it is left.
    """
    name = Path(file_name).name[:200]
    path = dotted_path(resource_class)
    file = ImportFile(resource=path, name=name, options=options, feed=feed)
    file.make_directory()
    with _removed_if_it_fails(file):
        digest, file.size = hashlib.sha256(), 0
        with (file.directory / UPLOAD).open("xb") as upload:
            for block in blocks:
                demand_room(file.directory, len(block))
                upload.write(block)
                digest.update(block)
                file.size += len(block)
                file.lines += block.count(b"\n")
        file.sha256 = digest.hexdigest()
        file.put(UPLOAD)  # before anybody is told that it is there
        with transaction.atomic():
            model = resource_class._meta.model._meta.label
            file.change = Change.objects.create(user=user, model=model, title=name)
            file.save(force_insert=True)
    return file.change


@contextlib.contextmanager
def _removed_if_it_fails(file: ImportFile) -> Iterator[None]:
    try:
        yield
    except BaseException:
        files.discard(file.folder)
        raise


@contextlib.contextmanager
def discarded_if_it_fails(job: Change) -> Iterator[None]:
    """The new job and its file are gone if the block raises."""
    try:
        yield
    except BaseException:
        job.file.remove()
        job.delete()
        raise


def file_read(
    resource_class: type[Resource], path: Path, options: Options, *, file_name: str
) -> ImportFile:
    """The file of an import by the command line, for `record_job`; it isn't kept.

    file_name: as given.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ImportFile(
        resource=dotted_path(resource_class),
        # A name that is not in the system's encoding has characters that no database stores.
        name=Path(file_name).name.encode(errors="replace").decode()[:200],
        sha256=digest,
        size=path.stat().st_size,
        options=options.as_dict(),
    )


def record_job(model: type[Model], file: ImportFile, counts: Counts, now: datetime) -> Change:
    """The Change of the import of a `file_read` into the model. It can be undone.

    now: the history date. The caller holds the transaction, in which no file is read.
    """
    file.change = Change.objects.create_done(model, title=file.name, now=now, **asdict(counts))
    log_change(file.change)
    file.save(force_insert=True)
    return file.change


def create_undo(change: Change, *, user: Any = None, address: str | None = None) -> Change:
    """Create the undo of a change that is done, for `apply_job` to run.

    Raises JobStopped if the change is not done, if somebody else is undoing it already, or
    if changes of its model can't be undone.
    """
    if problem := refusal(change):
        raise JobStopped(problem)
    with transaction.atomic():
        if not Change.objects.filter(pk=change.pk).move(Status.DONE, to=Status.UNDOING):
            raise JobStopped
        return Change.objects.create(
            kind=Change.Kind.UNDO,
            undoes=change,
            user=user,
            address=address,
            model=change.model,
            title=change.title,
            status=Status.CHECKED,
        )


def dotted_path(resource_class: type[Resource]) -> str:
    return f"{resource_class.__module__}.{resource_class.__qualname__}"


# Running --------------------------------------------------------------------------------


def check_job(job: Change) -> None:
    """Find out what the file would change, and keep that for the review.

    Of an export, make its file. Raises JobStopped if the job can't be checked now, or another
    run has taken it over.
    """
    if job.kind == Change.Kind.EXPORT:
        make_export(job)
        return
    with running(job, Status.UPLOADED, to=Status.CHECKING):
        version, decisions = decided(job)
        name = f"{STORE}{job.claim}.sqlite3"

        def beat(rows: int) -> None:
            demand_room(job.file.directory)
            job.beat(rows)

        with (
            removed_if_it_fails(job.file.directory / name) as path,
            job_import(job, decisions) as imported,
            Store.create(path) as store,
        ):
            imported.stage(progress=beat, keep=store.add_rows)
            job.beat(imported.rows or 0)
            counts = imported.check()
            write(imported, store, beat=partial(job.beat, imported.rows or 0))
            store.describe(imported)
            store.set_decisions(version, {d.pk: d.answered for d in decisions})
            store.finish()
            file = job.file
            file.lines, file.causes = imported.rows or 0, store.causes(MOST_CAUSES)
            file.found = _findings(imported) | {"store": name, "version": version}
            if imported.mirror:
                file.found["missing_file"] = f"{STORE}{job.claim}-missing.csv"
                write_missing(job, imported)
                file.put(file.found["missing_file"])
        file.put(name)
        with transaction.atomic():
            file.save(update_fields=["lines", "found", "causes"])
            missing = imported.missing
            gone = {"removed": missing.total, "lost": missing.lost}
            job.finish(Status.CHECKED, **asdict(counts), **gone)
        with contextlib.suppress(OSError):  # they go with the import
            files.remove_files(file.folder, STORE, but=f"{STORE}{job.claim}")


def apply_job(job: Change, *, patience: float = 0) -> None:
    """Write what the check found, or nothing if the database has changed since.

    For an undo, undo all rows that can be undone. patience: seconds to wait for a lock, 0 is
    without end. Raises JobStopped as `check_job` does, and OperationalError as `running` does.
    """

    def begin(_counts: Counts) -> Signature:
        # Inside the transaction: the rows and the job's status are both written, or neither.
        job.finish(Status.DONE, applied_at=timezone.now())
        if found:
            ImportFile.objects.filter(pk=job.pk).update(found=found)
        log_change(job)
        return job.signature

    found: dict[str, Any] = {}
    if job.undoes:
        with running(job, Status.CHECKED, to=Status.APPLYING):
            _take_back(job, job.undoes, patience)
    elif job.is_applicable:
        with running(job, Status.CHECKED, to=Status.APPLYING), open_copy(job) as store:
            decisions = _seen_decisions(job, store)
            found = put_as_written(job, store)
            with job_import(job, decisions, reach=reach_of_writing(job)) as imported:
                shown = partial(moved, store=store)
                missing = job.file.found.get("missing")
                imported.apply(
                    expected=job.counts,
                    missing=Missing(**missing) if missing else None,
                    moved=shown,
                    progress=job.beat,
                    first=partial(_sign, job, imported.connection, patience),
                    begin=begin,
                )
    else:
        raise JobStopped


def _seen_decisions(job: Change, store: Store) -> list[Decision]:
    """What was decided. Raises JobStopped if whoever had it written has not seen all of it."""
    status = Status.CHECKED
    error = _(
        "Nothing was written: somebody decided, or had the file checked again,"
        " meanwhile. Look at what is written now."
    )
    try:
        if files.are_shared() and job.file.shown:  # on another machine, maybe
            catch_up(job, store)
        version, decisions = decided(job)
        if version == store.version and job.file.shown in ("", store.state):
            return decisions
    except Whole:
        status, error = Status.UPLOADED, _("Nothing was written. Check the file again.")
    ImportFile.objects.filter(pk=job.pk).update(shown="")
    job.finish(status, error=error)
    raise JobStopped


def undo_of(change: Change) -> Undo:
    """The undo of a change, which leaves alone what would be a twin by its match key."""
    return Undo(change, match_key_if_any)


def _sign(job: Change, connection: BaseDatabaseWrapper, patience: float) -> None:
    limit_waits(connection, patience)
    sign(job.pk)


def _take_back(job: Change, undone: Change, patience: float) -> None:
    with undo_of(undone) as undo, transaction.atomic(using=undo.connection.alias):
        _sign(job, undo.connection, patience)
        undo.lock()
        if not lies_within(undone, job.user):
            raise OutsideLimits
        counts = undo.plan()
        job.finish(Status.DONE, applied_at=timezone.now(), **counts.as_fields())
        undo.run(counts, job.signature)
        log_change(job)


def undo_job(job: Change, *, user: Any = None) -> Change:
    """Undo the job at once, and return the undo as it ended.

    If it fails, the job stays done and has the reason. Raises JobStopped if the job can't
    be undone.
    """
    undo = create_undo(job, user=user)
    apply_job(undo)
    job.refresh_from_db()
    return undo


def _findings(imported: Import) -> dict[str, Any]:
    source = imported.source
    return {
        "format": source.format,
        "encoding": source.encoding,
        "delimiter": source.delimiter,
        "warnings": imported.warnings,
        "mapping": imported.mapping.as_dict(),
        "repaired": imported.count_repaired(),
        "unlinked": imported.count_removed_links(),
        **({LIMITED: str(imported.reach.users[0].pk)} if imported.reach.is_limited else {}),
        **({"missing": asdict(imported.missing)} if imported.mirror else {}),
    }


def download(job: Change, name: str, seen: Seen | None = None) -> Iterator[bytes]:
    """What the last check found, as one of the files REJECTS, CHANGES and MISSING.

    seen: finds out which records whoever downloads it may see; all if not given.
    Raises ReaderError if it is no longer kept.
    """
    if name == MISSING:
        return missing_file(job, seen)
    store = open_store(job)
    if name == CHANGES:
        return downloads.changes(store, seen)
    return downloads.rejects(store, Decided(decided(job)[1]), seen)
