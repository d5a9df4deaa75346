"""Putting a backup back in the place of what is there."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from backoffice.backups.archive import (
    DATA,
    DATABASE,
    IMPORTS,
    BackupError,
    Manifest,
    careful,
    reading,
    scratch,
)
from backoffice.backups.backup import back_up
from backoffice.backups.databases import database, demand_stopped, stamp
from backoffice.changes import files
from backoffice.changes.models import Change
from backoffice.jobs import workers
from backoffice.jobs.care import BACK, TASKS
from backoffice.machines import Shared
from backoffice.outages import removed_if_it_fails
from backoffice.sessions.models import Session


@careful()
def verify(path: Path) -> Manifest:
    """Read the whole backup, restore its database elsewhere and compare.

    Raises BackupError if anything of it is not what was backed up.
    """
    with reading(path) as backup, scratch(path.parent) as own:
        _demand_kind(backup.manifest)
        for name in backup.names():
            backup.extract(name, own / "file")
            (own / "file").unlink()
        copy = own / DATABASE
        backup.extract(DATABASE, copy)
        names = sorted(backup.manifest.rows)
        found = database().verify(copy, own, names)
        for name in names:
            if found[name] != backup.manifest.rows[name]:
                numbers = (name, found[name], backup.manifest.rows[name])
                raise BackupError(_("%s has %d rows, and had %d in the backup.") % numbers)
        return backup.manifest


@careful()
def restore(path: Path, *, keep_present: bool = True) -> list[str]:
    """Replace the database and its files by those of the backup; returns what was done.

    keep_present: back up what is there first, beside `path`. Nobody may use the site
    meanwhile. Raises BackupError; then all is as it was, but that more uploads may lie there,
    or the error says that it was replaced.
    """
    said: list[str] = []
    with reading(path) as backup, scratch(path.parent) as own:
        kind, manifest = database(), backup.manifest
        _demand_kind(manifest)
        _demand_known(manifest)
        _demand_owner()
        demand_stopped(kind)
        if keep_present and _is_there():
            said.append(_("What was there is kept in %s.") % back_up(path.parent))
            kind.demand_quiet()
        copy = own / DATABASE
        backup.extract(DATABASE, copy)
        own_files = own / DATA
        for name in backup.names():
            target = own / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            backup.extract(name, target)
        _put_files(own_files)
        if aside := kind.replace(copy):
            said.append(_("The database that was there lies in %s.") % aside)
        _put_key(own_files / "secret_key")
    try:
        if _behind():  # what follows, and the site, need the tables of this version
            call_command("migrate", interactive=False, verbosity=0)
            said.append(_("The backup was of an older version: it was brought up to date."))
        return said + settle()
    except (OSError, DatabaseError) as error:
        words = _(
            "The backup is in its place, but the site is not ready: %s. Mend that, and restore"
            " once more before you start it."
        )
        raise BackupError(" ".join([*said, words % str(error).strip()])) from error


def settle() -> list[str]:
    """What was going on when the backup was made goes on only if somebody says so.

    Sessions end: some of them may have been ended since by their owners.
    """
    said = []
    with transaction.atomic():
        waiting = DBTaskResult.objects.filter(
            task_path__in=TASKS, status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING]
        )
        waiting.delete()
        stopped = Change.objects.exclude(waiting="").update(waiting="")
        for job in Change.objects.filter(status__in=BACK).order_by("pk"):
            job.give_up(_("It was going on when the backup was made. Start it again."))
            stopped += 1
        kind, status = Change.Kind, Change.Status
        undos = Change.objects.filter(kind=kind.UNDO, status=status.CHECKED)
        exports = Change.objects.filter(kind=kind.EXPORT, status=status.UPLOADED)
        for job in (undos | exports).order_by("pk"):
            job.give_up(_("It was waiting when the backup was made. Start it again."))
            stopped += 1
        if stopped:
            said.append(
                _("%d imports, exports and undos were going on; they wait to be asked for.")
                % stopped
            )
        Session.objects.all().delete()
        Shared.objects.all().delete()  # the first that starts sets it anew, maybe elsewhere
        workers.Worker.objects.all().delete()  # as they were when the backup was made
        said.append(_("Everybody has to sign in again."))
    return said


def _put_files(source: Path) -> None:
    """Move what the backup has of DATA_DIR to its place. Folders of imports have own names."""
    for path in sorted(source.rglob("*")):
        if not path.is_file() or path.name == "secret_key":
            continue
        inside = path.relative_to(source)
        target = Path(settings.DATA_DIR) / inside
        if inside.parts[0] == IMPORTS:
            target = files.root() / inside.relative_to(IMPORTS)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _put(path, target)
        if inside.parts[0] == IMPORTS:
            _give(*inside.relative_to(IMPORTS).parts)


def _give(folder: str, *names: str) -> None:
    """Put an upload into the storage, if it is elsewhere and hasn't it."""
    name = "/".join(names)
    try:
        if name and files.are_shared() and not files.has(folder, name):
            files.put(folder, name)
    except OSError as error:
        raise BackupError(_("The uploads could not be put back: %s") % error) from error


def _put_key(path: Path) -> None:
    """The key signs what the backup's database has signed; the present one is kept aside."""
    target = Path(settings.DATA_DIR) / path.name
    if not path.exists() or (target.exists() and target.read_bytes() == path.read_bytes()):
        return
    if target.exists():
        target.rename(target.with_name(f"{path.name}.replaced-{stamp()}"))
    _put(path, target)


def _put(path: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name}.restored")
    with removed_if_it_fails(draft):
        shutil.move(path, draft)  # maybe from another disk
        draft.replace(target)


def _is_there() -> bool:
    """Whether there is something to keep. Raises BackupError if that can't be read."""
    try:
        return "django_migrations" in connection.introspection.table_names()
    except DatabaseError as error:
        raise BackupError(
            _("What is there can't be backed up: %s. To go on all the same: --without-backup.")
            % str(error).strip()
        ) from error


def _demand_kind(manifest: Manifest) -> None:
    if manifest.vendor != connection.vendor:
        raise BackupError(
            _(
                "The backup is of %(its)s, and the site runs on %(ours)s. Restore it on"
                " %(its)s, then move it: manage.py move_database."
            )
            % {"its": manifest.vendor, "ours": connection.vendor}
        )


def _demand_known(manifest: Manifest) -> None:
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    apps = {name.partition(".")[0] for name in known}
    newer = [m for m in manifest.migrations if m not in known and m.partition(".")[0] in apps]
    if newer:
        raise BackupError(
            _("The backup is of a newer version, which has %s. Install that first.") % newer[0]
        )


def _demand_owner() -> None:
    """What root put there, the user of the site could not read."""
    folder = Path(settings.DATA_DIR)
    uid = folder.stat().st_uid
    if os.geteuid() == 0 != uid:
        user = f"#{uid}"
        with suppress(KeyError):  # it has no name here
            user = folder.owner()
        raise BackupError(
            _("%(folder)s is of the user %(user)s. Restore as that user: sudo -u %(user)s …")
            % {"folder": folder, "user": user}
        )


def _behind() -> bool:
    loader = MigrationLoader(connection)
    return any(key not in loader.applied_migrations for key in loader.graph.leaf_nodes())
