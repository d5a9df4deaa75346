"""Feeds: a file that is put into IMPORT_FOLDER/PROFILE is imported as that profile says.

    IMPORT_FOLDER/PROFILE/file → an import → done/ or rejected/, with a report beside it

A round takes the file that came first one step further: it is stored as an import, checked,
written, moved. All that a round knows is in the database: `ImportFile.feed` names the file
from the moment it is stored until it is moved, and is unique. So a worker that is killed
loses nothing, and two that look at the same folder write nothing twice; only a mail may come
twice. One file at a time, in the order they came: what a file says may rest on the one before.
"""

import contextlib
import datetime
import hashlib
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_permission_codename
from django.core.mail import send_mail
from django.db import IntegrityError
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.changes.models import Change, ImportFile
from backoffice.changes.profiles import Profile
from backoffice.jobs import tasks
from backoffice.jobs.opening import fetch_upload
from backoffice.jobs.reports import report_of
from backoffice.jobs.steps import REJECTS, create_job, download
from backoffice.languages import read_by
from backoffice.readers.source import ReaderError

logger = logging.getLogger(__name__)

Status = Change.Status
DONE, REJECTED = "done", "rejected"
PARTIAL = (".part", ".partial", ".tmp", ".crdownload", ".filepart", "~")  # still being written
MOST_TRIES = 3  # of an import whose records were changed between its check and its writing
RUNNING = (Status.CHECKING, Status.APPLYING)


@dataclass(frozen=True)
class Outcome:
    """What became of a file: where it is now, and the report about it."""

    path: Path
    is_rejected: bool
    report: str


@dataclass(frozen=True)
class Waiting:
    """A file that waits to be imported. came: when it was last written or moved."""

    came: float
    path: Path
    profile: Profile


def look(*, at_once: bool = False) -> list[Outcome]:
    """One round: take the file that came first further, and return those that were moved.

    at_once: run the steps here instead of in the queue, until no file waits any more.
    """
    outcomes: list[Outcome] = []
    if not settings.IMPORT_FOLDER:
        return outcomes
    while True:
        opened = ImportFile.objects.exclude(feed=None).select_related("change")
        for file in opened.order_by("pk"):
            try:
                with read_by(file.change.user):
                    outcome = _follow(file, at_once=at_once)
            except OSError as error:
                logger.error(
                    "A feed can't move the file of import %s: %s", file.pk, error.strerror
                )
                continue  # what it says is written; the next may follow
            if outcome is None:
                return outcomes  # it runs, or waits for the worker
            outcomes.append(outcome)
        if not _take_next(outcomes):
            return outcomes


def unknown_folders() -> list[str]:
    """The folders in IMPORT_FOLDER whose files nobody imports: no profile has their name."""
    with os.scandir(settings.IMPORT_FOLDER) as entries:
        names = {entry.name for entry in entries if entry.is_dir()}
    return sorted(names - set(Profile.objects.values_list("name", flat=True)))


# Which files ----------------------------------------------------------------------------


def waiting(now: datetime.datetime) -> list[Waiting]:
    """The files that are to be imported at the time `now`, the one that came first first."""
    found = []
    for profile in Profile.objects.select_related("owner"):
        folder = Path(settings.IMPORT_FOLDER) / profile.name
        is_within = "/" not in profile.name and profile.name not in (".", "..")
        if is_within and folder.is_dir():
            came_before = _came_before(profile, now).timestamp()
            found += [
                Waiting(came, path, profile)
                for came, path in _files(folder)
                if came <= came_before
            ]
    return sorted(found, key=lambda each: (each.came, each.path, each.profile.pk))


def _came_before(profile: Profile, now: datetime.datetime) -> datetime.datetime:
    """The time before which a file must have come: it is whole, and its time has come."""
    quiet = now - datetime.timedelta(seconds=settings.IMPORT_FOLDER_QUIET_SECONDS)
    if profile.run_at is None:
        return quiet
    local = timezone.localtime(now)
    at = datetime.datetime.combine(local.date(), profile.run_at, tzinfo=local.tzinfo)
    if at > local:
        at -= datetime.timedelta(days=1)
    return min(quiet, at)


def _files(folder: Path) -> Iterator[tuple[float, Path]]:
    """The files of a folder, each with when it came; not those still being written."""
    with os.scandir(folder) as entries:
        for entry in entries:
            is_partial = entry.name.startswith((".", "~")) or entry.name.endswith(PARTIAL)
            # A link could lead to any file that the worker can read.
            if entry.is_file(follow_symlinks=False) and not is_partial:
                # Not mtime: programs that copy set it to that of the original.
                yield entry.stat(follow_symlinks=False).st_ctime, Path(entry.path)


