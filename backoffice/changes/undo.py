"""Taking an import back, from history: set operations, in one transaction.

Created rows go, changed rows return to the record before. What was edited since, or what
others use by now, is left alone and listed:

    import_undo   pk, history_id, kind, previous_id, why

`kind` is "+" or "~", `previous_id` the history record that a changed row returns to, `why`
is "" where the row is taken back, else one of `WHY` or "gone".
"""

from dataclasses import asdict, dataclass

from django.db import connections, router, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.changes.models import Change
from backoffice.history.records import Records
from backoffice.tables.foreign_keys import checked_as_a_whole
from backoffice.tables.planner import expect_many, keep_statistics

WHY = {
    "edited": gettext_lazy("It was edited since."),
    "used": gettext_lazy("Other records refer to it by now."),
    "lost": gettext_lazy("What it referred to before the import is no longer there."),
    "taken": gettext_lazy("Another record has by now what only one may have."),
}


@dataclass(frozen=True)
class UndoCounts:
    removed: int
    restored: int
    left: int
    gone: int

    as_dict = asdict

    @classmethod
    def of(cls, undo: Change) -> "UndoCounts":
        """What an undo that has ended did."""
        return cls(undo.removed, undo.updated, undo.rejected, undo.unchanged)

    def as_fields(self) -> dict[str, int]:
        """As an undo's `Change` counts them."""
        counts = {
            "new": 0,
            "updated": self.restored,
            "removed": self.removed,
            "unchanged": self.gone,
            "rejected": self.left,
        }
        return counts | {"rows": sum(counts.values())}


