"""Files that are written whole or not at all."""

import os
import tempfile
from contextlib import contextmanager


@contextmanager
def replacing(path):
    """A file to write, in bytes, that takes the place of `path` when complete, or never.

    What a link leads to is replaced, not the link; who may read the file stays as it was.
    Raises OSError where there can be no file.
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


def check_place(path):
    """Raises OSError where `replacing` could not write `path`."""
    if path.exists() and not path.is_file():
        path.open("wb").close()
    else:
        tempfile.TemporaryFile(dir=path.resolve().parent).close()
