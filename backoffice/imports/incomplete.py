"""New rows that lack what a record can't be made without."""

from typing import TYPE_CHECKING

from backoffice.imports.clean import Column
from backoffice.tables.table import ModelField

if TYPE_CHECKING:
    from backoffice.imports.checks import Checks


class Incomplete:
    """Rejects for new rows without a column or a value that they need."""

    def __init__(self, checks: "Checks") -> None:
        self.checks, self.rows, self.table = checks, checks.rows, checks.table
        self.staging = checks.staging

    def reject(self) -> None:
        """New rows need a column for every field that has no value of its own."""
        given = {column.model_field for column in self.staging.columns}
        lacking = [
            (field.name, "missing", "")
            for field in self.table.columns
            if field not in given and not self._has_value(field)
        ]
        lacking += [
            (
                column.name,
                "empty",
                f" WHERE staged.{self.table.column(column.model_field)} IS NULL",
            )
            for column in self.staging.values
            if self._needs_a_value(column)
        ]
        lacking += [
            (
                column.name,
                "empty",
                f" WHERE NOT EXISTS (SELECT 1 FROM {self.staging.links_of(column)} listed"
                " WHERE listed.line = staged.line_)",
            )
            for column in self.staging.links
            if not column.model_field.blank
        ]
        if lacking:  # at once, so that a row is told all that it lacks
            self.checks.reject(
                " UNION ALL ".join(
                    f"SELECT staged.line_, %s, '', '{code}', '', CAST(NULL AS bigint)"
                    f" FROM ({self.rows.new_rows()}) staged{where}"
                    for _name, code, where in lacking
                ),
                [name for name, _code, _where in lacking],
            )
        self._mark_twins()

    def _mark_twins(self) -> None:
        """Of the rows that lack a value, mark those whose record another row may make.

        Such a row would update that record when it comes again, as it stands.
        """
        rejects = self.staging.rejects
        if not self.table.fetch(f"SELECT 1 FROM {rejects} WHERE code = 'empty' LIMIT 1"):
            return
        keys = self.checks.twins.others + (["look_"] if self.staging.texts else [])
        equal = " AND ".join(f"made.{key} = staged.{key}" for key in keys)
        every, new = self.rows.staged(every=True), self.rows.new_rows()
        self.table.execute(
            f"""
            UPDATE {rejects} SET code = 'twin' WHERE code = 'empty' AND line IN (
                SELECT staged.line_ FROM ({self.rows.repeated(every)}) staged
                JOIN ({self.rows.repeated(new)}) made ON {equal}
                WHERE staged.line_ IN (SELECT line FROM {rejects} WHERE code = 'empty'))
            """
        )

    def _needs_a_value(self, column: Column) -> bool:
        """Whether a new row can't be made of a blank cell in the column, which keeps."""
        field = column.model_field
        if not column.keeps or field.null or field in self.staging.made:
            return False
        return column.kind != "value" or self.rows.blanks.get(field) is None

    def _has_value(self, field: ModelField) -> bool:
        """Whether a new row gets a value that will do in a field that the file doesn't give."""
        if field.primary_key:
            return self.table.counts_keys or field in self.staging.made
        if field in self.rows.constants:
            usual = field.null or field.blank or field.has_default()
            return usual and (field.null or self.rows.constants[field] is not None)
        return True
