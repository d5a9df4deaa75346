"""Rows as delimited text, a chunk at a time."""

import codecs
import csv
import io
import string
from collections.abc import Iterable, Iterator

from backoffice.exports.rows import Rows

# Every file may hold these: an encoding that lacks one can't be used.
SAMPLE = string.ascii_letters + string.digits + ',;\t".\r\n'


def delimited_blocks(
    chunks: Iterable[Rows], *, delimiter: str = ",", encoding: str = "utf-8"
) -> Iterator[bytes]:
    """Yield chunks of rows as bytes; RFC 4180 where delimiter is a comma.

    Each but the last ends one character into a row. A stream that a stop cuts ends with one, as
    a rule, and not every client is told that it was cut: what has come must not look whole.
    """
    encoder = codecs.getincrementalencoder(encoding)()  # a byte order mark comes once
    held = ""
    for rows in chunks:
        before, last = _parted(rows, delimiter)
        if last.startswith(delimiter):  # which alone would be a blank row
            last = f'""{last}'
        yield encoder.encode(held + before + last[:1])
        held = last[1:]
    if rest := encoder.encode(held, True):
        yield rest


def can_write(encoding: str) -> bool:
    """Whether text can be written incrementally in an encoding, and read again."""
    try:
        SAMPLE.encode(encoding)  # fails for codecs that are not for text, such as “hex”
        encoder = codecs.getincrementalencoder(encoding)()
        written = encoder.encode(SAMPLE) + encoder.encode(SAMPLE, True)
        return written.decode(encoding) == 2 * SAMPLE
    except (LookupError, UnicodeError):
        return False


def _parted(rows: Rows, delimiter: str) -> tuple[str, str]:
    """The lines of all rows but the last, and those of the last."""
    if text := _plain_lines(rows, delimiter):
        end = text.rfind("\n", 0, -1) + 1
        return text[:end], text[end:]
    before = _lines(rows[:-1], delimiter) if len(rows) > 1 else ""
    return before, _lines(rows[-1:], delimiter)


def _lines(rows: Rows, delimiter: str) -> str:
    text = io.StringIO(newline="")
    if len(rows[0]) == 1:
        # One column has no delimiters to be known by: "A; B" would be taken for two.
        csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    else:
        csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def _plain_lines(rows: Rows, delimiter: str) -> str | None:
    """As `_lines`, in a third of the time; None if a cell needs quotes."""
    text = "\r\n".join(map(delimiter.join, rows)) + "\r\n"
    width = len(rows[0])
    is_plain = (
        width > 1
        and '"' not in text
        and text.count(delimiter) == len(rows) * (width - 1)
        and text.count("\r") == text.count("\n") == len(rows)
    )
    return text if is_plain else None
