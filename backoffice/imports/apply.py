"""Writing what the checks planned: live rows, links and history, in one transaction.

The caller holds the transaction; a statement that fails leaves nothing behind.
"""

from backoffice.history.records import Records
from backoffice.tables.planner import keep_statistics


class Apply:
    def __init__(self, checks):
        self.checks, self.staging, self.model = checks, checks.staging, checks.model
        self.table = checks.table
        self.connection, self.pk = self.table.connection, self.table.pk
        self.records = Records(self.connection, self.model)
        #: New rows get the primary keys above this one; None where there are none.
        self.base = None

    def run(self, counts, signature):
        """Write it all, as counted, with history that is signed so."""
        if counts.updated:
            self.records.write_missing(self.updated(), signature.date)
            self.update()
        if counts.new and (created := self.create()) != counts.new:
            raise RuntimeError(f"{created} rows created, where {counts.new} were counted")
        self.write_links()
        live = f"live.{self.pk}"
        if counts.updated:
            self.records.write(
                f"{live} IN ({self.updated()})", history_type="~", signature=signature
            )
        if counts.new:
            self.records.write(f"{live} > {self.base:d}", history_type="+", signature=signature)
        keep_statistics(self.connection, counts.new + counts.updated, *self.records.tables)

    # Live rows ----------------------------------------------------------------------

    def written_columns(self):
        return [self.checks.column(column) for column in self.staging.values]

    def update(self):
        values = [
            f"{self.checks.column(c)} = {self.checks.new_value(c, self.table.name)}"
            for c in self.staging.values
        ]
        params = []
        for field, value in self.checks.own_values(add=False):
            values.append(f"{self.table.column(field)} = %s")
            params.append(value)
        self.table.execute(
            f"""
            UPDATE {self.table.name} SET {", ".join(values)}
            FROM ({self.checks.staged()}) s JOIN import_plan p ON p.line = s.line
            WHERE p.action = 'updated' AND {self.table.name}.{self.pk} = p.pk
            """,
            params,
        )

    def create(self):
        """Insert the new rows; how many there were."""
        ((last_line,),) = self.table.fetch("SELECT max(line) FROM import_rows")
        # The keys are known beforehand, so history and links need no look-up. They have
        # gaps where the file has rows that aren't new.
        self.base = self.table.reserve_keys(last_line)
        columns, own = self.written_columns(), list(self.checks.own_values(add=True))
        names = [self.pk, *columns, *(self.table.column(field) for field, _value in own)]
        key = f"s.line + {self.base:d}"
        values = [key, *(f"s.{column}" for column in columns), *["%s"] * len(own)]
        return self.table.execute(
            f"""
            INSERT INTO {self.table.name} ({", ".join(names)})
            SELECT {", ".join(values)} FROM ({self.checks.new_rows()}) s ORDER BY s.line
            """,
            [value for _field, value in own],
        )

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
            link = self.table.link(column.model_field)
            wanted = self.checks.wanted_links(column)
            self.table.execute(
                f"""
                DELETE FROM {link.table}
                WHERE {link.source} IN ({self.updated()} AND {self.checks.lists_links(column)})
                AND NOT EXISTS (
                    SELECT 1 FROM ({wanted}) w
                    WHERE w.pk = {link.table}.{link.source}
                    AND w.target = {link.table}.{link.target}
                )
                """
            )
            wanted = self.checks.wanted_links(column, f"({self.written()})")
            self.table.execute(
                f"""
                INSERT INTO {link.table} ({link.source}, {link.target})
                SELECT w.pk, w.target FROM ({wanted}) w
                WHERE NOT EXISTS (
                    SELECT 1 FROM {link.table} m
                    WHERE m.{link.source} = w.pk AND m.{link.target} = w.target
                )
                ORDER BY w.line, w.target
                """
            )
