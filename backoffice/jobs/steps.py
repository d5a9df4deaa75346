"""An `ImportJob` from upload to undo: what a worker, or a request, does with one.

Every step claims the job first and checks its claim as it goes, so a job runs once at a
time; what is written, and that it was written, is one transaction.
"""

import contextlib
import csv
import hashlib
import json
import logging
import time
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from backoffice.changes.models import ImportJob, JobStopped
from backoffice.changes.undo import Undo
from backoffice.imports.engine import BEAT, DatabaseMoved, DatabaseRefused, Import
from backoffice.imports.mapping import MappingError
from backoffice.imports.rejects import group_rejects, write_rejects
from backoffice.readers.source import ReaderError, open_source
from backoffice.resources.formulas import escape_formula

logger = logging.getLogger(__name__)

Status = ImportJob.Status
SAMPLED = 1000  # rows of each kind that a preview shows
UPLOAD, REJECTS, CHANGES, SAMPLE = "upload", "rejects.csv", "changes.csv", "sample.json"


# Making ---------------------------------------------------------------------------------


def create_job(resource_class, blocks, *, file_name, user=None, **options):
    """Keep an upload, an iterable of bytes, and make its job.

    options: format, encoding, delimiter, match, on_error, overrides, keep_blank, repairs.
    """
    job = ImportJob(
        user=user,
        resource=f"{resource_class.__module__}.{resource_class.__qualname__}",
        model=resource_class._meta.model._meta.label,
        file_name=Path(file_name).name[:200],
        options=options,
    )
    job.make_directory()
    digest, job.size = hashlib.sha256(), 0
    with (job.directory / UPLOAD).open("xb") as file:
        for block in blocks:
            file.write(block)
            digest.update(block)
            job.size += len(block)
            job.lines += block.count(b"\n")
    job.sha256 = digest.hexdigest()
    job.save()
    return job


def record_job(resource_class, path, options, counts, now):
    """A job for what the command line writes; its file is not kept, so it can be undone only.

    options: as asked for, of them those that JSON takes · now: the history date.
    """
    # A name that is not in the system's encoding has what no database stores.
    name = Path(options["import_file_name"]).name.encode(errors="replace").decode()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ImportJob.objects.create(
        resource=f"{resource_class.__module__}.{resource_class.__qualname__}",
        model=resource_class._meta.model._meta.label,
        file_name=name[:200],
        sha256=digest,
        size=path.stat().st_size,
        options={key: options[key] for key in ("format", "encoding", "match", "on_error")},
        status=Status.DONE,
        started_at=now,
        applied_at=now,
        finished_at=now,
        **asdict(counts),
    )


def open_job(job):
    """The job's file as a source.

    Raises ReaderError.
    """
    if not job.folder:
        raise ReaderError(_("The file is no longer kept. Choose it again."))
    return open_source(
        job.directory / UPLOAD,
        file_name=job.file_name,
        **{key: job.options.get(key) or None for key in ("format", "encoding", "delimiter")},
    )


def job_import(job):
    """The engine on the job's file.

    Raises ReaderError and MappingError.
    """
    return Import(
        job.resource_class,
        open_job(job),
        overrides=job.options.get("overrides"),
        match=job.options.get("match"),
        keep_blank=job.options.get("keep_blank", False),
        repairs=job.options.get("repairs"),
        user=job.user,
        reason=job.reason,
    )


# Running --------------------------------------------------------------------------------


@contextlib.contextmanager
def running(job, *sources, to):
    """Claim `job` for a run, and end it as failed, with the reason, where the run fails."""
    job.take(*sources, to=to, progress=0)
    try:
        yield
    except JobStopped:
        raise
    except (DatabaseMoved, DatabaseRefused, ReaderError, MappingError) as error:
        reason = str(error)
    except Exception:
        logger.exception("%s failed while %s", job, to)
        reason = _("Something went wrong that is not the file's fault; it is in the log.")
    else:
        return
    job.status = to  # what a transaction that was rolled back said of it is not so
    job.finish(Status.FAILED, error=reason)


