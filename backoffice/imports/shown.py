"""What a check showed, kept small, so that nothing else is written afterwards.

A file of 16 bytes for each row that would update a record: the row's number, and checksums of
the record's key, old values and old links. Before them, 32 bytes: a digest of which rows would
write nothing, and of the records that the file's references mean.
"""

import hashlib
import marshal
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, BinaryIO

from django.utils.translation import gettext as _

from backoffice.imports.preview import read_changes
from backoffice.querysets.reading import collector_paused
from backoffice.resources.references import ReferenceKey

if TYPE_CHECKING:
    from backoffice.imports.engine import Import

CHUNK = 5_000
NAMED = 3  # rows that a sentence names
ENTRY = struct.Struct("<QII")
HEAD = hashlib.sha256().digest_size

#: The old texts that were shown of the rows with these numbers: `{line: {field: text}}`.
Before = Callable[[list[int]], dict[int, dict[str, str]]]


@dataclass(frozen=True)
class Shown:
    """file: open for bytes, at its start · before: None where no old values were kept."""

    file: BinaryIO
    before: Before | None = None

    def write(self, imported: "Import") -> None:
        """Keep what the check of `imported` found."""
        self.file.write(_head(imported))
        with collector_paused():
            self.file.writelines(_entries(imported))

    def moved(self, imported: "Import") -> list[str] | None:
        """Sentences about the first rows that would write something else now.

        None where all is as it was shown. The caller holds the transaction that writes.
        """
        is_same = self.file.read(HEAD) == _head(imported)
        with collector_paused():
            lines = self._moved_lines(imported)
        if lines:
            was = self.before(lines) if self.before else {}
            return [_sentence(imported, line, was.get(line, {})) for line in lines]
        if is_same:
            return None
        return [_("Other rows are new, or what rows refer to is another record now.")]

    def _moved_lines(self, imported: "Import") -> list[int]:
        for block in _entries(imported):
            kept = self.file.read(len(block))
            if kept != block:
                old, new = (list(ENTRY.iter_unpack(entries)) for entries in (kept, block))
                lines = sorted({entry[0] for entry in set(old) ^ set(new)})
                if len(old) == len(new):  # what follows is shifted, and not other rows
                    last = min(old[-1][0], new[-1][0])
                    lines = [line for line in lines if line <= last]
                return lines[:NAMED]
        return [entry[0] for entry in ENTRY.iter_unpack(self.file.read(ENTRY.size * NAMED))]


def _head(imported: "Import") -> bytes:
    """A digest of which rows aren't new, and of what the references lead to."""
    staging, fetch = imported.staging, imported.table.fetch
    digest = hashlib.sha256()
    for rows in (
        f"SELECT line FROM {staging.plan} WHERE action = 'unchanged'",
        f"SELECT DISTINCT line FROM {staging.rejects}",
    ):
        sums = "sum(line), sum((line * 2654435761) %% 2147483647)"
        ((*numbers,),) = fetch(f"SELECT count(*), {sums} FROM ({rows}) counted")
        digest.update(repr([int(number or 0) for number in numbers]).encode())
    for column in [*staging.references, *staging.links]:
        after = ""
        while found := fetch(
            f"SELECT ref, target FROM {staging.targets(column)}"
            f" WHERE line IS NULL AND ref > %s ORDER BY ref LIMIT {CHUNK:d}",
            [after],
        ):
            digest.update(repr(found).encode(errors="surrogatepass"))
            after = found[-1][0]
    return digest.digest()


def _entries(imported: "Import") -> Iterator[bytes]:
    """The entries of the rows that would update a record, in the file's order, in blocks."""
    staging, table, rows = imported.staging, imported.table, imported.checks.rows
    columns = ["plan.pk", *(f"live.{table.column(field)}" for field in rows.fields)]
    # As they are stored. SQLite's driver makes dates of a column, but not of an expression.
    stored = "CAST({} AS text)" if table.vendor == "postgresql" else "+{}"
    selected = ", ".join(["plan.line", *map(stored.format, columns)])
    line = 0
    while found := table.fetch(
        f"""
        SELECT {selected} FROM {staging.plan} plan
        JOIN {table.name} live ON live.{table.pk} = plan.pk
        WHERE plan.action = 'updated' AND plan.line > %s
        ORDER BY plan.line LIMIT {CHUNK:d}
        """,
        [line],
    ):
        first, line = found[0][0], found[-1][0]
        for column in staging.links:
            targets = _links(imported, column, first, line)
            found = [(*row, targets.get(row[0])) for row in found]
        # A million rows pass here: every step is one call that loops in C. Version 2 of
        # marshal writes equal values alike.
        texts = list(map(marshal.dumps, found, repeat(2)))
        sums = map(zlib.crc32, texts), map(zlib.adler32, texts)
        entries = zip(map(itemgetter(0), found), *sums, strict=True)
        yield struct.pack("<" + "QII" * len(found), *chain.from_iterable(entries))


def _links(imported: "Import", column: Any, first: int, last: int) -> dict[int, list[str]]:
    """What the records of these rows are linked to: `{line: targets}`."""
    link = imported.table.link(column.model_field)
    found = imported.table.fetch(
        f"""
        SELECT plan.line, link.{link.target} FROM {imported.staging.plan} plan
        JOIN {link.table} link ON link.{link.source} = plan.pk
        WHERE plan.action = 'updated' AND plan.line BETWEEN %s AND %s ORDER BY 1, 2
        """,
        [first, last],
    )
    return {
        line: [str(target) for _line, target in targets]
        for line, targets in groupby(found, key=itemgetter(0))
    }


def _sentence(imported: "Import", line: int, was: dict[str, str]) -> str:
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
    names = [column.name for column in imported.columns]
    for change in islice(read_changes(imported, after=line - 1), 1):
        now = dict(zip(names, change.old or (), strict=False)) if change.line == line else {}
        changed = [
            name for name in names if name in now and was.get(name, now[name]) != now[name]
        ]
        if changed:
            cells = "; ".join(
                _("%(field)s was “%(was)s” when it was checked, is “%(now)s” now")
                % {"field": name, "was": was[name], "now": now[name]}
                for name in changed
            )
            return f"{said}: {cells}."
    return _("%(record)s: it has changed since it was checked.") % {"record": said}
