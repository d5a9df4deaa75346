"""What an import with limits may see: the keys of those records, in temporary tables.

    seen             pk    of the records of the import's own model
    seen_<column>    pk    what references of the column hold of the records that they may mean

They are filled anew by each run of the checks, so a check and a writing each see what their
users may see at that moment. An import without limits has no such tables, and no statement for
them.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from backoffice.changes.keys import compiled
from backoffice.imports.clean import Column
from backoffice.imports.staging import Staging
from backoffice.querysets.reach import Reach
from backoffice.tables.table import ModelField


class Seen:
    def __init__(self, staging: Staging, reach: Reach) -> None:
        self.staging, self.table, self.reach = staging, staging.table, reach
        self.name = self._name()
        #: The records, in SQL, in the place of the model's table.
        self.records = (
            f"(SELECT * FROM {self.table.name}"
            f" WHERE {self.table.pk} IN (SELECT pk FROM {self.name}))"
        )

    def _name(self, column: str = "") -> str:
        return self.staging.scratch.name(f"import_seen{column and f'_{column}'}")

    def has(self, column: Column, target: str) -> str:
        """The condition that `target`, which a reference holds, is of a record that is seen."""
        return f"{target} IN (SELECT pk FROM {self._name(column.name)})"

    def rows(self) -> QuerySet[Any]:
        """The records of the import's model."""
        return self.reach.records(self.table.model).using(self.table.connection.alias)

    def look(self) -> None:
        """Find out what may be seen now."""
        for name, field, records in self._parts():
            key = self.table.db_type(field)
            self.staging.scratch.create(name, f"(pk {key} PRIMARY KEY)")
            with contextlib.suppress(EmptyResultSet):  # there is nothing to see
                sql, params = compiled(records, self.table)
                self.table.execute(f"INSERT INTO {name} {sql}", params)
            self.staging.analyze(name)

    def _parts(self) -> Iterator[tuple[str, ModelField, QuerySet[Any]]]:
        """Of each table, its name, what field its keys are of, and a query for them."""
        yield self.name, self.table.pk_field, self.rows().order_by().values("pk")
        for column in [*self.staging.references, *self.staging.links]:
            field, records = (
                column.target_field,
                self.reach.records(column.model_field.related_model),
            )
            keys = records.order_by().exclude(**{f"{field.attname}": None})
            yield self._name(column.name), field, keys.values(field.attname)