# From a file to an import ---------------------------------------------------------------


def _take_next(outcomes: list[Outcome]) -> bool:
    """Store the next file as an import, if there is one; refuse those that can't be one."""
    for each in waiting(timezone.now()):
        try:
            with read_by(each.profile.owner):
                if problem := _refusal(each):
                    outcomes.append(_refuse(each, problem))
                elif _take(each):
                    return True
        except FileNotFoundError:
            continue  # somebody else moved it
        except OSError as error:
            # Not its name: that may be somebody's.
            logger.error("The feed %s can't use a file: %s", each.profile, error.strerror)
    return False


def _refusal(each: Waiting) -> str:
    """Why the file can't be imported, whatever is in it; "" if it can."""
    profile, owner = each.profile, each.profile.owner
    named = Profile.objects.filter(name=profile.name).order_by("model")
    if len(models := named.values_list("model", flat=True)) > 1:
        said = _("Several profiles have this name (%s). Rename all but one.")
        return said % ", ".join(models)
    if each.path.name != _as_text(each.path.name):
        return _("The file's name has characters that are no text. Rename it.")
    if each.path.stat().st_size > settings.IMPORT_MAX_BYTES:
        most: int = settings.IMPORT_MAX_BYTES
        return _("The file is larger than %d bytes.") % most
    if profile.options.get("mirror"):
        return _(
            "The profile deletes records that the file lacks, which somebody has to confirm."
            " Import the file on the page."
        )
    if owner is None or not owner.is_active:
        return _("The profile has no owner who could be told. Save it again on the page.")
    try:
        opts = profile.resource_class._meta.model._meta
    except ImportError:
        return (
            _("There is no longer a resource %s, which the profile names.") % profile.resource
        )
    for action in ("add", "change"):
        codename = get_permission_codename(action, opts)
        if not owner.has_perm(f"{opts.app_label}.{codename}"):
            return _("The profile's owner, %(owner)s, may no longer import %(names)s.") % {
                "owner": owner,
                "names": opts.verbose_name_plural,
            }
    return ""


def _as_text(name: str) -> str:
    """A file's name without bytes that are in no encoding, which no database stores."""
    return name.encode(errors="replace").decode()


def _take(each: Waiting) -> bool:
    """Store the file as an import; not if it is still being written, or another was first."""
    before = _state(each.path)
    try:
        with each.path.open("rb") as source:
            job = create_job(
                each.profile.resource_class,
                iter(lambda: source.read(1 << 20), b""),
                file_name=each.path.name,
                user=each.profile.owner,
                feed=str(each.path.relative_to(settings.IMPORT_FOLDER)),
                **{**each.profile.options, "profile": each.profile.name},
            )
    except IntegrityError:
        return False
    if _state(each.path) != before:
        job.file.remove()
        job.delete()
        return False
    return True


