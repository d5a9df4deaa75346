"""Rows that would take a record out of what whoever imports may see, or put a new one there.

What a queryset's own SQL says of a record is asked of it as it would be written: the rows stand
in the place of the model's table, and the links that they would have in that of the links'.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.core.exceptions import EmptyResultSet

from backoffice.changes.keys import compiled
from backoffice.imports.clean import Column
from backoffice.imports.seen import Seen

if TYPE_CHECKING:
    from backoffice.imports.checks import Checks

#: The code of a row whose record could not be seen once it is written.
OUTSIDE = "outside"
#: Of a row that would take away a reference to a record that can't be seen.
KEPT = "kept"


class Outside:
    def __init__(self, checks: "Checks", seen: Seen) -> None:
        self.checks, self.rows, self.table, self.seen = checks, checks.rows, checks.table, seen
        self.staging = checks.staging
        self.scratch = self.staging.scratch
        self.written = self.scratch.name("import_written")

    def reject(self) -> None:
        """Reject those rows. The references and the records of the rows are found by now."""
        links = [column for column in self.staging.links if not column.protected]
        try:
            self._write_down(links)
            self._reject_kept()
            self._reject_outside(links)
        finally:
            if not self.table.connection.needs_rollback:
                self._drop(links)

    def _drop(self, links: list[Column]) -> None:
        self.scratch.drop(self.written, *map(self._linked, links))

    def _linked(self, column: Column) -> str:
        return self.scratch.name(f"import_linked_{column.name}")

    def _write_down(self, links: list[Column]) -> None:
        """Put the records as they would be, and their links, into tables of their own."""
        names = {field.name for field in self.table.opts.concrete_fields}
        sql, params = self.rows.as_written({*names, ""})
        pk = self.table.pk
        self.scratch.create(self.written, f"AS {sql}", params)
        # Keys that the database has yet to count: of any number that no record has.
        self.table.execute(f"UPDATE {self.written} SET {pk} = - line_ WHERE {pk} IS NULL")
        owners = f"SELECT line_, {pk} AS pk_ FROM {self.written}"
        for column in links:
            link = self.table.link(column.model_field)
            kept = f"(NOT {self.rows.lists_links(column, 'plan.line')}"
            hidden = f" OR NOT {self.seen.has(column, f'link.{link.target}')})"
            self.scratch.create(
                self._linked(column),
                f"AS SELECT wanted.pk_ AS source, wanted.target"
                f" FROM ({self.rows.wanted_links(column, owners)}) wanted"
                f" UNION SELECT link.{link.source}, link.{link.target} FROM {link.table} link"
                f" JOIN {self.staging.plan} plan ON plan.pk = link.{link.source}"
                f" WHERE {kept}{hidden}",
            )

    def _reject_kept(self) -> None:
        for column in self.staging.references:
            name = self.table.column(column.model_field)
            is_seen = self.seen.has(column, f"live.{name}")
            self.checks.reject(
                f"SELECT written.line_, %s, '', '{KEPT}', '', NULL FROM {self.written} written"
                f" JOIN {self.table.name} live ON live.{self.table.pk} = written.pk_"
                f" WHERE live.{name} IS NOT NULL AND NOT {is_seen}"
                f" AND live.{name} IS DISTINCT FROM written.{name}",
                [column.name],
            )

    def _reject_outside(self, links: list[Column]) -> None:
        found = (
            f"SELECT written.line_, '', '', '{OUTSIDE}', '', NULL FROM {self.written} written"
        )
        try:
            within, params = compiled(self.seen.rows().order_by().values("pk"), self.table)
        except EmptyResultSet:
            self.checks.reject(found)
            return
        instead = ", ".join(f"{name} AS ({sql})" for name, sql in self._tables(links))
        self.checks.reject(
            f"WITH {instead} {found} WHERE written.{self.table.pk} NOT IN ({within})", params
        )

    def _tables(self, links: list[Column]) -> Iterator[tuple[str, str]]:
        """The tables that rows stand in the place of, each with what it has then."""
        columns = ", ".join(map(self.table.column, self.table.opts.concrete_fields))
        yield self.table.name, f"SELECT {columns} FROM {self.written}"
        for column in links:
            link = self.table.link(column.model_field)
            yield (
                link.table,
                f"SELECT source AS {link.source}, target AS {link.target}"
                f" FROM {self._linked(column)}",
            )
