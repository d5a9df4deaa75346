"""Checksums of records as they are, so that one that changes after the check is noticed."""

import marshal
import zlib
from collections.abc import Iterator
from itertools import groupby, repeat
from operator import itemgetter
from typing import TYPE_CHECKING

from backoffice.imports.clean import Column

if TYPE_CHECKING:
    from backoffice.imports.engine import Import

CHUNK = 5_000


def checksums(
    imported: "Import", *, after: int = 0, until: int | None = None
) -> Iterator[list[tuple[int, int]]]:
    """`(line, checksum)` of the rows that would update a record, in the order of the file.

    Of the record's key, of its values in the columns of the file and of its links, as they are
    stored. after, until: lines.
    """
    staging, table, rows = imported.staging, imported.table, imported.checks.rows
    columns = ["plan.pk", *(f"live.{table.column(field)}" for field in rows.fields)]
    # SQLite's driver makes dates of a column, but not of an expression.
    stored = "CAST({} AS text)" if table.vendor == "postgresql" else "+{}"
    selected = ", ".join(["plan.line", *map(stored.format, columns)])
    last = "" if until is None else f"AND plan.line <= {until:d}"
    while found := table.fetch(
        f"""
        SELECT {selected} FROM {staging.plan} plan
        JOIN {table.name} live ON live.{table.pk} = plan.pk
        WHERE plan.action = 'updated' AND plan.line > %s {last}
        ORDER BY plan.line LIMIT {CHUNK:d}
        """,
        [after],
    ):
        first, after = found[0][0], found[-1][0]
        for column in staging.links:
            targets = _links(imported, column, first, after)
            found = [(*row, targets.get(row[0])) for row in found]
        # A million rows pass here: every step is one call that loops in C. Version 2 of
        # marshal writes equal values alike.
        sums = map(zlib.crc32, map(marshal.dumps, found, repeat(2)))
        yield list(zip(map(itemgetter(0), found), sums, strict=True))


def _links(imported: "Import", column: Column, first: int, last: int) -> dict[int, list[str]]:
    """What the records of these rows are linked to: `{line: targets}`."""
    link = imported.table.link(column.model_field)
    seen = imported.checks.rows.sees_link(column, f"link.{link.target}")
    found = imported.table.fetch(
        f"""
        SELECT plan.line, link.{link.target} FROM {imported.staging.plan} plan
        JOIN {link.table} link ON link.{link.source} = plan.pk{seen}
        WHERE plan.action = 'updated' AND plan.line BETWEEN %s AND %s ORDER BY 1, 2
        """,
        [first, last],
    )
    return {
        line: [str(target) for _line, target in targets]
        for line, targets in groupby(found, key=itemgetter(0))
    }
