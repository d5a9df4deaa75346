"""Rows as delimited text, a chunk at a time."""

import codecs
import csv
import io
import string
from collections.abc import Iterable, Iterator

from backoffice.exports.rows import Rows, ending_within_rows

# Every file may hold these: an encoding that lacks one can't be used.
SAMPLE = string.ascii_letters + string.digits + ',;\t".\r\n'


def delimited_blocks(
    chunks: Iterable[Rows], *, delimiter: str = ",", encoding: str = "utf-8"
) -> Iterator[bytes]:
    """Yield chunks of rows as bytes; RFC 4180 where delimiter is a comma."""
    encoder = codecs.getincrementalencoder(encoding)()  # a byte order mark comes once
    texts = (_plain_lines(rows, delimiter) or _lines(rows, delimiter) for rows in chunks)
    for text in ending_within_rows(texts, after=1):
        yield encoder.encode(text)
    if rest := encoder.encode("", True):
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
