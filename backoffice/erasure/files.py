"""Files that name a person: uploads, what checks found in them, and files of feeds."""

import contextlib
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from django.conf import settings

from backoffice.changes import files as kept
from backoffice.erasure.names import Names
from backoffice.jobs.feeds import DONE, REJECTED

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1252", "mac_roman", "cp437")
BLOCK, OVERLAP = 1 << 20, 4096  # bytes; an even number
SQLITE = b"SQLite format 3\x00"


def import_folders(names: Names) -> Iterator[str]:
    """The folders of imports with a file that names the person, here or in the storage."""
    found = set()
    for folder in sorted(kept.root().iterdir()) if kept.root().is_dir() else ():
        if any(is_named_in(path, names) for path in folder.rglob("*") if path.is_file()):
            found.add(folder.name)
            yield folder.name
    if not kept.are_shared():
        return
    for key in kept.stored():
        folder_name = key.partition("/")[0]
        if folder_name in found:
            continue
        with (
            tempfile.TemporaryDirectory(dir=settings.DATA_DIR) as scratch,
            contextlib.suppress(FileNotFoundError),  # it went meanwhile
        ):
            path = Path(scratch) / "file"
            kept.copy(key, path)
            if is_named_in(path, names):
                found.add(folder_name)
                yield folder_name


def feed_files(names: Names) -> Iterator[tuple[Path, bool]]:
    """`(file, whether it waits to be imported)` of IMPORT_FOLDER, by its name or content."""
    root = Path(settings.IMPORT_FOLDER) if settings.IMPORT_FOLDER else None
    for path in sorted(root.rglob("*")) if root and root.is_dir() else ():
        if path.is_file() and (names.are_in(path.name) or is_named_in(path, names)):
            yield path, path.parent.name not in (DONE, REJECTED)


def is_named_in(path: Path, names: Names) -> bool:
    """Whether a file names the person, whatever its format and encoding."""
    with path.open("rb") as file:
        start = file.read(len(SQLITE))
    if start == SQLITE:
        return any(names.are_in(text) for text in _rows_of(path))
    if zipfile.is_zipfile(path):
        with contextlib.suppress(zipfile.BadZipFile, NotImplementedError, RuntimeError):
            return _in_archive(path, names)
    with path.open("rb") as file:
        return any(_in_bytes(block, names) for block in _overlapping(file))


def _in_archive(path: Path, names: Names) -> bool:
    """Workbooks are archives; their members are read like files."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if names.are_in(member.filename):
                return True
            with archive.open(member) as file:
                if any(_in_bytes(block, names) for block in _overlapping(file)):
                    return True
    return False


def _overlapping(file: object) -> Iterator[bytes]:
    """The blocks of a file, each with the end of the one before."""
    before = b""
    while block := file.read(BLOCK):  # type: ignore[attr-defined] # any binary file
        yield before + block
        before = block[-OVERLAP:]


def _in_bytes(block: bytes, names: Names) -> bool:
    if names.words:
        plain = block.replace(b"\x00", b"").lower()
        if not any(word.lower().encode() in plain for word in names.words):
            return False
    for encoding in ENCODINGS:
        text = block.decode(encoding, errors="replace")
        # Between the parts of a cell that is formatted stand tags.
        if names.are_in(text) or names.are_in(re.sub(r"<[^<>]{0,200}>", "", text)):
            return True
    return False


def _rows_of(path: Path) -> Iterator[str]:
    """The text of each row of each table."""
    with contextlib.closing(
        sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    ) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in db.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 # our own tables
                yield " \x1f ".join(str(value) for value in row if value is not None)
