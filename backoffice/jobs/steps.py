"""The steps of a change, from upload to undo, as a worker or a request runs them.

Each step claims the change first and checks its claim as it goes, so only one run at a time
works on a change. The rows and the new status are written in one transaction.
"""

import contextlib
import csv
import hashlib
import json
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.changes.counts import Counts
from backoffice.changes.models import Change, ImportFile, JobStopped
from backoffice.changes.undo import Undo, refusal
from backoffice.history.records import Signature
from backoffice.imports.engine import BEAT, DatabaseMoved, DatabaseRefused, Import
from backoffice.imports.mapping import MappingError
from backoffice.imports.options import Options
from backoffice.imports.preview import ChangedRow
from backoffice.imports.rejects import group_rejects, write_rejects
from backoffice.imports.shown import Shown
from backoffice.jobs.activity import log_change
from backoffice.readers.source import ReaderError, Source
from backoffice.resources.formulas import escape_formula, unescape
from backoffice.resources.resource import Resource

logger = logging.getLogger(__name__)

Status = Change.Status
SAMPLED = 1000  # rows of each kind that a preview shows
UPLOAD, REJECTS, CHANGES, SAMPLE = "upload", "rejects.csv", "changes.csv", "sample.json"
SHOWN = "shown"  # see `imports.shown`


# Making ---------------------------------------------------------------------------------


def create_job(
    resource_class: type[Resource],
    blocks: Iterable[bytes],
    *,
    file_name: str,
    user: Any = None,
    **options: Any,
) -> Change:
    """Store an upload and create its import.

    options: of `profiles.OPTIONS`.
    """
    name = Path(file_name).name[:200]
    file = ImportFile(resource=dotted_path(resource_class), name=name, options=options)
    file.make_directory()
    digest, file.size = hashlib.sha256(), 0
    with (file.directory / UPLOAD).open("xb") as upload:
        for block in blocks:
            upload.write(block)
            digest.update(block)
            file.size += len(block)
            file.lines += block.count(b"\n")
    file.sha256 = digest.hexdigest()
    with transaction.atomic():
        model = resource_class._meta.model._meta.label
        file.change = Change.objects.create(user=user, model=model, title=name)
        file.save(force_insert=True)
    return file.change


def record_job(
    resource_class: type[Resource],
    path: Path,
    options: Options,
    counts: Counts,
    now: datetime,
    *,
    file_name: str,
) -> Change:
    """The Change of an import by the command line. It can be undone; its file isn't kept.

    file_name: as given · now: the history date. The caller holds the transaction.
    """
    # A name that is not in the system's encoding has characters that no database stores.
    name = Path(file_name).name.encode(errors="replace").decode()[:200]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    change = Change.objects.create(
        model=resource_class._meta.model._meta.label,
        title=name,
        status=Status.DONE,
        started_at=now,
        applied_at=now,
        finished_at=now,
        **asdict(counts),
    )
    ImportFile.objects.create(
        change=change,
        resource=dotted_path(resource_class),
        name=name,
        sha256=digest,
        size=path.stat().st_size,
        options=options.as_dict(),
    )
    return change


def create_undo(change: Change, *, user: Any = None) -> Change:
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
            model=change.model,
            title=change.title,
            status=Status.CHECKED,
        )


def dotted_path(resource_class: type[Resource]) -> str:
    return f"{resource_class.__module__}.{resource_class.__qualname__}"


def open_job(job: Change) -> Source:
    """The import's file as a source.

    Raises ReaderError.
    """
    file = job.file
    if not file.folder:
        raise ReaderError(_("The file is no longer kept. Choose it again."))
    options = Options.of(file.options)
    return options.open(file.resource_class, file.directory / UPLOAD, file.name)


def job_import(job: Change) -> Import:
    """The `Import` of the job's file.

    Raises ReaderError and MappingError.
    """
    return Options.of(job.file.options).start(job.file.resource_class, open_job(job))


# Running --------------------------------------------------------------------------------


@contextlib.contextmanager
def running(job: Change, *sources: str, to: str) -> Iterator[None]:
    """Claim `job` for the run in the block; if that raises, fail the job with the reason."""
    job.take(*sources, to=to, progress=0)
    try:
        yield
    except JobStopped:
        raise
    except (DatabaseMoved, DatabaseRefused, ReaderError, MappingError) as error:
        reason = str(error)
    except IntegrityError as error:
        reason = _("The database refused it, so nothing was written: %s") % str(error).strip()
    except Exception:
        logger.exception("%s failed while %s", job, to)
        reason = _("Something went wrong that is not the file's fault; it is in the log.")
        if job.undoes:
            reason = _("It could not be undone; the reason is in the log.")
    else:
        return
    job.status = to  # the status that the transaction set was rolled back
    job.finish(Status.FAILED, error=reason)


