"""The file of an import, and what its last check found, on whichever machine they are wanted.

What a check found is put where all machines see it once, when it is whole. What is decided
afterwards each machine takes into its own copy, from the database, when it opens it; `mark` of
the store says whether two machines came to the same. Whoever writes puts its copy, so that
what was written is shown everywhere: nobody could find it out again.
"""

import shutil
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from backoffice.changes import files
from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change, ImportFile
from backoffice.imports.decided import Decided
from backoffice.imports.engine import Import
from backoffice.imports.options import Options
from backoffice.imports.review.recheck import Whole, take_in
from backoffice.imports.review.store import Store
from backoffice.jobs.limits import reach_of_check, reach_of_review
from backoffice.querysets.reach import Reach
from backoffice.readers.source import ReaderError, Source

UPLOAD = "upload"
STORE = "review-"  # and the claim of the check


# The file -------------------------------------------------------------------------------


def open_job(
    job: Change, options: Mapping[str, Any] | None = None, *, any_header: bool = False
) -> Source:
    """The import's file as a source, read as `options` say, its own by default.

    any_header: take the first row for the header where it is not known which it is.

    Raises ReaderError.
    """
    file = job.file
    chosen = Options.of(file.options if options is None else options)
    path = fetch_upload(file)
    return chosen.open(file.resource_class, path, file.name, any_header=any_header)


def fetch_upload(file: ImportFile) -> Path:
    """The file as it was uploaded. Raises ReaderError if it is no longer kept."""
    message = _("The file is no longer kept. Choose it again.")
    if not file.folder:
        raise ReaderError(message)
    try:
        return file.fetch(UPLOAD)
    except FileNotFoundError as error:
        raise ReaderError(message) from error


def decided(job: Change) -> tuple[int, list[Decision]]:
    """What was decided about the job's file, and a version that is no newer."""
    version = ImportFile.objects.values_list("version", flat=True).get(pk=job.pk)
    return version, list(job.file.decisions.order_by("pk"))


def job_import(
    job: Change,
    decisions: Iterable[Decision] = (),
    source: Source | None = None,
    reach: Reach | None = None,
) -> Import:
    """The `Import` of the job's file, or of `source`.

    reach: as it is for a check, if not given. Raises ReaderError and MappingError.
    """
    return Options.of(job.file.options).start(
        job.file.resource_class,
        source or open_job(job),
        Decided(decisions),
        reach_of_check(job) if reach is None else reach,
    )


# What the check found -------------------------------------------------------------------


def open_store(job: Change) -> Store:
    """What the last check of the import found, on other machines with what was decided since.

    Raises ReaderError if it is no longer kept.
    """
    store = open_copy(job)
    if files.are_shared():
        try:
            catch_up(job, store)
        except Whole as error:
            store.close()
            raise _lost() from error
        except BaseException:
            store.close()
            raise
    return store


def open_copy(job: Change) -> Store:
    """The same as this machine has it. Raises ReaderError if it is no longer kept."""
    try:
        return Store(job.file.fetch(job.file.found["store"]))
    except (KeyError, FileNotFoundError) as error:
        raise _lost() from error


def _lost() -> ReaderError:
    return ReaderError(_("What the check found is no longer kept. Check the file again."))


def catch_up(job: Change, store: Store) -> None:
    """Take in what was decided, if it is not yet. Raises Whole where a check has to do it."""
    if ImportFile.objects.values_list("version", flat=True).get(pk=job.pk) != store.version:
        with store.writing():
            take_in_decided(job, store)


def take_in_decided(job: Change, store: Store) -> None:
    """The same in the caller's transaction of the store."""
    version, decisions = decided(job)
    if version == store.version:
        return
    if job.file.options.get("mirror"):
        raise Whole  # any row may be a record that seems to be missing
    start = partial(job_import, job, decisions, reach=reach_of_review(job))
    take_in(store, version, decisions, start)


def put_as_written(job: Change, store: Store) -> dict[str, Any]:
    """Have all machines see what is written, where it is more than the check found.

    Returns the job's `found` as it is then, or {} where it stays as it is.
    """
    found: dict[str, Any] = job.file.found
    if not files.are_shared() or store.version == found.get("version"):
        return {}
    name = f"{STORE}{job.claim}.sqlite3"
    shutil.copyfile(store.path, job.file.directory / name)
    job.file.put(name)
    return found | {"store": name, "version": store.version}
