"""What the model's constraints say of the staged rows, by the constraints' own SQL.

A row that the database would refuse is a reject with its number, not an IntegrityError.
"""

from typing import TYPE_CHECKING, Any

from django.db.models import CheckConstraint

from backoffice.tables.table import UniqueKey, field_names

if TYPE_CHECKING:
    from backoffice.imports.checks import Checks


class Constraints:
    """The constraints of a model, and rejects for the rows that break one.

    The match key is left to the checks. A constraint of another kind, such as PostgreSQL's
    exclusion, is left to the database, which refuses the import as a whole.
    """

    def __init__(self, checks: "Checks") -> None:
        self.checks, self.rows, self.table = checks, checks.rows, checks.table
        self.taken = checks.staging.taken

    def reject_refused(self) -> None:
        """Values that a check of the database refuses, each row by itself."""
        for constraint in self.table.constraints:
            if isinstance(constraint, CheckConstraint):
                self._reject_refused(constraint)

    def reject_taken(self) -> None:
        """Values that are unique and belong to another row, of the file or of the table."""
        for key in self.unique_keys():
            self._reject_taken(key)

    def unique_keys(self) -> list[UniqueKey]:
        """What is unique beside the match key."""
        keys = list(self.table.unique_keys)
        if self.table.pk_field in self.rows.fields:
            name = self.table.pk_field.name
            keys.append(UniqueKey((name,), (name,)))
        match = UniqueKey(self.checks.match, self.checks.match)
        if self.rows.is_cleaned:  # clean() may have made another record's key of a row's
            return [*keys, match]
        return [
            key
            for key in keys
            if set(key.fields) != set(match.fields)
            or key.expressions != key.fields
            or not key.nulls_distinct
        ]

    def _reject_taken(self, key: UniqueKey) -> None:
        columns = [f"key_{i}_" for i in range(len(key.expressions))]
        names = {*key.fields, *field_names(key.condition)}
        staged, params = self._staged(names, key)
        self.checks.reject_repeated(
            staged, columns, key.fields, params, nulls_distinct=key.nulls_distinct
        )
        # Once more: a row that has been rejected since takes nothing.
        staged, params = self._staged(names, key)
        # What the database keeps unique is so among all records, seen or not.
        is_kept = key in self.table.unique_keys or key.fields == (self.table.pk_field.name,)
        among = self.table.name if is_kept and key.is_kept_by_database else self.rows.live
        every = f"SELECT NULL AS line_, live.{self.table.pk} AS pk_, live.* FROM {among} live"
        live, live_params = self.table.keyed(every, [], key)
        equals = "=" if key.nulls_distinct else "IS NOT DISTINCT FROM"
        on = " AND ".join(f"live.{column} {equals} staged.{column}" for column in columns)
        owner = self.rows.accepted("AND", "plan.line")
        self.table.execute(
            f"""
            INSERT INTO {self.taken} (line, field, owner)
            SELECT staged.line_, %s, min(plan.line)
            FROM ({staged}) staged JOIN ({live}) live ON {on}
            LEFT JOIN {self.checks.staging.plan} plan
                ON plan.pk = live.pk_ AND plan.action = 'updated'{owner}
            WHERE staged.pk_ IS NULL OR live.pk_ <> staged.pk_
            GROUP BY staged.line_
            """,
            [", ".join(key.fields), *params, *live_params],
        )
        self.reject_takers()

    def reject_takers(self) -> None:
        """Rows that take a value which its record keeps, for no row that is taken changes it.

        Two rows of the file may so exchange their values. Where one is rejected the other is.
        """
        rejects = self.checks.staging.rejects
        self.checks.reject(
            f"""
            WITH RECURSIVE gone (line) AS (
                SELECT line FROM {self.taken} WHERE owner IS NULL
                    OR owner IN (SELECT line FROM {rejects})
                UNION SELECT taken.line FROM {self.taken} taken
                      JOIN gone ON gone.line = taken.owner
            )
            SELECT taken.line, taken.field, '', 'taken', '', CAST(NULL AS bigint)
            FROM {self.taken} taken JOIN gone ON gone.line = taken.line
            WHERE taken.line NOT IN (SELECT line FROM {rejects})
            """
        )

    def _staged(self, names: set[str], key: UniqueKey) -> tuple[str, list[Any]]:
        rows, params = self.rows.as_written(names)
        if not key.is_kept_by_database:  # rows may break it that nobody touches
            rows = f"SELECT * FROM ({rows}) written WHERE action_ <> 'unchanged'"
        return self.table.keyed(rows, params, key)

    def _reject_refused(self, constraint: CheckConstraint) -> None:
        names = field_names(constraint.condition)
        rows, params = self.rows.as_written(set(names))
        sql, more = self.table.compile(constraint.condition)
        self.checks.reject(
            f"SELECT line_, %s, '', 'refused', %s, NULL FROM ({rows}) written"
            f" WHERE NOT ({sql})",
            [", ".join(names), str(constraint.get_violation_error_message()), *params, *more],
        )
