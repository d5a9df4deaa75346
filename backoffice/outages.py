"""No room, or not there: errors that are nobody's fault in the code, and end by themselves.

A full disk, a file system that takes nothing, a database that is stopped. What they are is
found out in one place, so that pages, jobs and commands say the same of them.
"""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy


@dataclass(frozen=True)
class Outage:
    """code: for scripts · title, text: for people; lazy, and each of whole sentences."""

    code: str
    title: Any
    text: Any


NO_ROOM = Outage(
    "no_room",
    gettext_lazy("The disk is full"),
    gettext_lazy(
        "There is no room left for this, so nothing of it was kept. Those who look after this"
        " site have to make room."
    ),
)
READ_ONLY = Outage(
    "read_only",
    gettext_lazy("Nothing can be written now"),
    gettext_lazy("The place where this site keeps its data takes nothing at the moment."),
)
NO_DATABASE = Outage(
    "no_database",
    gettext_lazy("The database is not there"),
    gettext_lazy("This site can't reach its database at the moment."),
)
NO_FILES = Outage(
    "no_files",
    gettext_lazy("The files are not there"),
    gettext_lazy("This site can't reach the place where it keeps its files at the moment."),
)
NO_QUEUE = Outage(
    "no_queue",
    gettext_lazy("The queue is not there"),
    gettext_lazy("This site can't reach its queue, from which mails are sent, at the moment."),
)

BY_ERRNO = {
    # EFBIG: a process may write no larger files, which is a full disk to it.
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), NO_ROOM),
    errno.EROFS: READ_ONLY,
    **dict.fromkeys(
        (errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.EHOSTDOWN),
        NO_FILES,
    ),
}
#: The package is not in every project.
AWAY = {"redis.exceptions.ConnectionError", "redis.exceptions.TimeoutError"}
#: These may be a fault of the code as well: see `_folder_is_gone`.
IF_GONE = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR)
#: By SQLite's code; if that is not here, by its last byte, which is the kind.
BY_SQLITE = {
    sqlite3.SQLITE_FULL: NO_ROOM,
    sqlite3.SQLITE_IOERR_SHMSIZE: NO_ROOM,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_IOERR: NO_DATABASE,
    sqlite3.SQLITE_CANTOPEN: NO_DATABASE,
}
#: By the beginning of PostgreSQL's SQLSTATE; the longest that fits says it.
BY_SQLSTATE = {
    "08": NO_DATABASE,  # the connection broke, or there was none
    "25P03": NO_DATABASE,  # nothing was done in a transaction for DATABASE_IDLE_SECONDS
    "25006": READ_ONLY,  # a standby, or a database that was set so
    "53100": NO_ROOM,
    "53": NO_DATABASE,  # memory, connections
    "57P": NO_DATABASE,  # it stops, starts or has crashed
    "58": NO_DATABASE,  # its own disk fails
}


class NoRoom(OSError):
    """Less than DATA_MIN_FREE would stay free."""

    def __init__(self, folder: Path) -> None:
        super().__init__(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def free_bytes(folder: Path) -> int:
    """How much may still be written there. Raises OSError where nobody can tell."""
    free: int = shutil.disk_usage(folder).free - settings.DATA_MIN_FREE
    return free


def demand_room(folder: Path, size: int = 0) -> None:
    """Raise NoRoom if `size` bytes more in the folder would leave less than is to stay free."""
    if free_bytes(folder) < size:
        raise NoRoom(folder)


@contextmanager
def removed_if_it_fails(path: Path) -> Iterator[Path]:
    """What the block writes there, a file or a folder, is gone if it raises."""
    try:
        yield path
    except BaseException:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        raise


def outage_of(error: BaseException | None) -> Outage | None:
    """What is full, or not there, if that is why the error was raised."""
    return next((found for each in _behind(error) if (found := _outage(each))), None)


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it was raised for, or while they were handled."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        yield error
        seen.append(error)
        error = error.__cause__ or error.__context__


def _outage(error: BaseException) -> Outage | None:
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0)  # 0: Python's own
        return BY_SQLITE.get(code) or BY_SQLITE.get(code & 0xFF)
    if isinstance(error, OSError):
        if error.errno in IF_GONE and _folder_is_gone():
            return NO_FILES
        return BY_ERRNO.get(error.errno or 0)
    names = {f"{each.__module__}.{each.__name__}" for each in type(error).mro()}
    if names & AWAY:
        return NO_QUEUE
    if hasattr(error, "sqlstate"):  # psycopg's, which not every project has
        return _by_sqlstate(error)
    return None


def _by_sqlstate(error: Any) -> Outage | None:
    if error.sqlstate is None:  # nobody answered who could have said it
        names = {each.__name__ for each in type(error).mro()}
        return NO_DATABASE if names & {"OperationalError", "InterfaceError"} else None
    fits = [begin for begin in BY_SQLSTATE if error.sqlstate.startswith(begin)]
    return BY_SQLSTATE[max(fits, key=len)] if fits else None


def _folder_is_gone() -> bool:
    """Whether DATA_DIR itself can't be written, as where its share is not mounted."""
    return not os.access(settings.DATA_DIR, os.W_OK | os.X_OK)
