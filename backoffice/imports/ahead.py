"""What an import is about to write, found before its table is locked.

The checks take as long as some of the writing. They need no lock while nobody writes to what
they compare with; whether somebody did, the database says once the table is locked.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from django.contrib.admin.utils import get_fields_from_path

from backoffice.changes.counts import Counts
from backoffice.imports.clean import Column
from backoffice.tables.planner import expect_many, many
from backoffice.tables.standstill import can_be_proven, one_moment
from backoffice.tables.table import Table

if TYPE_CHECKING:
    from backoffice.imports.engine import Import

Found = tuple[Counts, Sequence[str] | None]


class Ahead:
    """rows: of the file · find: runs the checks, with True under the lock; what they found."""

    def __init__(self, imported: "Import", rows: int, find: Callable[[bool], Found]) -> None:
        self.imported, self.rows, self.find = imported, rows, find
        self._found: Found | None = None
        self._still: Callable[[], bool] = lambda: False

    def look(self) -> None:
        """Find it, if it may be found now. The caller has no lock."""
        if not self._is_worth_it():
            return
        with one_moment(*self._tables()) as self._still:
            self._found = self.find(False)

    def under_lock(self) -> Found:
        """What is found now, in the transaction that has locked the table."""
        if self._found is None or not self._still():
            return self.find(True)
        expect_many(self.rows, self.imported.table)
        return self._found

    def _is_worth_it(self) -> bool:
        """Whether the checks take longer than to prove that they need no repetition.

        That reads the tables once more. Not where they depend on more than these: on what
        users may see, on other records that a mirror deletes, on a model's own clean(), or on
        keys that are reserved under the lock.
        """
        imported, checks = self.imported, self.imported.checks
        depends_on_more = (
            imported.seen
            or imported.mirror
            or imported.staging.cleaned_fields
            or checks.references.to_itself
            or imported.table.opts.parents
            or imported.connection.in_atomic_block  # it may have written them itself
            or any(column.records.query.where for column in self._references())
        )
        if depends_on_more:
            return False
        tables = self._tables()
        return self.rows >= many(*tables) and can_be_proven(*tables)

    def _references(self) -> list[Column]:
        staging = self.imported.staging
        return [*staging.references, *staging.links]

    def _tables(self) -> list[Table]:
        """Those that the file is compared with: the model's, of its links, of references."""
        table = self.imported.table
        models = [table.link(c.model_field).through for c in self.imported.staging.links]
        for column in self._references():
            key = column.resource_field.widget.key
            paths = (get_fields_from_path(key.model, path) for path in key.paths)
            models += [key.model, *(field.model for path in paths for field in path)]
        others = [Table(model, table.connection) for model in dict.fromkeys(models)]
        return [table, *others]
