"""What a check found, row by row: a SQLite file in the import's folder, paged and searched.

It is a cache, whatever the main database is: a check makes it again from the file and the
decisions. A wrong one can stop an import from being written, but never make it write.

    rows        line, cells, problem                  the file as the reader gave it
    outcomes    line, kind, key, pk, new, old, seen   what becomes of each row
    problems    line, cause, field, value, code, message
    causes      number, code, field, message          with how many rows, and the first
    repairs     line, field, value, repaired
    likes       line, pk                              the records that a row looks like
    refs        field, ref, target                    the records that references mean
    blocks      block, kind, rows                     how many of a kind are in 1,024 lines
    decisions   pk, answer                            those that are taken in
    about       name, value

`key` is a number that rows share whose match keys may be the same; `new` and `old` are packed
texts of the columns; `seen` is a checksum of the record as it was.
"""

import contextlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from backoffice.imports.review.cells import pack_all

if TYPE_CHECKING:
    from backoffice.imports.engine import Import

KINDS = ("new", "updated", "unchanged", "rejected", "alike", "aside", "repaired")
NEW, UPDATED, UNCHANGED, REJECTED, ALIKE, ASIDE, REPAIRED = range(7)
#: The kinds of a tab's rows.
TABS = {
    "all": (NEW, UPDATED, UNCHANGED, REJECTED, ALIKE, ASIDE),
    "rejected": (REJECTED, ASIDE),
    "open": (REJECTED, ALIKE),
    **{name: (i,) for i, name in enumerate(KINDS) if name != "rejected"},
}
BITS = 10  # of the lines of a block
BUSY = 60  # seconds that one who writes waits for another
PART = 20_000  # values of one IN

_TABLES = """
    CREATE TABLE rows (line INTEGER PRIMARY KEY, cells TEXT, problem TEXT);
    CREATE TABLE outcomes (line INTEGER PRIMARY KEY, kind INTEGER, key INTEGER, pk, new TEXT,
                           old TEXT, seen INTEGER);
    CREATE TABLE problems (line INTEGER, cause INTEGER, field TEXT, value TEXT, code TEXT,
                           message TEXT);
    CREATE TABLE causes (number INTEGER PRIMARY KEY, code TEXT, field TEXT, message TEXT,
                         rows INTEGER DEFAULT 0, line INTEGER, value TEXT);
    CREATE TABLE repairs (line INTEGER, field TEXT, value TEXT, repaired TEXT);
    CREATE TABLE likes (line INTEGER, pk);
    CREATE TABLE refs (field TEXT, ref TEXT, target TEXT, PRIMARY KEY (field, ref))
        WITHOUT ROWID;
    CREATE TABLE blocks (block INTEGER, kind INTEGER, rows INTEGER, PRIMARY KEY (block, kind))
        WITHOUT ROWID;
    CREATE TABLE decisions (pk INTEGER PRIMARY KEY, answer TEXT);
    CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT);
"""
_INDEXES = """
    CREATE INDEX problems_line ON problems (line);
    CREATE INDEX problems_cause ON problems (cause, line);
    CREATE INDEX repairs_line ON repairs (line);
    CREATE INDEX likes_line ON likes (line);
"""
#: Tables that have what was found of single lines.
FOUND = ("outcomes", "problems", "repairs", "likes")