def check_job(job):
    """Find out what the file would do, and keep it for the preview.

    Raises JobStopped where the job is not one to check, or no longer this run's.
    """
    with running(job, Status.UPLOADED, to=Status.CHECKING), job_import(job) as imported:
        imported.stage(progress=job.beat)
        job.beat(imported.rows, lines=imported.rows)
        counts = imported.check()
        fields = {**asdict(counts), **_findings(imported)}
        _write_findings(job, imported)
        job.finish(Status.CHECKED, **fields)


def apply_job(job):
    """Write what the check found; nothing of it if the database has moved since.

    Raises JobStopped as `check_job` does.
    """

    def begin(now):
        # Inside the transaction: the rows and the word that they are there, or neither.
        job.finish(Status.DONE, applied_at=now)

    if not job.is_applicable:
        raise JobStopped
    with running(job, Status.CHECKED, to=Status.APPLYING), job_import(job) as imported:
        imported.apply(expected=job.counts, progress=job.beat, begin=begin)


def undo_job(job):
    """Take back what the job wrote; all that can be, or nothing.

    Where it fails the job is done, as before, with the reason. Raises JobStopped where the
    job is not one to undo.
    """
    job.take(Status.DONE, to=Status.UNDOING)
    try:
        with Undo(job) as undo, transaction.atomic(using=undo.connection.alias):
            undo.lock()
            counts = undo.plan()
            # The rows and the word that they went, or neither.
            job.finish(Status.UNDONE, undo=job.undo | counts.as_dict())
            undo.run(counts)
    except JobStopped:
        raise
    except Exception:
        logger.exception("%s could not be undone", job)
        job.status = Status.UNDOING
        job.finish(Status.DONE, error=_("It could not be undone; the reason is in the log."))


def _findings(imported):
    source = imported.source
    return {
        "found": {
            "format": source.format,
            "encoding": source.encoding,
            "delimiter": source.delimiter,
            "warnings": source.warnings,
            "mapping": imported.mapping.as_dict(),
            "repaired": imported.count_repaired(),
        },
        "causes": group_rejects(imported.checks)[:100],
    }


# What a check leaves for the preview ----------------------------------------------------


def _write_findings(job, imported):
    with (job.directory / REJECTS).open("wb") as file:
        write_rejects(imported, file)
    with (job.directory / CHANGES).open("w", encoding="utf-8-sig", newline="") as file:
        sample = _write_changes(job, imported, csv.writer(file))
    sample["repaired"] = imported.repaired(SAMPLED)
    sample["rejected"] = [asdict(reject) for reject in islice(imported.rejects(), SAMPLED)]
    with (job.directory / SAMPLE).open("w", encoding="utf-8") as file:
        json.dump(sample, file, ensure_ascii=False)


def _write_changes(job, imported, writer):
    """All changes to `writer`; the first of each kind are returned."""
    sample = {"new": [], "updated": []}
    names = [column.name for column in imported.columns]
    beat = time.monotonic()
    was, blank = [_("%s before") % name for name in names], [""] * len(names)
    writer.writerow([_("row"), _("change"), *names, *was])
    for change in imported.changes():
        if time.monotonic() > beat + BEAT:
            job.beat(imported.rows)
            beat = time.monotonic()
        old = blank if change.old is None else map(escape_formula, change.old)
        writer.writerow([change.line, change.action, *map(escape_formula, change.new), *old])
        if len(sample[change.action]) < SAMPLED:
            sample[change.action].append(_as_dict(change, names))
    return sample


def _as_dict(change, names):
    old = change.old or [None] * len(names)
    cells = [
        {"name": name, "old": was, "new": new}
        for name, was, new in zip(names, old, change.new, strict=True)
    ]
    return {"line": change.line, "action": change.action, "pk": change.pk, "cells": cells}


def read_sample(job):
    """`{"new": […], "updated": […], "rejected": […]}` of a checked job; {} if not kept."""
    try:
        with (job.directory / SAMPLE).open(encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}
