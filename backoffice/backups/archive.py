"""A backup as a file: a tar with the database, the uploads, the key and a manifest.

database            what `databases` wrote: an SQLite file, or a dump of pg_dump
data/imports/…      uploads, and what checks found in them
data/media/…        files of fields
data/secret_key     where DATA_DIR has it
manifest.json       see `Manifest`; the last, since it has the digests of the others
"""

import hashlib
import io
import json
import os
import shutil
import signal
import sqlite3
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

from django.db import DatabaseError
from django.utils.translation import gettext as _

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database"
DATA = "data"
IMPORTS = "imports"  # there, or where `changes.files` has them
#: What of DATA_DIR is kept; the rest is made anew, such as static files.
KEPT = (IMPORTS, "media", "secret_key")
MOST_MANIFEST = 100_000_000  # bytes
CHUNK = 1 << 20


class BackupError(Exception):
    """A sentence for whoever runs the command: why there is no backup, or no restoration."""


@contextmanager
def careful() -> Iterator[None]:
    """Whatever goes wrong is a BackupError, and signals end the block as Ctrl-C does.

    Else copies of all that the site has would stay where `timeout`, systemd, or a terminal that
    is closed ended it. A signal that is ignored, as by `nohup`, stays so.
    """

    def end(number: int, _frame: Any) -> None:
        raise SystemExit(128 + number)

    taken = []
    if threading.current_thread() is threading.main_thread():
        ends = (signal.SIGTERM, signal.SIGHUP)
        taken = [each for each in ends if signal.getsignal(each) is signal.SIG_DFL]
    for each in taken:
        signal.signal(each, end)
    try:
        yield
    except (OSError, DatabaseError, sqlite3.Error) as error:
        raise BackupError(_("It could not be done: %s") % str(error).strip()) from error
    finally:
        for each in taken:
            signal.signal(each, signal.SIG_DFL)


@dataclass
class Manifest:
    """What the backup has.

    vendor: "sqlite" or "postgresql" · rows: by table · migrations: `app.name` of those that
    were applied · digests: SHA-256 of each file, by its name in the tar.
    """

    made_at: str
    vendor: str
    versions: dict[str, str]
    migrations: list[str]
    rows: dict[str, int]
    digests: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    def as_bytes(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def of(cls, content: bytes) -> Self:
        found: dict[str, Any] = json.loads(content)
        if found.get("format") != FORMAT:
            raise BackupError(
                _("This backup is of another format; restore it with the version that made it.")
            )
        return cls(**found)


class Writer:
    """Adds files to a tar and remembers their digests."""

    def __init__(self, tar: tarfile.TarFile, scratch: Path) -> None:
        self.tar, self.scratch = tar, scratch
        self.digests: dict[str, str] = {}

    def add(self, path: Path, name: str) -> None:
        """Add a file as it is now; one that vanishes meanwhile is left out."""
        copy = self.scratch / "file"
        try:
            shutil.copyfile(path, copy)  # its size may change while it is read
        except FileNotFoundError:
            return
        self.move(copy, name)

    def move(self, path: Path, name: str) -> None:
        """Add a file that nobody else writes, and remove it."""
        self.digests[name] = digest(path)
        with path.open("rb") as file:
            info = self.tar.gettarinfo(arcname=name, fileobj=file)
            info.mode, info.uid, info.gid, info.uname, info.gname = 0o600, 0, 0, "", ""
            self.tar.addfile(info, file)
        path.unlink()

    def add_folder(self, folder: Path, name: str) -> None:
        for path in files(folder):
            if path.is_file() and not path.is_symlink():
                self.add(path, f"{name}/{path.relative_to(folder).as_posix()}")

    def finish(self, manifest: Manifest) -> None:
        manifest.digests = self.digests
        content = manifest.as_bytes()
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = len(content), 0o600
        self.tar.addfile(info, io.BytesIO(content))


class Reader:
    """A backup that is read. Raises BackupError where it is none, or damaged."""

    def __init__(self, tar: tarfile.TarFile, path: Path) -> None:
        self.tar, self.path = tar, path
        try:
            member = tar.getmember(MANIFEST)
            file = tar.extractfile(member)
            if file is None or member.size > MOST_MANIFEST:
                raise KeyError
            self.manifest = Manifest.of(file.read())
        except (AttributeError, KeyError, ValueError, TypeError, tarfile.TarError) as error:
            raise BackupError(
                _("%s is no whole backup: it has no manifest at its end.") % path
            ) from error

    def names(self) -> Iterator[str]:
        """The files beside the database. Raises BackupError where one leads elsewhere."""
        for name in self.manifest.digests:
            parts = PurePosixPath(name).parts
            if name == DATABASE:
                continue
            if parts[:1] != (DATA,) or not {*parts[1:2]} & {*KEPT} or ".." in parts:
                raise BackupError(_("The backup has a file where none belongs: %s") % name)
            yield name

    def extract(self, name: str, target: Path) -> None:
        """Write a file of the backup. Raises BackupError if it is not what was backed up."""
        try:
            source: IO[bytes] | None = self.tar.extractfile(name)
        except (KeyError, tarfile.TarError):
            source = None
        if source is None:
            raise BackupError(_("The backup is damaged: %s is missing.") % name)
        with target.open("xb") as file:
            target.chmod(0o600)
            shutil.copyfileobj(source, file, CHUNK)
        if digest(target) != self.manifest.digests[name]:
            raise BackupError(_("The backup is damaged: %s is not what was written.") % name)


def files(folder: Path) -> Iterator[Path]:
    """What lies in a folder, at any depth. Raises OSError where a folder can't be read.

    Path.rglob leaves such a folder out, and says nothing.
    """

    def failed(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # else it vanished meanwhile
            raise error

    for parent, _folders, names in os.walk(folder, onerror=failed):
        yield from (Path(parent, name) for name in sorted(names))


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Raises BackupError if the file can't be read as a backup."""
    try:
        tar = tarfile.open(path, "r:")  # noqa: SIM115 -- closed below
    except (OSError, tarfile.TarError) as error:
        raise BackupError(
            _("%(path)s can't be read: %(why)s") % {"path": path, "why": error}
        ) from error
    with tar:
        yield Reader(tar, path)


@contextmanager
def scratch(beside: Path) -> Iterator[Path]:
    """A folder for its owner alone, on the disk of `beside`, as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=beside) as name:
        yield Path(name)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
