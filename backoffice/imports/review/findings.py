"""What a check found, from the staging into the store; and whether it is still so."""

import contextlib
import functools
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from backoffice.imports.checks import REPEAT
from backoffice.imports.checksums import checksums
from backoffice.imports.decided import ALIKE
from backoffice.imports.preview import Planned, converted, read_changes, read_planned
from backoffice.imports.rejects import Reject
from backoffice.imports.review import store as kinds
from backoffice.imports.review.cells import pack_all, unpack
from backoffice.imports.review.store import Store
from backoffice.querysets.reading import collector_paused
from backoffice.resources.references import ReferenceKey

if TYPE_CHECKING:
    from backoffice.imports.engine import Import

CHUNK = 5_000
BEAT = 2  # seconds
NAMED = 3  # rows that a sentence names
MOST_CAUSES = 10_000  # of more, those with the same code and field are one
KINDS = {"new": kinds.NEW, "updated": kinds.UPDATED, "unchanged": kinds.UNCHANGED}
SUMS = "count(*), sum(line), sum((line * 2654435761) %% 2147483647)"


# Writing --------------------------------------------------------------------------------


def write(
    imported: "Import",
    store: Store,
    *,
    texts: bool = True,
    beat: Callable[[], object] | None = None,
) -> None:
    """Put what was found of the staged rows into `store`.

    texts: without them, only what `moved` needs · beat: called every BEAT seconds.
    """
    last = time.monotonic()
    with collector_paused():
        keys = Keys(imported)
        for planned in read_planned(imported, beside=keys.columns, texts=texts):
            store.add_outcomes(list(_outcomes(planned, keys)))
            if beat and time.monotonic() > last + BEAT:
                beat()
                last = time.monotonic()
        _write_rejects(imported, store, keys)
        _write_repeats(imported, store, keys)
        _write_beside(imported, store)


class Keys:
    """A number of each row that rows share whose match keys may be the same."""

    def __init__(self, imported: "Import") -> None:
        self.table, self.rows = imported.table, imported.checks.rows
        self.has_looks = bool(imported.staging.texts)
        #: Columns of `Rows.staged()` that it is made of.
        self.columns: Sequence[str] = (
            ["look_"] if self.has_looks else imported.checks.key_columns
        )
        if self.rows.is_cleaned:  # by the model, which may have changed the key
            self.columns = []

    def of(self, rows: Sequence[tuple[Any, ...]]) -> list[int | None]:
        """rows: values of `columns`."""
        if not self.columns:
            return [None] * len(rows)
        if self.has_looks:
            return [look for (look,) in rows]
        return [
            None if None in values else zlib.crc32(repr(values).encode()) for values in rows
        ]

    def of_lines(self, lines: Sequence[int]) -> dict[int, int | None]:
        """Of these staged rows, whether they were rejected or not."""
        if not self.columns or not lines:
            return {}
        marks = ", ".join(["%s"] * len(lines))
        found = self.table.fetch(
            f"SELECT line_, {', '.join(self.columns)}"
            f" FROM ({self.rows.staged(every=True)}) staged WHERE line_ IN ({marks})",
            lines,
        )
        numbers, *values = zip(*found, strict=True) if found else [()]
        return dict(zip(numbers, self.of(list(zip(*values, strict=True))), strict=True))


def _outcomes(planned: Planned, keys: Keys) -> Iterable[tuple[Any, ...]]:
    """Rows of the store's `outcomes`."""
    lines, count = planned.lines, len(planned.lines)
    new: Iterable[str | None] = pack_all(planned.new)
    if len(planned.new) < count:
        of_place = dict(zip(planned.changed, new, strict=False))
        new = [of_place.get(place) for place in range(count)]
    pks: Iterable[Any] = planned.pks
    old: Iterable[str | None] = repeat(None, count)
    seen: Iterable[int | None] = repeat(None, count)
    if any(pk is not None for pk in planned.pks):
        packed = dict(zip(planned.old, pack_all(list(planned.old.values())), strict=True))
        old = [packed.get(pk) for pk in planned.pks]
        seen = list(map(planned.seen.get, lines))
        pks = map(_key, planned.pks)
    kinds_ = map(KINDS.__getitem__, planned.actions)
    return zip(lines, kinds_, keys.of(planned.beside), pks, new, old, seen, strict=True)