def _state(path: Path) -> tuple[int, int, int] | None:
    """None where it is no longer there: another worker has moved it."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


# From an import to its end --------------------------------------------------------------


def _follow(file: ImportFile, *, at_once: bool) -> Outcome | None:
    """Take the import further; None if a step is still to run."""
    while True:
        job = file.change
        job.refresh_from_db()
        status = Status(job.status)
        if status in RUNNING or (job.waiting and not at_once):
            return None
        if status == Status.UPLOADED and (last := _is_same_as_last(file)):
            job.cancel()
            message = _("This very file was imported last, as import %d. Nothing was written.")
            Change.objects.filter(pk=job.pk).update(error=message % last.pk)
        elif status == Status.UPLOADED:
            _run(tasks.check, job, at_once=at_once)
        elif status == Status.CHECKED and job.is_applicable and not _waits(job):
            _run(tasks.apply, job, at_once=at_once)
        elif status == Status.CHECKED and not (job.is_applicable or job.rejected):
            # It says nothing new.
            Change.objects.filter(pk=job.pk).move(status, to=Status.DONE)
        elif status == Status.FAILED and job.rows is not None and _tries_again(file):
            continue
        else:
            return _file_away(file)


def _run(task: Any, job: Change, *, at_once: bool) -> None:
    if at_once:
        task.call(job.pk)
    else:
        tasks.enqueue(task, job)


def _waits(job: Change) -> bool:
    """Whether it is for staff to write: they went on with it, or it takes a second person."""
    return job.file.was_touched or tasks.needs_another(job, job.user)


def _is_same_as_last(file: ImportFile) -> Change | None:
    """The last import by this profile, if it was of the very same file and still stands.

    To write it again would take back what staff edited since.
    """
    name = file.options["profile"]
    done = Change.objects.filter(model=file.change.model, status=Status.DONE)
    last = done.filter(file__options__profile=name).order_by("-pk").first()
    return last if last and last.file.sha256 == file.sha256 else None


def _tries_again(file: ImportFile) -> bool:
    """Check it again if it failed when it was written: records may have changed since."""
    tries = file.options.get("tries", 1)
    if tries >= MOST_TRIES:
        return False
    file.options["tries"] = tries + 1
    file.save(update_fields=["options"])
    failed = Change.objects.filter(pk=file.pk)
    failed.move(Status.FAILED, to=Status.UPLOADED, rows=None, error="")
    return True  # or another worker has seen to it meanwhile


def _file_away(file: ImportFile) -> Outcome:
    """Move the file to done/ or rejected/, its report beside it; tell the profile's owner."""
    job = file.change
    assert file.feed is not None  # noqa: S101
    path = Path(settings.IMPORT_FOLDER) / file.feed
    is_rejected = job.status == Status.FAILED
    is_rejected |= job.status == Status.CHECKED and not job.is_applicable
    is_rejected |= job.status == Status.CANCELLED and not job.error
    target = _place(path, is_rejected, str(job.pk))
    report = report_of(job)
    _report_path(target).write_text(report, encoding="utf-8")
    if job.rejected:
        with target.with_name(f"{target.stem}.rejects.csv").open("wb") as rows:
            rows.writelines(_rejects(file))
    _move(path, target, file)
    mine = ImportFile.objects.filter(pk=file.pk, feed=file.feed)
    if mine.exists() and (is_rejected or job.rejected or job.is_applicable):
        profile = Profile.objects.filter(model=job.model, name=file.options["profile"]).first()
        if profile:
            _mail(profile, path.name, report)
    mine.update(feed=None)  # last: who is killed before is followed by one who does it again
    return Outcome(target, is_rejected, report)


def _place(path: Path, is_rejected: bool, mark: str) -> Path:
    """Where a file goes. mark: tells it from others of its name."""
    folder = path.parent / (REJECTED if is_rejected else DONE)
    folder.mkdir(exist_ok=True)
    stem = os.fsencode(path.stem)[:180].decode(errors="replace")  # names have 255 bytes
    return folder / f"{stem}-{mark}{path.suffix[:20]}"


def _move(path: Path, target: Path, file: ImportFile) -> None:
    """Move what was imported; what has taken its place since stays, as the next file."""
    try:
        path.rename(target)
    except FileNotFoundError:
        return  # moved before, by a worker that was killed then, or by another one
    with target.open("rb") as moved:
        if hashlib.file_digest(moved, "sha256").hexdigest() == file.sha256:
            return
    while path.exists():
        path = path.with_name(f"{path.stem}-new{path.suffix}")
    target.rename(path)
    with contextlib.suppress(ReaderError):  # it is no longer kept
        shutil.copyfile(fetch_upload(file), target)


def _rejects(file: ImportFile) -> Iterator[bytes]:
    """The rejects file; empty if what the check found is no longer kept."""
    with contextlib.suppress(ReaderError):
        yield from download(file.change, REJECTS)


def _refuse(each: Waiting, problem: str) -> Outcome:
    """Move a file that no import was made of to rejected/, with the reason beside it."""
    came = datetime.datetime.fromtimestamp(each.came, tz=timezone.get_current_timezone())
    target = _place(each.path, True, came.strftime("%Y%m%dT%H%M%S%f"))
    report = _("Rejected: %s") % problem + "\n"
    _report_path(target).write_text(report, encoding="utf-8")
    _mail(each.profile, _as_text(each.path.name), report)
    each.path.rename(target)  # last, as a file that still lies there is refused again
    return Outcome(target, True, report)


# What is said about it ------------------------------------------------------------------


def _report_path(target: Path) -> Path:
    return target.with_name(f"{target.stem}.report.txt")


def _mail(profile: Profile, name: str, report: str) -> None:
    """Tell the profile's owner; a mail that can't be sent stops nothing."""
    address = getattr(profile.owner, "email", "")
    if not (profile.mail and address):
        return
    subject = _("Feed %(profile)s: %(file)s was not imported as a whole")
    subject %= {"profile": profile, "file": name}
    try:
        send_mail(" ".join(subject.split()), report, None, [address])
    except Exception:
        logger.exception("The mail about a file of the feed %s was not sent", profile)
