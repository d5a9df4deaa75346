"""Check again what decisions touch, and what shares a key with it, against the whole file.

What two rows of a file have to do with each other they have by their match key, or the store
says otherwise (`by_rows`): then all of the file is checked again, as a job.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from hashlib import blake2b

from backoffice.changes.decisions import Decision
from backoffice.imports.decided import ALIKE, Answer, Decided
from backoffice.imports.engine import Import
from backoffice.imports.review.cells import ODD, unpack
from backoffice.imports.review.findings import Keys, write
from backoffice.imports.review.store import UPDATED, Store
from backoffice.readers.records import Record
from backoffice.readers.source import Source
from backoffice.resources.references import split_references

MOST = 20_000  # rows that are checked again at once
CHUNK = 2_000


class Whole(Exception):
    """All of the file has to be checked again."""


class Kept(Source):
    """Rows of the store, as a source of the engine."""

    warnings: list[str] = []  # they were said when the file was read

    def __init__(self, store: Store, lines: Collection[int]) -> None:
        self.store, self.lines = store, sorted(lines)
        self.headers = store.about("headers")
        self.format = store.about("format")
        self.encoding = store.about("encoding")
        self.delimiter = store.about("delimiter")

    def chunks(self, size: int = CHUNK) -> Iterator[list[Record]]:
        for start in range(0, len(self.lines), size):
            rows = self.store.fetch_in(
                "SELECT line, cells, problem FROM rows WHERE line IN {} ORDER BY line",
                self.lines[start : start + size],
            )
            if rows:
                yield [(line, unpack(cells), problem) for line, cells, problem in rows]


def take_in(
    store: Store,
    version: int,
    decisions: Collection[Decision],
    start: Callable[[Kept], Import],
) -> None:
    """Bring what `store` has up to date with the decisions.

    The caller has the store's transaction. start: makes the import of a source, with the
    decisions. Raises Whole.
    """
    old, new = store.decisions(), {each.pk: each.answered for each in decisions}
    taken, gone = set(new.values()) - set(old.values()), set(old.values()) - set(new.values())
    lines: set[int] = set()
    marked = []
    for answered in taken | gone:
        line, field, value, code, answer, _text = json.loads(answered)
        if line is not None:
            lines.add(line)
        elif not code:
            lines |= _having(store, field, value, new.values())
        elif answer == Answer.SKIP:
            marked.append((code, field))
        elif answered in gone or (code == ALIKE and not store.about("asks")):
            raise Whole  # whose rows had this cause, the file alone says
        else:
            lines |= store.lines_of(code, field)
        if len(lines) > MOST:
            raise Whole
    if lines:
        _check_again(store, lines, start)
    skipped = Decided(decisions).skipped
    for cause in marked:
        store.set_aside(cause, skipped)
    store.set_decisions(version, new)


def _having(store: Store, field: str, value: str, answers: Collection[str]) -> set[int]:
    """The lines with a value in a field's column, or with a cell that is read as it."""
    column = next((c for c in store.about("columns") if c["name"] == field), None)
    if column is None:
        return set()
    if column["constant"] is not None:
        raise Whole
    said = [json.loads(answered) for answered in answers]
    lines = {line for line, name, *_v, text in said if name == field and text == value} - {None}
    place = column["index"]
    for line, packed in store.connection.execute(
        "SELECT line, cells FROM rows WHERE instr(cells, ?) OR substr(cells, 1, 1) = ?",
        [value, ODD],
    ):
        cells = unpack(packed)
        if place < len(cells) and value in (
            cells[place].strip(),
            getattr(cells[place], "shown", None),
        ):
            lines.add(line)
            if len(lines) > MOST:
                raise Whole
    return lines


def _check_again(store: Store, lines: set[int], start: Callable[[Kept], Import]) -> None:
    if not store.about("by_rows"):
        raise Whole
    source = Kept(store, lines)
    with start(source) as imported:
        imported.check()
        others = store.lines_with(
            {
                *store.keys_of(lines),
                *Keys(imported).of_lines(sorted(lines)).values(),
            }
            - {None}
        )
        if others <= lines:
            _replace(store, imported, lines)
            return
    lines |= others
    if len(lines) > MOST:
        raise Whole
    with start(Kept(store, lines)) as imported:
        imported.check()
        _replace(store, imported, lines)


def _replace(store: Store, imported: Import, lines: Collection[int]) -> None:
    """Put what was found of these lines in the place of what was found before."""
    before = _removed_links(store, lines)
    known = _sum(store, lines)
    store.forget(lines)
    write(imported, store)
    _mark(store, _sum(store, lines) - known)
    store.count_again()
    after, found = _removed_links(store, lines), store.about("unlinked")
    for name in store.about("links"):
        links, records = found.get(name, (0, 0))
        links += after[name, "links"] - before[name, "links"]
        records += after[name, "records"] - before[name, "records"]
        found[name] = (links, records)
    store.set_about(unlinked={name: numbers for name, numbers in found.items() if numbers[0]})


def _sum(store: Store, lines: Collection[int]) -> int:
    """A number for what is found of these lines."""
    sql = "SELECT line, pk, new, old, seen FROM outcomes WHERE line IN {}"
    texts = (repr(row).encode() for row in store.fetch_in(sql, lines))
    return sum(int.from_bytes(blake2b(text, digest_size=7).digest()) for text in texts)


def _mark(store: Store, difference: int) -> None:
    """Note how far it is from what the check found.

    Machines that take in the same decisions, one by one or all at once, come to the same mark
    if they find the same in the database.
    """
    ((mark,),) = store.fetch("SELECT max(value) FROM about WHERE name = 'mark'")
    store.set_about(mark=int(mark or 0) + difference)


def _removed_links(store: Store, lines: Collection[int]) -> Counter[tuple[str, str]]:
    """How many links the updates of these lines remove, and from how many records, by field."""
    counts: Counter[tuple[str, str]] = Counter()
    if not store.about("links"):
        return counts
    names = [column["name"] for column in store.about("columns")]
    for packed in store.fetch_in(
        f"SELECT new, old FROM outcomes WHERE kind = {UPDATED} AND line IN {{}}", lines
    ):
        new, old = (dict(zip(names, unpack(cells), strict=True)) for cells in packed)
        for name in store.about("links"):
            gone = {*split_references(old[name])} - {*split_references(new[name])}
            counts[name, "links"] += len(gone)
            counts[name, "records"] += bool(gone)
    return counts
