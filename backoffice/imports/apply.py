"""Writing what the checks planned: live rows, links and history, in one transaction.

The caller holds the transaction; a statement that fails leaves nothing behind.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from backoffice import keepers
from backoffice.changes.counts import Counts
from backoffice.history.records import Records, Signature
from backoffice.imports.checks import Checks
from backoffice.imports.clean import Column
from backoffice.tables.indexes import ENOUGH, made_again
from backoffice.tables.planner import keep_statistics
from backoffice.tables.search_index import filled_at_once
from backoffice.tables.table import Link

CHUNK = 1_000  # rows whose links are made as instances at once


class Apply:
    def __init__(self, checks: Checks) -> None:
        self.checks, self.staging, self.rows = checks, checks.staging, checks.rows
        self.table = checks.table
        self.records = Records(self.table)

    def run(self, counts: Counts, signature: Signature) -> None:
        """Write it all, as counted, with history that is signed so. Raises LockedOut."""
        with keepers.kept(self.table.connection.alias, self.table.model):
            self._run(counts, signature)

    def _run(self, counts: Counts, signature: Signature) -> None:
        live = f"live.{self.table.pk}"
        if counts.updated:
            self.records.write_missing(self._updated(), signature.date)
            self._update()
        if counts.new and (created := self._create(counts.new)) != counts.new:
            raise RuntimeError(f"{created} rows created, where {counts.new} were counted")
        for column in self.staging.links:
            self._write_links(column, self.table.link(column.model_field))
        if counts.updated:
            self.records.write(
                f"{live} IN ({self._updated()})", history_type="~", signature=signature
            )
        if counts.new:
            self.records.write(self._is_new(live), history_type="+", signature=signature)
        keep_statistics(
            self.table.connection, counts.new + counts.updated, *self.records.tables
        )

    def _updated(self) -> str:
        return f"SELECT plan.pk FROM {self.staging.plan} plan WHERE plan.action = 'updated'"

    def _is_new(self, live: str) -> str:
        """The condition that the key `live` is a new row's."""
        if self._counts_on:
            return f"{live} > {self.rows.base:d}"
        return f"{live} IN (SELECT new.pk_ FROM ({self.rows.keyed('new')}) new)"

    @property
    def _counts_on(self) -> bool:
        """Whether all new keys are counted up, so that they are above all others."""
        return self.table.counts_keys and self.table.pk_field not in self.rows.fields

    # Live rows ----------------------------------------------------------------------

    def _update(self) -> None:
        new, params = self._new_values(self.table.name)
        if not new:
            return
        planned = (
            f"({self.rows.staged()}) staged"
            f" JOIN {self.staging.plan} plan ON plan.line = staged.line_"
        )
        with self._set_aside() as aside:
            values = ", ".join(f"{name} = {value}" for name, value in new.items())
            self.table.execute(
                f"""
                UPDATE {self.table.name} SET {values} FROM {planned}
                WHERE plan.action = 'updated' AND {self.table.name}.{self.table.pk} = plan.pk
                """,
                params,
            )
            if aside:
                columns = {
                    self.table.column(f): f"live.{self.table.column(f)}"
                    for f in self.table.columns
                }
                new, params = self._new_values("live")
                values = ", ".join((columns | new).values())
                self.table.execute(
                    f"""
                    INSERT INTO {self.table.name} ({", ".join(columns)}) SELECT {values}
                    FROM {planned} JOIN {aside} live ON live.{self.table.pk} = plan.pk
                    """,
                    params,
                )

    def _new_values(self, live: str) -> tuple[dict[str, str], list[Any]]:
        """`{column: value}` of what is written to the row `live`, and the values' params."""
        new = {
            self.table.column(field): self.rows.new_value(field, live)
            for field in self.rows.fields
            if not field.primary_key and field not in self.rows.protected
        }
        params = []
        for field, value in self.rows.constants.items():
            if getattr(field, "auto_now", False):
                new[self.table.column(field)] = "%s"
                params.append(value)
        return new, params

    @contextlib.contextmanager
    def _set_aside(self) -> Iterator[str]:
        """Take records out whose unique values other rows get; the table that has them, or "".

        The database compares each row that an UPDATE writes with those that it has yet to
        write. Foreign keys are compared when the transaction ends, and they are back by then.
        """
        given_up = (
            f"SELECT plan.pk FROM {self.staging.plan} plan JOIN {self.staging.taken} taken"
            " ON taken.owner = plan.line WHERE plan.action = 'updated'"
        )
        if not self.table.fetch(f"{given_up} LIMIT 1"):
            yield ""
            return
        aside = self.staging.aside
        columns = ", ".join(map(self.table.column, self.table.columns))
        these = f"WHERE {self.table.pk} IN ({given_up})"
        self.table.execute(
            f"CREATE TABLE {aside} AS SELECT {columns} FROM {self.table.name} {these}"
        )
        self.table.execute(f"DELETE FROM {self.table.name} {these}")
        yield aside
        self.table.execute(f"DROP TABLE {aside}")

    def _create(self, new: int) -> int:
        """Insert the new rows, which were counted as `new`; how many there were."""
        if self.table.counts_keys and self.rows.base is None:
            # The keys are known beforehand, so history and links need no look-up. They
            # have gaps where the file has rows that aren't new.
            self.rows.base = self.checks.count_keys(reserve=True)
        columns, values, params = [self.table.pk], [self._new_key()], []
        for field in self.table.columns:
            if field.primary_key:
                continue
            if field in self.rows.fields:
                value, more = self.rows.first_value(field)
                params += more
            elif field in self.staging.made or field in self.rows.constants:
                value, more = self.rows.given_by_itself(field)
                params += more
            else:
                continue  # the database gives it
            columns.append(self.table.column(field))
            values.append(value)
        made = f"JOIN {self.staging.made_values} made ON made.line = staged.line_"
        search_index = filled_at_once(self.table, new, self._is_new(self.table.pk))
        with search_index, made_again(self.table, new) as without_indexes:
            order = "staged.line_" if without_indexes else self._order(new)
            return self.table.execute(
                f"""
                INSERT INTO {self.table.name} ({", ".join(columns)})
                SELECT {", ".join(values)} FROM ({self.rows.new_rows()}) staged
                {made if self.staging.made else ""} ORDER BY {order}
                """,
                params,
            )

    def _order(self, new: int) -> str:
        """In which order new rows are inserted.

        Their keys follow the lines of the file either way. Many rows that come in the order of
        the match key, which an index has, take SQLite half the time, and PostgreSQL 34 s where
        a million shuffled ones beside a million others took 41.
        """
        by = ["line_"]
        if new >= ENOUGH and self._counts_on:
            by = [*self.checks.key_columns, "line_"]
        return ", ".join(f"staged.{column}" for column in by)

    def _new_key(self) -> str:
        if self.table.pk_field in self.rows.fields and not self.table.counts_keys:
            given = f"staged.{self.table.pk}"
            if self.table.pk_field not in self.staging.made:
                return given
        return self.rows.key("staged.line_")

    # Links --------------------------------------------------------------------------

    def _write_links(self, column: Column, link: Link) -> None:
        """Make each written row's links what its cell lists, no more and no less."""
        if not column.protected:
            self._remove_links(column, link)
        written = self.rows.keyed("new", *(() if column.protected else ("updated",)))
        self._add_links(link, self.rows.wanted_links(column, written))
        if column.is_symmetrical:
            self._add_links(
                link,
                f"SELECT written.line_, link.{link.target} AS pk_, link.{link.source} AS target"
                f" FROM {link.table} link"
                f" JOIN ({written}) written ON written.pk_ = link.{link.source}",
            )

    def _remove_links(self, column: Column, link: Link) -> None:
        """Remove the links of updated rows that their cells don't list."""
        self.table.execute(f"DELETE FROM {link.table} WHERE {self._is_removed(column, link)}")
        if column.is_symmetrical:
            changed = self._relinked(column)
            self.table.execute(
                f"""
                DELETE FROM {link.table}
                WHERE {link.target} IN ({changed})
                AND NOT EXISTS (
                    SELECT 1 FROM {link.table} mirrored
                    WHERE mirrored.{link.source} = {link.table}.{link.target}
                    AND mirrored.{link.target} = {link.table}.{link.source}
                )
                """
            )

    def _relinked(self, column: Column) -> str:
        """SELECT of the updated rows whose cells say which links there shall be."""
        return f"{self._updated()} AND {self.rows.lists_links(column, 'plan.line')}"

    def _is_removed(self, column: Column, link: Link) -> str:
        """The condition that a link of an updated row is not in its cell."""
        wanted = self.rows.wanted_links(column, self.rows.existing())
        seen = self.rows.sees_link(column, f"{link.table}.{link.target}")
        return f"""{link.source} IN ({self._relinked(column)}){seen}
            AND NOT EXISTS (
                SELECT 1 FROM ({wanted}) wanted
                WHERE wanted.pk_ = {link.table}.{link.source}
                AND wanted.target = {link.table}.{link.target}
            )"""

    def count_removed_links(self) -> dict[str, tuple[int, int]]:
        """By field, how many links updates remove, and from how many records, if any."""
        found = {}
        for column in self.staging.links:
            link = self.table.link(column.model_field)
            if not column.protected:
                ((links, records),) = self.table.fetch(
                    f"SELECT count(*), count(DISTINCT {link.source}) FROM {link.table}"
                    f" WHERE {self._is_removed(column, link)}"
                )
                found[column.name] = (links, records)
        return {name: numbers for name, numbers in found.items() if numbers[0]}

    def _add_links(self, link: Link, wanted: str) -> None:
        """Add those of `wanted` (`line_`, `pk_`, `target`) that aren't there yet."""
        absent = f"""
            SELECT wanted.pk_, wanted.target FROM ({wanted}) wanted
            WHERE NOT EXISTS (
                SELECT 1 FROM {link.table} link
                WHERE link.{link.source} = wanted.pk_ AND link.{link.target} = wanted.target
            )
        """
        if link.is_plain:
            self.table.execute(
                f"INSERT INTO {link.table} ({link.source}, {link.target}) {absent}"
                " ORDER BY wanted.line_, wanted.target"
            )
            return
        # Django knows the defaults of the other columns, and the keys.
        ends = (link.field.m2m_field_name(), link.field.m2m_reverse_field_name())
        source, target = (f"{name}_id" for name in ends)
        links = link.through._base_manager.using(self.table.connection.alias)
        ((last,),) = self.table.fetch(f"SELECT max(line) FROM {self.staging.rows}")
        for line in range(0, (last or 0) + 1, CHUNK):
            rows = self.table.fetch(
                f"{absent} AND wanted.line_ BETWEEN %s AND %s ORDER BY wanted.line_",
                [line, line + CHUNK - 1],
            )
            links.bulk_create(
                [link.through(**{source: key, target: other}) for key, other in rows]
            )
