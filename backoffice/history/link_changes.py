"""Writes what changes in the links that history keeps; `links.py` says how it keeps them."""

from collections.abc import Sequence
from typing import Any

from backoffice.tables.planner import by_index
from backoffice.tables.table import Link, Table

CHUNK = 1000  # records


class LinkChanges:
    """Of one many-to-many, for records that are the last ones of their rows.

    In SQL, `record` is the record, `link` a link of its row, and `lasting` one that the row
    had last, as far as history knows.
    """

    def __init__(self, live: Table, history: str, link: Link, kept: str) -> None:
        """history, kept: the tables of records, and of links in history."""
        self.live, self.link, self.kept = live, link, kept
        self.history = f"{history} record"
        self.links = f"{link.table} link WHERE link.{link.source} = record.{live.pk}"
        self.is_lasting = (
            f"lasting.{link.source} = record.{live.pk} AND lasting.history_until IS NULL"
        )
        self.lasting = f"{kept} lasting WHERE {self.is_lasting}"
        same = " AND ".join(
            f"link.{column} IS NOT DISTINCT FROM lasting.{column}" for column in link.columns
        )
        # By its own key alone: by the row's, a title in 5,000 branches reads 5,000 for each.
        self.same = f"{link.table} link WHERE link.{link.key} = lasting.{link.key} AND {same}"

    def write(
        self, after: Any, condition: str, params: Sequence[Any], *, are_new: bool
    ) -> None:
        """Of many records: those after this one for which the condition on `record` holds.

        are_new: their rows were inserted in this transaction, so that nobody else links them.
        """
        chosen, values = f"record.history_id > %s AND {condition}", [after, *params]
        any_lasts = f"SELECT 1 FROM {self.history}, {self.lasting} AND {chosen} LIMIT 1"
        with by_index(self.live.connection):
            some_last = self.live.fetch(any_lasts, values)
            if not (some_last or are_new):
                self._lock(chosen, values)
                some_last = self.live.fetch(any_lasts, values)
            if some_last:
                ends = f"SELECT min(history_id), max(history_id) FROM {self.history}"
                ((first, last),) = self.live.fetch(f"{ends} WHERE {chosen}", values)
                some = f"record.history_id BETWEEN %s AND %s AND {condition}"
                for start in range(first, last + 1, CHUNK):
                    self.write_changed(some, [start, start + CHUNK - 1, *params])
                return
        self._begin(f"{self.history}, {self.links} AND {chosen}", values)

    def write_changed(self, condition: str, params: Sequence[Any]) -> None:
        """Of some records. Each of their links is looked up once, by its key."""
        self._end(condition, params)
        if not (keys := self._gained(condition, params)):
            return
        chosen, key = f"record.history_id IN ({', '.join(['%s'] * len(keys))})", self.link.key
        self._lock(chosen, keys)
        begun = f"""
            SELECT record.history_id, link.{key}
            FROM {self.history}, {self.links} AND {chosen}
            EXCEPT
            SELECT record.history_id, lasting.{key}
            FROM {self.history}, {self.lasting} AND {chosen}
        """
        self._begin(
            f"({begun}) record JOIN {self.link.table} link ON link.{key} = record.{key}",
            keys * 2,
        )

    def _gained(self, condition: str, params: Sequence[Any]) -> list[Any]:
        """The records whose rows have other links beside those that last: the number tells."""
        found = self.live.fetch(
            f"""
            SELECT record.history_id FROM {self.history} WHERE {condition}
            AND (SELECT count(*) FROM {self.lasting}) <> (SELECT count(*) FROM {self.links})
            """,
            params,
        )
        return [key for (key,) in found]

    def _lock(self, condition: str, params: Sequence[Any]) -> None:
        """Let one at a time write what it finds, so that no link begins twice."""
        if self.live.vendor == "postgresql":
            rows = f"SELECT record.{self.live.pk} FROM {self.history} WHERE {condition}"
            self.live.fetch(
                f"SELECT count(*) FROM (SELECT 1 FROM {self.live.name}"
                f" WHERE {self.live.pk} IN ({rows}) ORDER BY {self.live.pk}"
                " FOR NO KEY UPDATE) locked",
                params,
            )

    def _end(self, condition: str, params: Sequence[Any]) -> None:
        self.live.execute(
            f"""
            UPDATE {self.kept} AS lasting SET history_until = record.history_id
            FROM {self.history} WHERE {self.is_lasting} AND {condition}
            AND lasting.history_id < record.history_id
            AND NOT EXISTS (SELECT 1 FROM {self.same})
            """,
            params,
        )

    def _begin(self, rows: str, params: Sequence[Any]) -> None:
        """rows: what stands after FROM, with `record` and `link`."""
        columns = [self.link.key, *self.link.columns]
        self.live.execute(
            f"""
            INSERT INTO {self.kept} (history_id, {", ".join(columns)})
            SELECT record.history_id, {", ".join(f"link.{column}" for column in columns)}
            FROM {rows}
            """,
            params,
        )
