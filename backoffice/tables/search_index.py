"""An index for search on SQLite: FTS5 with trigrams. PostgreSQL has its own, by a migration.

It finds the rows that may contain a text, at a cost that does not grow with their number.
Triggers keep it, so it holds what the table holds, whoever writes. A migration on SQLite may
make a table anew, without its triggers: indexes are dropped before migrations and made again
after them. Where there is none, search reads the rows.
"""

import contextlib
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import DatabaseError, OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from backoffice.tables.indexes import ENOUGH
from backoffice.tables.table import Table

PREFIX = "backoffice_search_of_"  # of the names of all that belongs to such an index
LENGTH = 3  # characters of the shortest text that it can find
#: A text is frequent if so many rows that have it are within FREQUENT times as many rows.
SAMPLE, FREQUENT = 200, 10
TRIGRAMS = 32  # of a text; the rest would hardly exclude a row
#: Bytes of new entries that are kept until they are written, and of how many parts a level
#: has until they are merged: fewer than 8 make an import of as many rows as there are slower.
CONFIGURATION = {"hashsize": 16 << 20, "automerge": 8}


class SearchIndex:
    """An index of text fields of one table; its name says of which.

    fields: of the table itself, with columns of text. The key must be SQLite's row number.
    """

    def __init__(self, table: Table, fields: Sequence[str]) -> None:
        self.table, self.fields = table, frozenset(fields)
        by_name = {field.name: field for field in table.columns}
        self._columns = [table.column(by_name[name]) for name in sorted(self.fields)]
        # Another version of these statements makes another index, by the next migration.
        made = [self._definition, *self._triggers(""), *map(str, CONFIGURATION.values())]
        version = zlib.crc32("\n".join(made).encode())
        self.bare_name = f"{PREFIX}{table.opts.db_table}_{version:08x}"
        self.name = name = table.quote(self.bare_name)
        kinds = ("insert", "delete", "update")
        self._kept_by = {
            f"{self.bare_name}_{kind}": trigger
            for kind, trigger in zip(kinds, self._triggers(name), strict=True)
        }

    @property
    def _definition(self) -> str:
        table = self.table
        return (
            f"USING fts5({', '.join(self._columns)}, content={table.name},"
            f" content_rowid={table.pk}, tokenize='trigram', detail=none, columnsize=0)"
        )

    def _triggers(self, name: str) -> tuple[str, str, str]:
        """What keeps an index of this name at INSERT, DELETE and UPDATE."""
        table, columns = self.table, ", ".join(self._columns)
        new, old = (", ".join(f"{row}.{c}" for c in self._columns) for row in ("new", "old"))
        add = f"INSERT INTO {name} (rowid, {columns}) VALUES (new.{table.pk}, {new});"
        remove = (
            f"INSERT INTO {name} ({name}, rowid, {columns})"
            f" VALUES ('delete', old.{table.pk}, {old});"
        )
        # COLLATE: a column's own may take two texts for the same.
        differs = " OR ".join(
            f"old.{c} IS NOT new.{c} COLLATE BINARY" for c in (table.pk, *self._columns)
        )
        return (
            f"AFTER INSERT ON {table.name} BEGIN {add} END",
            f"AFTER DELETE ON {table.name} BEGIN {remove} END",
            f"AFTER UPDATE OF {table.pk}, {columns} ON {table.name} WHEN {differs}"
            f" BEGIN {remove} {add} END",
        )

    @staticmethod
    def can_be_of(table: Table) -> bool:
        """Whether the key is SQLite's row number, which the index knows rows by."""
        return (
            table.vendor == "sqlite" and table.pk_field.db_type(table.connection) == "integer"
        )

    @property
    def _keepers(self) -> tuple[str, list[Any]]:
        """SELECT of the number of its triggers that are there, and the params."""
        marks = ", ".join(["%s"] * len(self._kept_by))
        return (
            "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"
            f" AND name IN ({marks})",
            [self.table.opts.db_table, *self._kept_by],
        )

    def is_kept(self) -> bool:
        """Whether it is there, can be read, and holds what the table holds."""
        if self.table.fetch(*self._keepers)[0][0] < len(self._kept_by):
            return False
        try:
            self.table.fetch(f"SELECT 1 FROM {self.name} LIMIT 0")
        except DatabaseError:  # this SQLite has no FTS5
            return False
        return True

    def make(self) -> None:
        """Make it anew, of the rows that are there. Raises OperationalError without FTS5."""
        table, name = self.table, self.name
        with transaction.atomic(using=table.connection.alias):
            table.execute(f"DROP TABLE IF EXISTS {name}")
            table.execute(f"CREATE VIRTUAL TABLE {name} {self._definition}")
            for option, value in CONFIGURATION.items():
                table.execute(f"INSERT INTO {name} ({name}, rank) VALUES ('{option}', {value})")
            table.execute(f"INSERT INTO {name} ({name}) VALUES ('rebuild')")
            for trigger, definition in self._kept_by.items():
                table.execute(f"DROP TRIGGER IF EXISTS {table.quote(trigger)}")
                table.execute(f"CREATE TRIGGER {table.quote(trigger)} {definition}")

    def candidates(self, text: str, most: int) -> list[Any] | None:
        """The keys of all rows that may contain `text` in one of the fields, in any case.

        None if they are more than `most`, if the text is too short, or without the index.
        """
        found = self.some([[[text]]], most)
        return None if found is None or len(found) > most else found

    def some(self, runs: Sequence[Sequence[Sequence[str]]], most: int) -> list[Any] | None:
        """The keys of rows that may contain the texts, one more than `most` if there are more.

        None if all texts are too short, or without the index.

        Args:
            runs: of each run, a row contains all texts of one of its alternatives.
        """
        wanted = [_any_of(run) for run in runs]
        wanted = [each for each in wanted if each]
        if not wanted:
            return None
        keepers, params = self._keepers
        table, (have, patterns) = self.table, self._have(runs)
        try:
            if len(wanted) > 1:
                wanted = self._rare(wanted)
            keys = table.fetch(
                f"""
                SELECT NULL WHERE {len(self._kept_by)} > ({keepers}) UNION ALL
                SELECT id FROM (
                    SELECT {table.pk} AS id FROM (
                        SELECT rowid AS key FROM {self.name} WHERE {self.name} MATCH %s
                    ) CROSS JOIN {table.name} ON {table.pk} = key
                    WHERE {have} LIMIT {most + 1:d}
                )
                """,
                [*params, " AND ".join(wanted), *patterns],
            )
        except DatabaseError:  # there is none
            return None
        found = [key for (key,) in keys]
        return None if None in found else found

    def _have(self, runs: Sequence[Sequence[Sequence[str]]]) -> tuple[str, list[str]]:
        """The condition that a row has the texts, and its params.

        The index knows which trigrams a row has, not in which order: 999999 is 999 for it.
        """
        one = " OR ".join(rf"{column} LIKE %s ESCAPE '\'" for column in self._columns)
        either = [
            " OR ".join(f"({' AND '.join([f'({one})'] * len(texts))})" for texts in run)
            for run in runs
        ]
        like = self.table.connection.ops.prep_for_like_query
        patterns = [
            f"%{like(text)}%"
            for run in runs
            for texts in run
            for text in texts
            for _column in self._columns
        ]
        return " AND ".join(f"({each})" for each in either), patterns

    def _rare(self, wanted: list[str]) -> list[str]:
        """Those of `wanted` that exclude rows; all where none does.

        FTS5 walks through all rows that have a word, such as "library" in each name, to look
        for those that have another as well: of "public library 12345678" the number will do.
        """
        spans = ", ".join(
            [
                f"(SELECT CASE WHEN count(*) = {SAMPLE:d} THEN max(rowid) - min(rowid) END FROM"
                f" (SELECT rowid FROM {self.name} WHERE {self.name} MATCH %s LIMIT {SAMPLE:d}))"
            ]
            * len(wanted)
        )
        (found,) = self.table.fetch(f"SELECT {spans}", wanted)
        rare = [
            each
            for each, span in zip(wanted, found, strict=True)
            if span is None or span > FREQUENT * SAMPLE
        ]
        return rare or wanted


