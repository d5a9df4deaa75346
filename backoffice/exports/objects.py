"""Rows as objects: a JSON list, JSON Lines, or YAML, streamed.

Each has a record a line, written as JSON, which is YAML too where what YAML calls
unprintable is escaped. `imports.objects` reads all three.
"""

import json
import re
from collections.abc import Iterator

from backoffice.exports.rows import Rows, ending_within_rows

_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_encode = json.JSONEncoder(ensure_ascii=False).encode


def object_blocks(
    chunks: Iterator[Rows],
    *,
    start: str = "",
    before: str = "",
    between: str = "\n",
    end: str = "\n",
) -> Iterator[bytes]:
    """Yield the rows below the header as bytes, a chunk at a time: UTF-8.

    start, end: of the file · before: each record · between: records.
    """
    texts = _texts(chunks, start, before, between, end)
    for text in ending_within_rows(texts, after=len(before) + 2):
        yield text.encode()


def _texts(
    chunks: Iterator[Rows], start: str, before: str, between: str, end: str
) -> Iterator[str]:
    (header,) = next(chunks)
    glue = start
    for rows in chunks:
        lines = [_encode(dict(zip(header, row, strict=True))) for row in rows]
        text = (between + before).join(lines)
        if before:
            text = _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
        yield f"{glue}{before}{text}"
        glue = between
    if glue == start:
        yield start or ("[]" if before else "")
    yield end
