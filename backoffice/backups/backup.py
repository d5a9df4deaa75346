"""Making a backup."""

import platform
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from itertools import chain, count
from pathlib import Path

import django
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.backups.archive import (
    DATA,
    DATABASE,
    IMPORTS,
    KEPT,
    BackupError,
    Manifest,
    Writer,
    careful,
    files,
    scratch,
)
from backoffice.backups.databases import database, stamp
from backoffice.changes import files as shared

NEEDED = ("Django", "django-import-export", "django-simple-history")
SPARE = 50_000_000  # bytes that stay free on the disk


@careful()
def back_up(folder: Path) -> Path:
    """Write a backup of the site into the folder, while the site runs; returns its path.

    Only its owner can read it. Raises BackupError; then nothing is left in the folder.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with scratch(folder) as own:
        return _write(folder, own)


def _write(folder: Path, own: Path) -> Path:
    kind = database()
    _demand_room(folder, 2 * kind.size() + sum(_sizes()))
    draft = own / "backup.tar"
    with tarfile.open(draft, "x:", format=tarfile.PAX_FORMAT) as tar:
        draft.chmod(0o600)
        writer, copy = Writer(tar, own), own / DATABASE
        # The database first: what it knows of a file that goes meanwhile, it can do without.
        rows = kind.copy(copy)
        writer.move(copy, DATABASE)
        for name in KEPT:
            kept = Path(settings.DATA_DIR) / name
            if name == IMPORTS and shared.are_shared():
                _add_stored(writer, own / "copy")
            elif kept.is_dir():
                writer.add_folder(kept, f"{DATA}/{name}")
            elif kept.is_file():
                writer.add(kept, f"{DATA}/{name}")
        writer.finish(
            Manifest(
                made_at=timezone.now().isoformat(),
                vendor=kind.vendor,
                versions=versions(),
                migrations=migrations(),
                rows=rows,
            )
        )
    return draft.replace(_new_name(folder))


def _new_name(folder: Path) -> Path:
    """A file of its own, still empty: two may be made in one second, also at once."""
    name = f"backoffice-{stamp()}"
    for each in chain([name], (f"{name}-{number}" for number in count(2))):
        path = folder / f"{each}.tar"
        with suppress(FileExistsError):
            path.touch(mode=0o600, exist_ok=False)
            return path
    raise AssertionError  # count has no end


def _add_stored(writer: Writer, scratch: Path) -> None:
    """Add the uploads from the storage; one that goes meanwhile is left out."""
    for key in shared.stored():
        with suppress(FileNotFoundError):
            shared.copy(key, scratch)
            writer.move(scratch, f"{DATA}/{IMPORTS}/{key}")


def versions() -> dict[str, str]:
    found = {"Python": platform.python_version(), "Django": django.get_version()}
    return found | {name: metadata.version(name) for name in NEEDED}


def migrations() -> list[str]:
    """Those that were applied, as `app.name`."""
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in applied)


def _sizes() -> Iterator[int]:
    """Of the files that are kept, in bytes."""
    for name in KEPT:
        kept = Path(settings.DATA_DIR) / name
        if name == IMPORTS and shared.are_shared():
            for key in shared.stored():
                with suppress(FileNotFoundError):
                    yield shared.size(key)
            continue
        for path in files(kept) if kept.is_dir() else [kept]:
            with suppress(FileNotFoundError):
                yield path.stat().st_size


def _demand_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        raise BackupError(
            _("%(folder)s has %(free)d MB free, and the backup takes up to %(needed)d MB.")
            % {"folder": folder, "free": free // 10**6, "needed": (needed + SPARE) // 10**6}
        )
