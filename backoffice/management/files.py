"""Files that are written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file for bytes that replaces `path` when the block ends without an error.

    If `path` is a symbolic link, its target is replaced. An existing file's permissions are
    kept. Raises OSError if the file can't be written.
    """
    if path.exists() and not path.is_file():  # a pipe, /dev/stdout
        with path.open("wb") as file:
            yield file
        return
    path = path.resolve()
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("xb") as file:
            if path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def check_place(path: Path) -> None:
    """Raise OSError if `replacing` could not write `path`."""
    if path.exists() and not path.is_file():
        path.open("wb").close()
    else:
        tempfile.TemporaryFile(dir=path.resolve().parent).close()
