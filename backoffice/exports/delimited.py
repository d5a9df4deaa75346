"""Rows as delimited text, a chunk at a time."""

import codecs
import csv
import io


def delimited_blocks(chunks, *, delimiter=",", encoding="utf-8"):
    """Yield chunks of rows as bytes; RFC 4180 where delimiter is a comma."""
    encoder = codecs.getincrementalencoder(encoding)()  # a byte order mark comes once
    for rows in chunks:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter).writerows(rows)
        yield encoder.encode(text.getvalue())