def _any_of(alternatives: Sequence[Sequence[str]]) -> str:
    """What FTS5 matches; "" if one of the alternatives has no text that is long enough."""
    parts = [" AND ".join(filter(None, map(_trigrams, texts))) for texts in alternatives]
    return f"({' OR '.join(f'({part})' for part in parts)})" if all(parts) else ""


def _trigrams(text: str) -> str:
    trigrams = dict.fromkeys(text[i : i + LENGTH] for i in range(len(text) - LENGTH + 1))
    quoted = ('"' + trigram.replace('"', '""') + '"' for trigram in trigrams)
    return " AND ".join(islice(quoted, TRIGRAMS))


def drop_search_indexes(
    connection: BaseDatabaseWrapper, *, kept: Sequence[SearchIndex] = ()
) -> None:
    """Drop all that there are, but those to be kept."""
    names = tuple(index.bare_name for index in kept)
    # An SQLite without FTS5 can drop the triggers alone; nothing uses the table then.
    kinds: list[tuple[str, str, list[type[Exception]]]] = [
        ("trigger", "CREATE TRIGGER ", []),
        ("table", "CREATE VIRTUAL TABLE ", [OperationalError]),
    ]
    with connection.cursor() as cursor:
        for kind, made, errors in kinds:
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = %s AND substr(name, 1, %s) = %s"
                " AND substr(sql, 1, %s) = %s",
                [kind, len(PREFIX), PREFIX, len(made), made],
            )
            for name in [n for (n,) in cursor.fetchall() if not n.startswith(names)]:
                quoted = connection.ops.quote_name(name).replace("%", "%%")
                with contextlib.suppress(*errors):
                    cursor.execute(f"DROP {kind} {quoted}", [])


