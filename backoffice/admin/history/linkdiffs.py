"""Differences of a many-to-many between consecutive history records, found in SQL."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections

from backoffice.history.records import Records
from backoffice.querysets.scopes import is_scoped, within
from backoffice.tables.table import Table

NAMES_SHOWN = 10  # names of linked rows


class LinkDiffs:
    """The links of each of `records`, newest first, compared with those of the next older one.

    Two statements read the links, once each. They return at most NAMES_SHOWN of the links on
    each side of a change, however many there are.
    """

    def __init__(self, records: Sequence[Any], field: Any, user: Any) -> None:
        self.places = {record.pk: place for place, record in enumerate(records)}
        history_model = type(records[0])
        connection = self.connection = connections[history_model._base_manager.db]
        kept = Records(Table(history_model.instance_type, connection)).links
        [(link, of_records)] = [each for each in kept if each[0].field == field]
        pk = history_model._meta.pk
        key = f"CAST(%s AS {pk.rel_db_type(connection)})"
        rows = ", ".join(f"({place}, {key})" for place in range(len(records)))
        self.params = [pk.get_db_prep_value(r.pk, connection) for r in records]
        seen = self.seen(field, user, f"link.{link.target}") if is_scoped(user) else ""
        self.links = f"""
            WITH page(place, pk) AS (VALUES {rows}),
            links AS (
                SELECT page.place, link.{link.target} AS target
                FROM page JOIN {of_records} link ON link.history_id = page.pk {seen}
            )
        """  # noqa: S608
        self.changed: dict[tuple[int, int], list[Any]] = defaultdict(list)
        self.changes: set[int] = set()
        self.first: dict[int, list[Any]] = defaultdict(list)
        self.numbers: dict[int, int] = {}
        if records:
            self.compare(len(records) - 1)
        if self.changes:
            self.sample()

    def seen(self, field: Any, user: Any, target: str) -> str:
        """SQL that leaves the links to rows that a user with limits may see."""
        rows = within(field.related_model._base_manager.all(), user).order_by().values("pk")
        try:
            sql, params = rows.query.get_compiler(connection=self.connection).as_sql()
        except EmptyResultSet:
            return "WHERE 1 = 0"
        self.params += params
        return f"WHERE {target} IN ({sql})"

    def fetch(self, sql: str) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(self.links + sql, self.params)
            found: list[Any] = cursor.fetchall()
            return found

    def compare(self, last: int) -> None:
        """Find the changes, each between the record at `place` and the older `place + 1`."""
        for place, side, target in self.fetch(
            f"""
            , marked AS (
                SELECT place, target,
                       lag(place) OVER same AS newer, lead(place) OVER same AS older
                FROM links WINDOW same AS (PARTITION BY target ORDER BY place)
            ),
            changes(place, side, target) AS (
                SELECT place, 0, target FROM marked
                WHERE place < {last} AND (older IS NULL OR older <> place + 1)
                UNION ALL
                SELECT place - 1, 1, target FROM marked
                WHERE place > 0 AND (newer IS NULL OR newer <> place - 1)
            ),
            ranked AS (
                SELECT place, side, target,
                       row_number() OVER (PARTITION BY place, side ORDER BY target) AS nth
                FROM changes
            )
            SELECT place, side, target FROM ranked WHERE nth <= {NAMES_SHOWN}
            """  # noqa: S608
        ):
            self.changed[place, side].append(target)
            self.changes.add(place)

    def sample(self) -> None:
        """Read the number of links, and the first of them, of the records that differ."""
        places = sorted({place for change in self.changes for place in (change, change + 1)})
        listed = ", ".join(map(str, places))
        for place, target, number in self.fetch(
            f"""
            SELECT place, target, number FROM (
                SELECT place, target, count(*) OVER (PARTITION BY place) AS number,
                       row_number() OVER (PARTITION BY place ORDER BY target) AS nth
                FROM links WHERE place IN ({listed})
            ) ranked WHERE nth <= {2 * NAMES_SHOWN}
            """  # noqa: S608
        ):
            self.first[place].append(target)
            self.numbers[place] = number

    def keys(self) -> Any:
        """The keys of all rows that may be shown."""
        return {key for keys in (*self.changed.values(), *self.first.values()) for key in keys}

    def differ(self, record: Any) -> Any:
        """Whether the links in `record` differ from those of the next older one."""
        return self.places[record.pk] in self.changes

    def shown(self, change: Any, side: int) -> Any:
        """`(changed keys, other keys, number of all)` on one side of a change.

        change: the newer record · side: 0 for its own links, 1 for those of the older one.
        """
        place = self.places[change.pk]
        changed = self.changed[place, side]
        same = [key for key in self.first[place + side] if key not in changed]
        return (
            changed,
            same[: NAMES_SHOWN - len(changed)],
            self.numbers.get(place + side, 0),
        )
