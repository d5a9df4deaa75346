"""Files of imports, for all machines: each import has a folder of its own.

`STORAGES["imports"]` has them. By default that is DATA_DIR/imports, and no more is to be said.
With another storage, such as a bucket of S3, each machine has copies in DATA_DIR/copies: a file
is written there, put into the storage when it is whole, and fetched by others who need it.
Nothing is changed under its name once it was put, so no copy is out of date. Only in what a
check found, each machine takes in by itself what was decided since: see `jobs.opening`.
"""

import datetime
import errno
import fcntl
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.utils import timezone

from backoffice.outages import demand_room, removed_if_it_fails

logger = logging.getLogger(__name__)

UNUSED = datetime.timedelta(days=1)  # after which a copy goes, or what belongs to no import
#: What `new_folder` and `try_out` make. Others may have something of theirs beside it.
OURS = re.compile(r"[\w-]{43}|tried-[0-9a-f]{16}", re.ASCII)


class NoStorage(OSError):
    """The storage does not answer, or takes nothing."""

    def __init__(self, why: object) -> None:
        super().__init__(errno.EIO, " ".join(str(why).split()))


class LocalStorage(FileSystemStorage):
    """DATA_DIR/imports itself: nothing has to be put or fetched."""

    @property
    def base_location(self) -> str:  # read anew each time
        return str(Path(settings.DATA_DIR) / "imports")

    location = base_location


def root() -> Path:
    """Where the folders of imports are on this machine."""
    return Path(settings.DATA_DIR) / ("copies" if are_shared() else "imports")


def storage() -> Storage:
    return storages["imports"]


def are_shared() -> bool:
    """Whether the files are elsewhere, and this machine has copies."""
    return not isinstance(storage(), LocalStorage)


@contextmanager
def _told() -> Iterator[None]:
    """Whatever says that the storage fails is a NoStorage; each kind has errors of its own."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise NoStorage(error) from error


# A file ---------------------------------------------------------------------------------


def put(folder: str, name: str) -> None:
    """Give all machines a file that is whole on this one."""
    if not are_shared():
        return
    key = f"{folder}/{name}"
    with _told(), (root() / key).open("rb") as file:
        kept = storage().save(key, File(file))
        if kept != key:  # the storage has one of that name, and changes none
            storage().delete(kept)
            raise FileExistsError(key)


def has(folder: str, name: str) -> bool:
    """Whether the storage has a file. Raises NoStorage."""
    with _told():
        return storage().exists(f"{folder}/{name}")


def size(key: str) -> int:
    with _told():
        return storage().size(key)


def fetch(folder: str, name: str) -> Path:
    """The file on this machine; it need not be there if the files are not shared.

    Raises FileNotFoundError if the storage hasn't it, and NoStorage.
    """
    path = root() / folder / name
    if are_shared():
        if not folder:  # they were removed
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        _use(path.parent)  # before it is looked for: else it may be forgotten after that
        if not path.exists():
            forget_unused()
            # Never in the place of a file that somebody has opened meanwhile.
            draft = path.with_name(f".{secrets.token_hex(8)}")
            with removed_if_it_fails(draft):
                copy(f"{folder}/{name}", draft)
                with suppress(FileExistsError):
                    os.link(draft, path)
                draft.unlink()
    return path


def _use(copies: Path) -> None:
    """Have a folder of copies kept for a day from now on."""
    root().mkdir(parents=True, exist_ok=True)
    with _locked(fcntl.LOCK_SH):
        copies.mkdir(mode=0o700, exist_ok=True)
        os.utime(copies)


@contextmanager
def _locked(how: int) -> Iterator[None]:
    """No folder of copies is forgotten while another process says that it uses it."""
    folder = os.open(root(), os.O_RDONLY)
    try:
        fcntl.flock(folder, how)
        yield
    finally:
        os.close(folder)


def copy(key: str, target: Path) -> None:
    """Copy a file of the storage. Raises as `fetch`."""
    with _told(), storage().open(key) as source:
        demand_room(target.parent, source.size)
        with target.open("xb") as file:
            shutil.copyfileobj(source, file, 1 << 20)


# Folders --------------------------------------------------------------------------------


def new_folder() -> str:
    """A name that can't be guessed."""
    return secrets.token_urlsafe(32)


def remove(folder: str) -> None:
    """Remove the files of an import, here and in the storage. Raises NoStorage."""
    shutil.rmtree(root() / folder, ignore_errors=True)
    if are_shared():
        remove_files(folder)
        with _told(), suppress(OSError):
            storage().delete(folder)  # of storages that have folders


def discard(folder: str) -> None:
    """The same, but what the storage does not remove now goes as what belongs to no import."""
    try:
        remove(folder)
    except OSError:
        logger.warning("The storage keeps an import's files for now", exc_info=True)


def remove_files(folder: str, start: str = "", but: str = "\0") -> None:
    """Remove files whose names begin with `start`, but not with `but`."""
    with _told():
        names = {path.name for path in (root() / folder).glob("*")} | set(_listed(folder)[1])
        for name in names:
            if name.startswith(start) and not name.startswith(but):
                (root() / folder / name).unlink(missing_ok=True)
                if are_shared():
                    storage().delete(f"{folder}/{name}")


def stored() -> Iterator[str]:
    """All files of ours in the storage, as `folder/name`."""
    with _told():
        for folder in sorted(_ours()):
            yield from (f"{folder}/{name}" for name in sorted(_listed(folder)[1]))


def strays(named: set[str]) -> list[str]:
    """The folders of ours that belong to no import, and have not been touched for a day."""
    if not are_shared():
        limit = time.time() - UNUSED.total_seconds()
        found = root().iterdir() if root().is_dir() else ()
        ours = [p for p in found if p.name not in named and OURS.fullmatch(p.name)]
        return [p.name for p in ours if p.stat().st_mtime < limit]
    forget_unused()
    with _told():
        return [name for name in _ours() if name not in named and _is_old(name)]


def _is_old(folder: str) -> bool:
    limit = timezone.now() - UNUSED
    return all(
        storage().get_modified_time(f"{folder}/{name}") < limit for name in _listed(folder)[1]
    )


def _ours() -> list[str]:
    """The folders of the storage that are ours."""
    return [folder for folder in _listed("")[0] if OURS.fullmatch(folder)]


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """The folders and the files in a folder."""
    try:
        return storage().listdir(folder)
    except FileNotFoundError:
        return [], []


def forget_unused() -> None:
    """Remove copies that this machine has not used for a day."""
    if not root().is_dir():
        return
    limit, forgotten = time.time() - UNUSED.total_seconds(), []
    with _locked(fcntl.LOCK_EX):
        for path in root().iterdir():
            with suppress(FileNotFoundError):  # its import was removed
                if path.stat().st_mtime < limit:
                    forgotten.append(path.rename(root() / f".{secrets.token_hex(8)}"))
    for path in forgotten:
        shutil.rmtree(path, ignore_errors=True)


# Whether it works -----------------------------------------------------------------------


def reach() -> None:
    """Raise NoStorage, or another OSError, if the storage does not answer."""
    has("there", "is-none")


def try_out() -> None:
    """Put a small file, read it and remove it. Raises as `reach`."""
    folder, name = f"tried-{secrets.token_hex(8)}", "file"
    path = root() / folder / name
    try:
        path.parent.mkdir(mode=0o700, parents=True)
        path.write_bytes(b"a few bytes")
        put(folder, name)
        path.unlink()
        if fetch(folder, name).read_bytes() != b"a few bytes":
            raise NoStorage("it gave back something else than it was given")
    finally:
        remove(folder)