@contextlib.contextmanager
def made_anew(table: Table, rows: int) -> Iterator[None]:
    """Make the table's search indexes anew at the end, where that is faster.

    rows: how many are deleted and inserted. The caller holds the transaction, which brings
    the indexes back if anything fails.
    """
    with _without_triggers(table, rows, share=2) as names:
        yield
        for name in map(table.quote, names):
            table.execute(f"INSERT INTO {name} ({name}) VALUES ('rebuild')")


@contextlib.contextmanager
def filled_at_once(table: Table, rows: int, is_new: str) -> Iterator[None]:
    """Add the new rows to the table's search indexes at the end, in one statement.

    That takes half the time of triggers. The caller holds the transaction.

    rows: how many are inserted · is_new: the condition that a row of the table is one of them.
    """
    with _without_triggers(table, rows) as names:
        yield
        for name in names:
            found = table.fetch("SELECT name FROM pragma_table_info(%s)", [name])
            columns = ", ".join(table.quote(column) for (column,) in found)
            table.execute(
                f"INSERT INTO {table.quote(name)} (rowid, {columns})"
                f" SELECT {table.pk}, {columns} FROM {table.name} WHERE {is_new}"
            )


@contextlib.contextmanager
def _without_triggers(
    table: Table, rows: int, *, share: int | None = None
) -> Iterator[list[str]]:
    """Without what keeps the search indexes: the names of those that the caller has to keep.

    share: only where at most so many times the rows are in the table.
    """
    made: list[tuple[str, str]] = []
    if table.vendor == "sqlite" and rows >= ENOUGH and _is_share(table, rows, share):
        made = table.fetch(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"
            " AND substr(name, 1, %s) = %s",
            [table.opts.db_table, len(PREFIX), PREFIX],
        )
    for name, _sql in made:
        table.execute(f"DROP TRIGGER {table.quote(name)}")
    yield sorted({name.rpartition("_")[0] for name, _sql in made})
    for _name, sql in made:
        table.execute(sql.replace("%", "%%"))


def _is_share(table: Table, rows: int, share: int | None) -> bool:
    if share is None:
        return True
    most = share * rows
    ((old,),) = table.fetch(
        f"SELECT count(*) FROM (SELECT 1 FROM {table.name} LIMIT {most + 1:d}) old"
    )
    return bool(old <= most)