def check_job(job: Change) -> None:
    """Find out what the file would change, and keep that for the preview.

    Raises JobStopped if the job can't be checked now, or another run has taken it over.
    """
    with running(job, Status.UPLOADED, to=Status.CHECKING), job_import(job) as imported:
        imported.stage(progress=job.beat)
        job.beat(imported.rows or 0)
        counts = imported.check()
        file = job.file
        _write_findings(job, imported)
        with transaction.atomic():
            file.lines, file.found = imported.rows or 0, _findings(imported)
            file.causes = group_rejects(imported.checks)[:100]
            file.save(update_fields=["lines", "found", "causes"])
            job.finish(Status.CHECKED, **asdict(counts))


def apply_job(job: Change) -> None:
    """Write what the check found, or nothing if the database has changed since.

    For an undo, undo all rows that can be undone. Raises JobStopped as `check_job` does.
    """

    def begin(_counts: Counts) -> Signature:
        # Inside the transaction: the rows and the job's status are both written, or neither.
        job.finish(Status.DONE, applied_at=timezone.now())
        log_change(job)
        return job.signature

    if job.undoes:
        with running(job, Status.CHECKED, to=Status.APPLYING):
            _take_back(job, job.undoes)
    elif job.is_applicable:
        with (
            running(job, Status.CHECKED, to=Status.APPLYING),
            job_import(job) as imported,
            _open_shown(job) as file,
        ):
            shown = Shown(file, partial(_read_before, job))
            imported.apply(expected=job.counts, shown=shown, progress=job.beat, begin=begin)
    else:
        raise JobStopped


def _take_back(job: Change, undone: Change) -> None:
    with Undo(undone) as undo, transaction.atomic(using=undo.connection.alias):
        undo.lock()
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
    }


# What a check stores for the preview ----------------------------------------------------


def _write_findings(job: Change, imported: Import) -> None:
    # First, so that a record changed while the rest is written stops the import.
    with (job.file.directory / SHOWN).open("wb") as file:
        Shown(file).write(imported)
    with (job.file.directory / REJECTS).open("wb") as file:
        write_rejects(imported, file)
    with (job.file.directory / CHANGES).open("w", encoding="utf-8-sig", newline="") as file:
        sample = _write_changes(job, imported, csv.writer(file))
    sample["repaired"] = imported.repaired(SAMPLED)
    sample["rejected"] = [asdict(reject) for reject in islice(imported.rejects(), SAMPLED)]
    with (job.file.directory / SAMPLE).open("w", encoding="utf-8") as file:
        json.dump(sample, file, ensure_ascii=False)


def _write_changes(job: Change, imported: Import, writer: Any) -> dict[str, list[Any]]:
    """Write all changes to `writer`, and return the first of each kind."""
    sample: dict[str, list[Any]] = {"new": [], "updated": []}
    names = [column.name for column in imported.columns]
    beat = time.monotonic()
    was, blank = [_("%s before") % name for name in names], [""] * len(names)
    writer.writerow([_("row"), _("change"), *names, *was])
    for change in imported.changes():
        if time.monotonic() > beat + BEAT:
            job.beat(imported.rows or 0)
            beat = time.monotonic()
        old = blank if change.old is None else map(escape_formula, change.old)
        writer.writerow([change.line, change.action, *map(escape_formula, change.new), *old])
        if len(sample[change.action]) < SAMPLED:
            sample[change.action].append(_as_dict(change, names))
    return sample


def _open_shown(job: Change) -> BinaryIO:
    try:
        return (job.file.directory / SHOWN).open("rb")
    except FileNotFoundError as error:
        message = _("What the check found is no longer kept. Check the file again.")
        raise ReaderError(message) from error


def _read_before(job: Change, lines: list[int]) -> dict[int, dict[str, str]]:
    """The old values of these rows, as the preview showed them: `{line: {field: text}}`."""
    with (job.file.directory / CHANGES).open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        names = header[2 : 1 + len(header) // 2]
        found = (row for row in rows if int(row[0]) in lines)
        return {
            int(row[0]): dict(zip(names, map(unescape, row[2 + len(names) :]), strict=True))
            for row in islice(found, len(lines))
        }


def _as_dict(change: ChangedRow, names: list[str]) -> dict[str, Any]:
    old = change.old or [None] * len(names)
    cells = [
        {"name": name, "old": was, "new": new}
        for name, was, new in zip(names, old, change.new, strict=True)
    ]
    return {"line": change.line, "action": change.action, "pk": change.pk, "cells": cells}


def read_sample(job: Change) -> dict[str, list[Any]]:
    """`{"new": […], "updated": […], "rejected": […]}` of a checked job; {} if removed."""
    try:
        with (job.file.directory / SAMPLE).open(encoding="utf-8") as file:
            sample: dict[str, list[Any]] = json.load(file)
            return sample
    except FileNotFoundError:
        return {}