class Undo:
    """The undoing of an applied job. `plan()` writes nothing that lasts; `run()` does it.

    with Undo(job) as undo:
        counts = undo.plan()
        with transaction.atomic(): …
    """

    def __init__(self, job):
        self.job, self.model = job, job.model_class
        self.connection = connections[router.db_for_write(self.model)]
        self.quote = self.connection.ops.quote_name
        self.records = Records(self.connection, self.model)
        self.live, self.pk = self.records.live, self.records.pk
        self.history = self.records.table

    def __enter__(self):
        self._drop()
        self.execute(
            "CREATE TEMPORARY TABLE import_undo (pk bigint PRIMARY KEY, history_id bigint,"
            " kind text, previous_id bigint, why text)"
        )
        return self

    def __exit__(self, *exc_info):
        # After an error in PostgreSQL's transaction no statement works until it ends; the
        # table goes with the rollback, or at the next undo.
        if not self.connection.needs_rollback:
            self._drop()

    def _drop(self):
        schema = "pg_temp" if self.connection.vendor == "postgresql" else "temp"
        self.execute(f"DROP TABLE IF EXISTS {schema}.import_undo")

    def execute(self, sql, params=()):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)

    def fetch(self, sql, params=()):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall()

    # What it would do ---------------------------------------------------------------

    def lock(self):
        """Keep other writers from the table, as an import does."""
        self.records.row.lock()

    def plan(self) -> UndoCounts:
        """Find out what would be taken back, and what is left alone."""
        if self.connection.vendor != "postgresql":
            return self._plan()  # where a transaction would keep others from writing
        with transaction.atomic(using=self.connection.alias):
            expect_many(self.connection, self.job.new + self.job.updated)
            return self._plan()

    def _plan(self):
        self.execute("DELETE FROM import_undo")
        self._collect()
        for field in self.records.m2m_fields:
            self._leave_relinked(field)
        for table, column in self._referring():
            self._leave("used", f"kind = '+' AND pk IN (SELECT x.{column} FROM {table} x)")
        self._leave_lost()
        self._leave_taken()
        rows = self.fetch("SELECT kind, why, count(*) FROM import_undo GROUP BY kind, why")
        return UndoCounts(
            removed=sum(n for kind, why, n in rows if (kind, why) == ("+", "")),
            restored=sum(n for kind, why, n in rows if (kind, why) == ("~", "")),
            left=sum(n for _kind, why, n in rows if why in WHY),
            gone=sum(n for _kind, why, n in rows if why == "gone"),
        )

    def _collect(self):
        """Every row that the job wrote; edited is one with a later record, or other values.

        Values are compared as well because `QuerySet.update()` writes no history. Where the
        last record is that of a later job's undo, they alone say what the row is like.
        """
        same = " AND ".join(
            f"live.{column} IS NOT DISTINCT FROM h.{column}" for column in self.records.columns
        )
        undos = f"SELECT id FROM {self.quote(Change._meta.db_table)} WHERE kind = 'undo'"
        later = (
            f"SELECT 1 FROM {self.history} {{0}} WHERE {{0}}.{self.pk} = {{1}}.{self.pk}"
            " AND {0}.history_id > {1}.history_id"
        )
        self.execute(
            f"""
            INSERT INTO import_undo (pk, history_id, kind, previous_id, why)
            SELECT h.{self.pk}, h.history_id, h.history_type,
                   -- + 0: else PostgreSQL reads back through all of history for each row
                   CASE WHEN h.history_type = '~' THEN
                        (SELECT max(o.history_id + 0) FROM {self.history} o
                         WHERE o.{self.pk} = h.{self.pk} AND o.history_id < h.history_id) END,
                   CASE WHEN live.{self.pk} IS NULL THEN 'gone'
                        WHEN NOT ({same}) THEN 'edited'
                        WHEN EXISTS ({later.format("n", "h")}) AND NOT EXISTS (
                            {later.format("u", "h")} AND u.history_change_id IN ({undos})
                            AND NOT EXISTS ({later.format("n", "u")})) THEN 'edited'
                        ELSE '' END
            FROM {self.history} h LEFT JOIN {self.live} live ON live.{self.pk} = h.{self.pk}
            WHERE h.history_change_id = %s
            """,
            [self.job.pk],
        )
        self._leave("edited", "kind = '~' AND previous_id IS NULL")

    def _leave(self, why, condition, params=()):
        self.execute(
            f"UPDATE import_undo SET why = '{why}' WHERE why = '' AND {condition}", params
        )

    def _leave_relinked(self, field):
        """Rows whose links aren't those that the import wrote."""
        live, history, source, target, _columns = self.records.links(field)
        self._leave(
            "edited",
            f"""pk IN (
                SELECT u.pk FROM import_undo u JOIN {live} m ON m.{source} = u.pk
                LEFT JOIN {history} h ON h.history_id = u.history_id AND h.{target} = m.{target}
                WHERE h.history_id IS NULL
                UNION ALL
                SELECT u.pk FROM import_undo u JOIN {history} h ON h.history_id = u.history_id
                LEFT JOIN {live} m ON m.{source} = u.pk AND m.{target} = h.{target}
                WHERE m.{source} IS NULL
            )""",
        )

    def _referring(self):
        """`(table, column)` of all that can refer to a row, its own links apart."""
        own = [field.remote_field.through for field in self.model._meta.many_to_many]
        for relation in self.model._meta.get_fields(include_hidden=True):
            refers = (
                relation.auto_created and not relation.concrete and not relation.many_to_many
            )
            if not refers or not relation.field.db_constraint:  # history's has none
                continue
            if relation.related_model not in own:
                yield (
                    self.quote(relation.related_model._meta.db_table),
                    self.quote(relation.field.column),
                )

    def _leave_lost(self):
        """Changed rows whose foreign key of before leads nowhere by now."""
        for field in self.model._meta.concrete_fields:
            if not field.is_relation:
                continue
            column, target = self.quote(field.column), field.target_field
            table = self.quote(target.model._meta.db_table)
            self._leave(
                "lost",
                f"""kind = '~' AND previous_id IN (
                    SELECT h.history_id FROM {self.history} h
                    LEFT JOIN {table} t ON t.{self.quote(target.column)} = h.{column}
                    WHERE h.{column} IS NOT NULL AND t.{self.quote(target.column)} IS NULL
                    AND h.history_id IN (SELECT previous_id FROM import_undo)
                )""",
            )

    def _leave_taken(self):
        """Changed rows whose unique value of before another row has by now.

        One that the import didn't write: it gives no row what another had before.
        """
        for key in self.records.row.unique_keys:
            if key.condition or key.expressions != key.fields:
                continue
            columns = [self.quote(self.model._meta.get_field(n).column) for n in key.fields]
            same = " AND ".join(f"o.{column} = h.{column}" for column in columns)
            self._leave(
                "taken",
                f"""kind = '~' AND pk IN (
                    SELECT u.pk FROM import_undo u
                    JOIN {self.history} h ON h.history_id = u.previous_id
                    JOIN {self.live} o ON {same} WHERE o.{self.pk} <> u.pk
                )""",
            )

    def left(self, limit):
        """What is left alone: `[(pk, text, why), …]`, `limit` at most."""
        rows = self.fetch(
            f"SELECT pk, why FROM import_undo WHERE why NOT IN ('', 'gone')"
            f" ORDER BY pk LIMIT {limit:d}"
        )
        names = self.model._base_manager.in_bulk([pk for pk, _why in rows])
        return [(pk, str(names.get(pk, pk)), _(str(WHY[why]))) for pk, why in rows]

    # Doing it -----------------------------------------------------------------------

    def run(self, counts, signature):
        """Take back what was planned, as counted; the caller holds the transaction."""
        self._restore()
        for field in self.records.m2m_fields:
            self._restore_links(field)
        self._record("~", signature)
        self._record("-", signature)
        self._remove(counts.removed)
        written = counts.removed + counts.restored
        keep_statistics(self.connection, written, *self.records.tables)

    def _restore(self):
        columns = [column for column in self.records.columns if column != self.pk]
        values = ", ".join(f"{column} = h.{column}" for column in columns)
        self.execute(
            f"""
            UPDATE {self.live} SET {values}
            FROM import_undo u JOIN {self.history} h ON h.history_id = u.previous_id
            WHERE u.kind = '~' AND u.why = '' AND {self.live}.{self.pk} = u.pk
            """
        )

    def _restore_links(self, field):
        """Links return to those of before, where what they led to is still there."""
        live, history, source, target, _columns = self.records.links(field)
        related = field.related_model._meta
        related_pk = self.quote(related.pk.column)
        self.execute(
            f"""
            DELETE FROM {live}
            WHERE {source} IN (SELECT pk FROM import_undo WHERE kind = '~' AND why = '')
            AND NOT EXISTS (
                SELECT 1 FROM import_undo u JOIN {history} h ON h.history_id = u.previous_id
                WHERE u.pk = {live}.{source} AND h.{target} = {live}.{target}
            )
            """
        )
        self.execute(
            f"""
            INSERT INTO {live} ({source}, {target})
            SELECT u.pk, h.{target}
            FROM import_undo u JOIN {history} h ON h.history_id = u.previous_id
            JOIN {self.quote(related.db_table)} r ON r.{related_pk} = h.{target}
            WHERE u.kind = '~' AND u.why = '' AND NOT EXISTS (
                SELECT 1 FROM {live} m WHERE m.{source} = u.pk AND m.{target} = h.{target}
            )
            ORDER BY u.pk, h.{target}
            """
        )

    def _record(self, history_type, signature):
        """`~` for what was restored, `-` for what is about to be removed."""
        kind = "~" if history_type == "~" else "+"
        undone = f"SELECT pk FROM import_undo WHERE kind = '{kind}' AND why = ''"
        self.records.write(
            f"live.{self.pk} IN ({undone})",
            history_type=history_type,
            signature=signature,
        )

    def _remove(self, count):
        created = "(SELECT pk FROM import_undo WHERE kind = '+' AND why = '')"
        for field in self.records.m2m_fields:
            live, _history, source, *_rest = self.records.links(field)
            self.execute(f"DELETE FROM {live} WHERE {source} IN {created}")
        with checked_as_a_whole(self.connection, self.live, count):
            self.execute(f"DELETE FROM {self.live} WHERE {self.pk} IN {created}")