class Store:
    """path: of a file that is there.

    Raises FileNotFoundError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._causes: set[int] = set()  # of what was forgotten
        if not path.exists():
            raise FileNotFoundError(path)
        self.connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw", uri=True, timeout=BUSY, isolation_level=None
        )

    @classmethod
    def create(cls, path: Path) -> Self:
        """An empty one, to be filled in one transaction, and ended by `finish`."""
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        store = cls(path)
        # Nobody else knows the file; killed, it is left behind and made anew.
        store.connection.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_TABLES} BEGIN;"
        )
        return store

    def finish(self) -> None:
        """End the filling: count, index, and see that it is on the disk."""
        for name in _INDEXES.strip().splitlines():
            self.connection.execute(name)
        self._count_repaired()
        self.count_causes()
        self.connection.execute("COMMIT")
        with self.path.open("rb") as file:
            os.fsync(file.fileno())

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction of the one who writes; others wait for its end."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.rollback()  # SQLite has done it already where its disk is full
            raise
        self.connection.execute("COMMIT")

    def fetch(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, params).fetchall()

    def fetch_in(self, sql: str, values: Iterable[Any]) -> list[tuple[Any, ...]]:
        """The rows of `sql`, in which `{}` is a list of some of the values, for all of them."""
        listed, found = list(values), []
        for start in range(0, len(listed), PART):
            part = listed[start : start + PART]
            found += self.fetch(sql.format(f"({', '.join('?' * len(part))})"), part)
        return found

    def insert(self, table: str, rows: Iterable[Sequence[Any]], width: int) -> None:
        marks = ", ".join("?" * width)
        self.connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    # What is known of the whole -----------------------------------------------------

    def set_about(self, **values: Any) -> None:
        rows = [(name, json.dumps(value)) for name, value in values.items()]
        self.connection.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", rows)

    def describe(self, imported: "Import") -> None:
        """Note what is to be known of the whole file."""
        source, mapping = imported.source, imported.mapping
        self.set_about(
            headers=source.headers,
            format=source.format,
            encoding=source.encoding,
            delimiter=source.delimiter,
            columns=[
                {
                    "name": name,
                    "index": index,
                    "header": mapping.headers[index],
                    "constant": imported.constants.get(name),
                }
                for name, index in mapping.columns.items()
            ],
            links=[column.name for column in imported.staging.links],
            unlinked=imported.count_removed_links(),
            rows=imported.rows,
            by_rows=imported.checks.by_rows,
            asks=imported.checks.asks,
        )

    def about(self, name: str) -> Any:
        ((value,),) = self.fetch("SELECT value FROM about WHERE name = ?", [name])
        return json.loads(value)

    @property
    def state(self) -> str:
        """Of the check and the decisions that are taken in, with what they came to."""
        ((mark,),) = self.fetch("SELECT coalesce(max(value), 0) FROM about WHERE name = 'mark'")
        return f"{self.path.stem} {self.version} {mark}"

    @property
    def version(self) -> int:
        """Of the decisions that are taken in."""
        return int(self.about("version"))

    def set_decisions(self, version: int, answers: dict[int, str]) -> None:
        self.connection.execute("DELETE FROM decisions")
        self.insert("decisions", answers.items(), 2)
        self.set_about(version=version)

    def decisions(self) -> dict[int, str]:
        return dict(self.fetch("SELECT pk, answer FROM decisions"))

    # Filling ------------------------------------------------------------------------

    def add_rows(self, chunk: Sequence[tuple[int, Sequence[str], str | None]]) -> None:
        """Rows of the file, as the reader gives them."""
        lines, cells, problems = zip(*chunk, strict=True)
        self.insert("rows", zip(lines, pack_all(cells), problems, strict=True), 3)

    def add_outcomes(self, outcomes: Sequence[tuple[Any, ...]]) -> None:
        self.insert("outcomes", outcomes, 7)
        self._add_to_blocks(Counter((row[0] >> BITS, row[1]) for row in outcomes))

    def _add_to_blocks(self, counts: dict[tuple[int, int], int]) -> None:
        self.connection.executemany(
            "INSERT INTO blocks VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET rows = rows + excluded.rows",
            [(*key, count) for key, count in counts.items()],
        )

    def _count_repaired(self, sign: int = 1, where: str = "") -> None:
        self._add_to_blocks(
            {
                (block, REPAIRED): sign * count
                for block, count in self.fetch(
                    f"SELECT line >> {BITS}, count(DISTINCT line) FROM repairs {where}"
                    " GROUP BY 1"
                )
            }
        )

    def _touch(self, lines: Iterable[int]) -> None:
        self.connection.execute(
            "CREATE TEMP TABLE IF NOT EXISTS touched (line INTEGER PRIMARY KEY)"
        )
        self.connection.execute("DELETE FROM touched")
        self.insert("touched", [(line,) for line in lines], 1)

    def _count_touched(self, sign: int) -> None:
        """Add the touched lines to the blocks, or take them out."""
        found = self.fetch(
            f"SELECT line >> {BITS}, kind, count(*) FROM outcomes WHERE line IN touched"
            " GROUP BY 1, 2"
        )
        self._add_to_blocks({(block, kind): sign * count for block, kind, count in found})

    def forget(self, lines: Collection[int]) -> None:
        """Delete what was found of these lines, before it is found anew."""
        self._touch(lines)
        self._count_touched(-1)
        self._count_repaired(-1, "WHERE line IN touched")
        self._causes = self._touched_causes()
        for table in FOUND:
            self.connection.execute(f"DELETE FROM {table} WHERE line IN touched")

    def _touched_causes(self) -> set[int]:
        found = self.fetch("SELECT DISTINCT cause FROM problems WHERE line IN touched")
        return {number for (number,) in found}

    def count_again(self) -> None:
        """After what was forgotten is found anew: the repaired lines, and the causes."""
        self._count_repaired(1, "WHERE line IN touched")
        for number in self._causes | self._touched_causes():
            self.count_causes(number)

    def set_aside(self, cause: tuple[str, str], skipped: Collection[tuple[str, str]]) -> None:
        """Mark the rows with a cause, a code and a field, as what the `skipped` make them."""
        self._touch(self.lines_of(*cause))
        self._count_touched(-1)
        marks = ", ".join(["(?, ?)"] * len(skipped)) or "(NULL, NULL)"
        self.connection.execute(
            f"""
            UPDATE outcomes SET kind = (
                SELECT CASE WHEN max(code = 'aside' OR (code, field) IN (VALUES {marks}))
                            THEN {ASIDE} WHEN min(code = 'alike') THEN {ALIKE}
                            ELSE {REJECTED} END
                FROM problems WHERE problems.line = outcomes.line)
            WHERE line IN touched
            """,
            [text for cause in skipped for text in cause],
        )
        self._count_touched(1)

    def count_causes(self, number: int | None = None) -> None:
        where = "" if number is None else "WHERE cause = ?"
        self.connection.execute(
            f"""
            INSERT INTO causes (number, rows, line, value)
            SELECT cause, count(DISTINCT line), min(line),
                   CASE WHEN min(value) = max(value) THEN min(value) ELSE '' END
            FROM problems {where} GROUP BY cause HAVING cause IS NOT NULL
            ON CONFLICT DO UPDATE
                SET rows = excluded.rows, line = excluded.line, value = excluded.value
            """,
            [] if number is None else [number],
        )
        if number is not None:
            self.connection.execute(
                "UPDATE causes SET rows = 0 WHERE number = ?"
                " AND NOT EXISTS (SELECT 1 FROM problems WHERE cause = number)",
                [number],
            )

    # Reading ------------------------------------------------------------------------

    def lines_of(self, code: str, field: str) -> set[int]:
        """The lines that have a cause."""
        return set(
            self._lines(
                "SELECT line FROM problems WHERE cause IN"
                " (SELECT number FROM causes WHERE code = ? AND field = ?)",
                [code, field],
            )
        )

    def keys_of(self, lines: Collection[int]) -> set[int | None]:
        found = self.fetch_in("SELECT DISTINCT key FROM outcomes WHERE line IN {}", lines)
        return {key for (key,) in found}

    def lines_with(self, keys: Collection[int | None]) -> set[int]:
        """The lines with one of these keys."""
        found = self.fetch_in("SELECT line FROM outcomes WHERE key IN {}", keys)
        return {line for (line,) in found}

    def causes(self, most: int) -> list[list[Any]]:
        """Rows, field, message and first line of what was wrong most often."""
        return list(
            map(
                list,
                self.fetch(
                    "SELECT rows, field, message, line FROM causes WHERE rows > 0"
                    " ORDER BY rows DESC, line LIMIT ?",
                    [most],
                ),
            )
        )

    def counts(self) -> dict[str, int]:
        """Rows per kind and tab."""
        found = dict(self.fetch("SELECT kind, sum(rows) FROM blocks GROUP BY kind"))
        return {tab: sum(found.get(kind, 0) for kind in kinds) for tab, kinds in TABS.items()}

    def lines(self, tab: str, start: int, size: int) -> list[int]:
        """Of the rows of a tab, the lines of `size` from the place `start` on."""
        kinds = TABS[tab]
        marks = ", ".join("?" * len(kinds))
        found: list[int] = []
        for block, count in self.connection.execute(
            f"SELECT block, sum(rows) FROM blocks WHERE kind IN ({marks})"
            " GROUP BY block ORDER BY block",
            kinds,
        ):
            if count <= start:
                start -= count
                continue
            source, where = "outcomes", f"kind IN ({marks}) AND"
            if kinds == (REPAIRED,):
                source, where = "(SELECT DISTINCT line FROM repairs)", "?1 = ?1 AND"
            found += self._lines(
                f"SELECT line FROM {source} WHERE {where} line BETWEEN ? AND ?"
                " ORDER BY line LIMIT ? OFFSET ?",
                [*kinds, block << BITS, (block + 1 << BITS) - 1, size - len(found), start],
            )
            start = 0
            if len(found) == size:
                break
        return found

    def _lines(self, sql: str, params: Sequence[Any]) -> list[int]:
        return [line for (line,) in self.connection.execute(sql, params)]

    def _sought(self, tab: str, search: str, cause: int | None) -> tuple[str, list[Any]]:
        kinds: tuple[int, ...] = TABS[tab]
        conditions: list[str] = []
        params: list[Any] = []
        if kinds == (REPAIRED,):
            conditions.append("line IN (SELECT line FROM repairs)")
        else:
            conditions.append(f"kind IN ({', '.join('?' * len(kinds))})")
            params += kinds
        if cause is not None:
            conditions.append("line IN (SELECT line FROM problems WHERE cause = ?)")
            params.append(cause)
        if search:
            escaped = search.replace("!", "!!").replace("%", "!%").replace("_", "!_")
            conditions.append("cells LIKE ? ESCAPE '!'")
            params.append(f"%{escaped}%")
        source = "outcomes JOIN rows USING (line)" if search else "outcomes"
        return f"FROM {source} WHERE {' AND '.join(conditions)}", params

    def count_sought(self, tab: str, search: str, cause: int | None) -> int:
        """How many rows of a tab have a text, or a cause."""
        where, params = self._sought(tab, search, cause)
        return int(self.fetch(f"SELECT count(*) {where}", params)[0][0])

    def sought(
        self, tab: str, search: str, cause: int | None, start: int, size: int
    ) -> list[int]:
        where, params = self._sought(tab, search, cause)
        sql = f"SELECT line {where} ORDER BY line LIMIT ? OFFSET ?"
        return self._lines(sql, [*params, size, start])
