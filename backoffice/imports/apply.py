"""Writing what the checks planned: live rows, links and history, in one transaction.

The caller holds the transaction; a statement that fails leaves nothing behind.
"""

from backoffice.history.records import Records
from backoffice.tables.planner import LOCK, keep_statistics


class Apply:
    def __init__(self, checks):
        self.checks, self.staging, self.model = checks, checks.staging, checks.model
        self.connection, self.quote = checks.connection, checks.quote
        self.table, self.pk = checks.table, checks.pk
        self.records = Records(self.connection, self.model)
        #: New rows get the primary keys above this one; None where there are none.
        self.base = None

    def lock(self):
        """Keep other writers from the table between the checks and the writing.

        A match key need not be unique in the database, so only a lock keeps two imports
        from creating the same record. On SQLite the transaction itself is the lock.
        """
        if self.staging.is_postgresql:
            self.checks.execute(LOCK % self.table)

    def run(self, counts, *, user=None, reason=""):
        """Write it all, as counted; `user` and `reason` are for history."""
        self.user_id, self.reason = user.pk if user else None, reason[:100]
        if counts.updated:
            self.records.write_missing(self.updated())
            self.update()
        if counts.new and (created := self.create()) != counts.new:
            raise RuntimeError(f"{created} rows created, where {counts.new} were counted")
        self.write_links()
        live = f"live.{self.pk}"
        if counts.updated:
            self.record("~", f"{live} IN ({self.updated()})")
        if counts.new:
            self.record("+", f"{live} > {self.base:d}")
        keep_statistics(self.connection, counts.new + counts.updated, *self.records.tables)

    # Live rows ----------------------------------------------------------------------

    def written_columns(self):
        return [self.checks.column(column) for column in self.staging.values]

    def update(self):
        values = [
            f"{self.checks.column(c)} = {self.checks.new_value(c, self.table)}"
            for c in self.staging.values
        ]
        params = []
        for field, value in self.checks.own_values(add=False):
            values.append(f"{self.quote(field.column)} = %s")
            params.append(value)
        self.checks.execute(
            f"""
            UPDATE {self.table} SET {", ".join(values)}
            FROM ({self.checks.staged()}) s JOIN import_plan p ON p.line = s.line
            WHERE p.action = 'updated' AND {self.table}.{self.pk} = p.pk
            """,
            params,
        )

    def create(self):
        """Insert the new rows; how many there were."""
        ((last_line,),) = self.checks.fetch("SELECT max(line) FROM import_rows")
        # The keys are known beforehand, so history and links need no look-up. They have
        # gaps where the file has rows that aren't new.
        self.base = self.reserve_keys(last_line)
        columns, own = self.written_columns(), list(self.checks.own_values(add=True))
        names = [self.pk, *columns, *(self.quote(field.column) for field, _value in own)]
        key = f"s.line + {self.base:d}"
        values = [key, *(f"s.{column}" for column in columns), *["%s"] * len(own)]
        return self.checks.execute(
            f"""
            INSERT INTO {self.table} ({", ".join(names)})
            SELECT {", ".join(values)} FROM ({self.checks.new_rows()}) s ORDER BY s.line
            """,
            [value for _field, value in own],
        )

    def reserve_keys(self, count):
        """A number that primary keys `+ 1 … + count` are free above, and stay so."""
        table, pk = self.model._meta.db_table, self.model._meta.pk.column
        if self.staging.is_postgresql:
            # Nobody else draws from the sequence: `lock` keeps them from inserting.
            ((sequence,),) = self.checks.fetch(
                "SELECT pg_get_serial_sequence(%s, %s)", [self.table, pk]
            )
            ((base,),) = self.checks.fetch(
                f"SELECT greatest(nextval(%s), (SELECT max({self.pk}) FROM {self.table}))",
                [sequence],
            )
            self.checks.execute("SELECT setval(%s, %s)", [sequence, base + count])
            return base
        # AUTOINCREMENT moves its counter past the keys that are inserted by itself.
        ((base,),) = self.checks.fetch(
            f"""
            SELECT max(coalesce((SELECT max({self.pk}) FROM {self.table}), 0),
                       coalesce((SELECT seq FROM sqlite_sequence WHERE name = %s), 0))
            """,
            [table],
        )
        return base

    # Links --------------------------------------------------------------------------

    def updated(self):
        return "SELECT p.pk FROM import_plan p WHERE p.action = 'updated'"

    def written(self):
        """SELECT of the rows that are written, new ones too: `line`, `pk`."""
        key = "p.pk" if self.base is None else f"coalesce(p.pk, p.line + {self.base:d})"
        return (
            f"SELECT p.line, {key} AS pk FROM ({self.checks.planned()}) p"
            " WHERE p.action IN ('new', 'updated')"
        )

    def write_links(self):
        """Make each written row's links what its cell lists, no more and no less."""
        for column in self.staging.links:
            table, source, target = self.checks.link_table(column)
            wanted = self.checks.wanted_links(column)
            self.checks.execute(
                f"""
                DELETE FROM {table}
                WHERE {source} IN ({self.updated()} AND {self.checks.lists_links(column)})
                AND NOT EXISTS (
                    SELECT 1 FROM ({wanted}) w
                    WHERE w.pk = {table}.{source} AND w.target = {table}.{target}
                )
                """
            )
            wanted = self.checks.wanted_links(column, f"({self.written()})")
            self.checks.execute(
                f"""
                INSERT INTO {table} ({source}, {target})
                SELECT w.pk, w.target FROM ({wanted}) w
                WHERE NOT EXISTS (
                    SELECT 1 FROM {table} m WHERE m.{source} = w.pk AND m.{target} = w.target
                )
                ORDER BY w.line, w.target
                """
            )

    # History ------------------------------------------------------------------------

    def record(self, history_type, condition):
        self.records.write(
            condition, history_type=history_type, reason=self.reason, user_id=self.user_id
        )
