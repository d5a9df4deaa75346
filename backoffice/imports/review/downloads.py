"""What a check found as files for staff, streamed from the store with the decisions taken."""

import codecs
import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.imports.decided import ALIKE, Decided
from backoffice.imports.rejects import (
    Reject,
    delimiter_of_rejects,
    encoding_of_rejects,
    rows_of_rejects,
)
from backoffice.imports.review.cells import unpack
from backoffice.imports.review.store import KINDS, Store
from backoffice.readers.records import Record
from backoffice.resources.formulas import escape_formula

CHUNK = 2_000
UNSEEN = gettext_lazy("It concerns a record that you may not see.")


#: The keys, as text, of those records that may be seen.
Seen = Callable[[Collection[Any]], Collection[str]]


def changes(store: Store, seen: Seen | None = None) -> Iterator[bytes]:
    """The rows that would be written, as CSV: with what is there now beside what would be.

    seen: of updates of other records, only the row's number is told.
    """
    return _csv(_changes(store, seen), "utf-8-sig")


def rejects(store: Store, decided: Decided, seen: Seen | None = None) -> Iterator[bytes]:
    """The rejected rows as CSV, to be mended and imported; with what was typed already.

    seen: other records that a row looks like are not named.
    """
    rows = rows_of_rejects(store.about("headers"), _rejected(store, decided, seen))
    delimiter = delimiter_of_rejects(store.about("delimiter"))
    return _csv(rows, encoding_of_rejects(store.about("encoding")), delimiter)


def _csv(
    rows: Iterable[Sequence[object]], encoding: str, delimiter: str = ","
) -> Iterator[bytes]:
    encoder = codecs.getincrementalencoder(encoding)(errors="replace")
    rows = iter(rows)
    while chunk := list(islice(rows, CHUNK)):
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(chunk)
        yield encoder.encode(text.getvalue())


def _pages(store: Store, sql: str) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of `sql`, which begins with a line and has a place for the last one.

    No transaction is open between the pages, so who downloads slowly keeps nobody waiting.
    """
    after = 0
    while rows := store.fetch(sql, [after]):
        yield rows
        after = rows[-1][0]


def _changes(store: Store, seen: Seen | None) -> Iterator[Sequence[object]]:
    names = [column["name"] for column in store.about("columns")]
    was, blank = [_("%s before") % name for name in names], [""] * len(names)
    yield [_("row"), _("change"), *names, *was]
    for rows in _pages(
        store,
        "SELECT line, kind, new, old, pk FROM outcomes WHERE line > ? AND kind < 2"
        f" ORDER BY line LIMIT {CHUNK}",
    ):
        pks = [row[4] for row in rows if row[4] is not None]
        visible = seen(pks) if seen else None
        for line, kind, new, old, pk in rows:
            if visible is not None and pk is not None and str(pk) not in visible:
                yield [line, KINDS[kind], *blank, *blank]
                continue
            before = blank if old is None else map(escape_formula, unpack(old))
            yield [line, KINDS[kind], *map(escape_formula, unpack(new)), *before]


def _rejected(
    store: Store, decided: Decided, seen: Seen | None
) -> Iterator[tuple[Record, list[Reject]]]:
    places = {column["name"]: column["index"] for column in store.about("columns")}
    for found in _pages(
        store,
        f"""
        SELECT line, cells, rows.problem, field, value, code, message
        FROM problems JOIN rows USING (line)
        WHERE line > ?1 AND line <= (SELECT max(line) FROM (SELECT line FROM problems
            WHERE line > ?1 ORDER BY line LIMIT {CHUNK}) page)
        ORDER BY line, problems.rowid
        """,
    ):
        unnamed = _unnamed(store, [row[0] for row in found if row[5] == ALIKE], seen)
        for (line, cells, problem), problems in groupby(found, itemgetter(0, 1, 2)):
            row = line, unpack(cells), problem
            reasons = [Reject(line, *p[3:]) for p in problems]
            if line in unnamed:
                reasons = [replace(r, message=str(UNSEEN)) for r in reasons]
            yield decided.replaced(row, places), reasons


def _unnamed(store: Store, lines: list[int], seen: Seen | None) -> set[int]:
    """Of rows that look like records, those whose records may not all be seen."""
    if not (lines and seen):
        return set()
    likes = store.fetch_in("SELECT line, pk FROM likes WHERE line IN {}", lines)
    visible = seen({pk for _line, pk in likes})
    return {line for line, pk in likes if str(pk) not in visible}