def _key(pk: Any) -> Any:
    """A primary key as the store has it."""
    return pk if pk is None or isinstance(pk, int) else str(pk)


def _write_rejects(imported: "Import", store: Store, keys: Keys) -> None:
    causes = Causes(store)
    by_line = groupby(imported.rejects(), key=lambda reject: reject.line)
    rejected = ((line, list(found)) for line, found in by_line)
    while chunk := list(islice(rejected, CHUNK)):
        of_line = keys.of_lines([line for line, _found in chunk])
        store.add_outcomes(
            [
                (line, _kind(imported, found), of_line.get(line), None, None, None, None)
                for line, found in chunk
            ]
        )
        store.insert(
            "problems",
            [
                (r.line, causes.number(r), r.field, r.value, r.code, r.message)
                for _line, found in chunk
                for r in found
            ],
            6,
        )


def _kind(imported: "Import", found: list[Reject]) -> int:
    if imported.decided.sets_aside((reject.code, reject.field) for reject in found):
        return kinds.ASIDE
    return kinds.ALIKE if {reject.code for reject in found} == {ALIKE} else kinds.REJECTED


class Causes:
    """The numbers of what was found to be wrong in the same way."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.numbers: dict[tuple[str, str, str], int] = {
            (code, field, message): number
            for number, code, field, message in store.fetch(
                "SELECT number, code, field, message FROM causes"
            )
        }

    def number(self, reject: Reject) -> int:
        cause = reject.code, reject.field, reject.cause
        if cause not in self.numbers and len(self.numbers) >= MOST_CAUSES:
            cause = reject.code, reject.field, ""
        if cause not in self.numbers:
            self.numbers[cause] = len(self.numbers) + 1
            self.store.connection.execute(
                "INSERT INTO causes (number, code, field, message) VALUES (?, ?, ?, ?)",
                [self.numbers[cause], *cause],
            )
        return self.numbers[cause]


def _write_repeats(imported: "Import", store: Store, keys: Keys) -> None:
    """Rows that say nothing new after an earlier one."""
    for lines in _lines(
        imported, f"SELECT line FROM {imported.staging.rejects} WHERE code = '{REPEAT}'"
    ):
        of_line = keys.of_lines(lines)
        store.add_outcomes(
            [(n, kinds.UNCHANGED, of_line.get(n), None, None, None, None) for n in lines]
        )


def _lines(imported: "Import", sql: str) -> Iterator[list[int]]:
    after = 0
    while found := imported.table.fetch(
        f"SELECT DISTINCT line FROM ({sql}) found WHERE line > %s ORDER BY line"
        f" LIMIT {CHUNK:d}",
        [after],
    ):
        yield [line for (line,) in found]
        after = found[-1][0]


def _write_beside(imported: "Import", store: Store) -> None:
    """The repairs, the records that rows look like, and what references mean."""
    staging = imported.staging
    for lines in _lines(imported, f"SELECT line FROM {staging.repairs}"):
        between = "WHERE line BETWEEN %s AND %s"
        found = imported.table.fetch(
            f"SELECT line, field, value, repaired FROM {staging.repairs} {between}",
            [lines[0], lines[-1]],
        )
        store.insert("repairs", found, 4)
    asking = f"SELECT line FROM {staging.rejects} WHERE code = '{ALIKE}'"
    for lines in _lines(imported, asking):
        found = imported.table.fetch(
            f"SELECT line, pk FROM {staging.found} WHERE line BETWEEN %s AND %s"
            f" AND line IN ({asking})",
            [lines[0], lines[-1]],
        )
        pks = converted(imported.connection, imported.table.pk_field, [pk for _n, pk in found])
        likes = [(line, _key(pk)) for (line, _pk), pk in zip(found, pks, strict=True)]
        store.insert("likes", likes, 2)
    for refs in _references(imported):
        store.connection.executemany("INSERT OR REPLACE INTO refs VALUES (?, ?, ?)", refs)


def _references(imported: "Import") -> Iterator[list[tuple[str, str, str]]]:
    """What the references of the rows mean: `(field, text, target)`."""
    for column in [*imported.staging.references, *imported.staging.links]:
        after = ""
        while found := imported.table.fetch(
            f"SELECT ref, target FROM {imported.staging.targets(column)}"
            f" WHERE line IS NULL AND ref > %s ORDER BY ref LIMIT {CHUNK:d}",
            [after],
        ):
            yield [(column.name, ref, str(target)) for ref, target in found]
            after = found[-1][0]


# Comparing ------------------------------------------------------------------------------


@contextlib.contextmanager
def remembered(imported: "Import") -> Iterator[Callable[["Import"], list[str] | None]]:
    """What the check found, kept as long as the block lasts: `moved`, to be called later."""
    with tempfile.TemporaryDirectory() as folder, Store.create(Path(folder) / "found") as store:
        write(imported, store, texts=False)
        yield functools.partial(moved, store=store)


def moved(imported: "Import", store: Store) -> list[str] | None:
    """Sentences about the first rows that would write something else than `store` has.

    None where all is as it was shown. The caller holds the transaction that writes.
    """
    is_same = _same_kinds(imported, store) and _same_references(imported, store)
    with collector_paused():
        lines = _moved_lines(imported, store)
    if lines:
        marks = ", ".join("?" * len(lines))
        was = dict(
            store.fetch(f"SELECT line, old FROM outcomes WHERE line IN ({marks})", lines)
        )
        return [_sentence(imported, line, was.get(line)) for line in lines]
    if is_same:
        return None
    return [_("Other rows are new, or what rows refer to is another record now.")]


def _same_kinds(imported: "Import", store: Store) -> bool:
    """Whether the same rows write nothing."""
    rejects = f"FROM {imported.staging.rejects} WHERE code"
    planned = f"SELECT line FROM {imported.staging.plan} WHERE action = 'unchanged'"
    for rows, of_store in (
        (f"{planned} UNION ALL SELECT line {rejects} = '{REPEAT}'", "= 2"),
        (f"SELECT DISTINCT line {rejects} <> '{REPEAT}'", "> 2"),
    ):
        (found,) = imported.table.fetch(f"SELECT {SUMS} FROM ({rows}) counted")
        (kept,) = store.fetch(
            f"SELECT {SUMS} FROM outcomes WHERE kind {of_store}".replace("%%", "%")
        )
        if [int(n or 0) for n in found] != [int(n or 0) for n in kept]:
            return False
    return True


def _same_references(imported: "Import", store: Store) -> bool:
    for refs in _references(imported):
        marks = ", ".join("?" * len(refs))
        kept = dict(
            store.fetch(
                f"SELECT ref, target FROM refs WHERE field = ? AND ref IN ({marks})",
                [refs[0][0], *(ref for _field, ref, _target in refs)],
            )
        )
        if any(kept.get(ref) != target for _field, ref, target in refs):
            return False
    return True


def _moved_lines(imported: "Import", store: Store) -> list[int]:
    kept = store.connection.execute(
        "SELECT line, seen FROM outcomes WHERE kind = ? ORDER BY line", [kinds.UPDATED]
    )
    for new in checksums(imported):
        old = kept.fetchmany(len(new))
        if old != new:
            lines = sorted({line for line, _seen in set(old) ^ set(new)})
            if len(old) == len(new):  # what follows is shifted, and not other rows
                last = min(old[-1][0], new[-1][0])
                lines = [line for line in lines if line <= last]
            return lines[:NAMED]
    return [line for line, _seen in kept.fetchmany(NAMED)]


def _sentence(imported: "Import", line: int, was: str | None) -> str:
    """What is to be said of the record of one row. was: its old texts, as they were shown."""
    row = {"line": line}
    keys = imported.table.fetch(
        f"SELECT pk FROM {imported.staging.plan} WHERE line = %s", [line]
    )
    if not keys:
        return _("Row %(line)d: the record that it was to update is another one now.") % row
    records = imported.model._base_manager.filter(pk=keys[0][0])
    ((_pk, _label, text),) = ReferenceKey(imported.model).queryset(records)
    said = _("Row %(line)d, %(record)s") % {**row, "record": text}
    for change in islice(read_changes(imported, after=line - 1), 1):
        if not was or change.line != line or not change.old:
            continue
        names = (column.name for column in imported.columns)
        changed = [
            _("%(field)s was “%(was)s” when it was checked, is “%(now)s” now")
            % {"field": name, "was": before, "now": now}
            for name, before, now in zip(names, unpack(was), change.old, strict=True)
            if before != now
        ]
        if changed:
            return f"{said}: {'; '.join(changed)}."
    return _("%(record)s: it has changed since it was checked.") % {"record": said}
