"""Rows as delimited text, line by line."""

import codecs
import csv
from itertools import chain, islice

LINES = 500  # rows joined before they are handed out


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text):
        return text


def delimited_lines(rows, *, delimiter=",", encoding="utf-8"):
    """Yield `rows` as bytes, several rows at a time; RFC 4180 where delimiter is a comma.

    The first row, the header, comes alone and so at once.
    """
    writer = csv.writer(_Echo(), delimiter=delimiter)
    encoder = codecs.getincrementalencoder(encoding)()  # a byte order mark comes once
    rows = iter(rows)
    for size in chain([1], iter(lambda: LINES, None)):
        lines = "".join(map(writer.writerow, islice(rows, size)))
        if not lines:
            return
        yield encoder.encode(lines)
