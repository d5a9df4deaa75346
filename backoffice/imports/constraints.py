"""What the model's constraints say of the staged rows, by the constraints' own SQL.

A row that the database would refuse is a reject with its number, not an IntegrityError.
"""

from django.db.models import CheckConstraint

from backoffice.tables.table import field_names


class Constraints:
    """The constraints of `checks.model`, and rejects for the rows that break one.

    The match key is left to the checks. A constraint of another kind, such as PostgreSQL's
    exclusion, is left to the database, which refuses the import as a whole.
    """

    def __init__(self, checks):
        self.checks, self.model = checks, checks.model
        self.table = checks.table

    def reject_refused(self):
        """Values that a check of the database refuses, each row by itself."""
        for constraint in self.model._meta.constraints:
            if isinstance(constraint, CheckConstraint):
                self._reject_refused(constraint)

    def reject_taken(self):
        """Values that are unique and belong to another row, of the file or of the table."""
        for key in self.unique_keys():
            self._reject_taken(key)

    def unique_keys(self):
        """All but the match key, of which the checks know already."""
        match = set(self.checks.match)
        return [
            key
            for key in self.checks.table.unique_keys
            if set(key.fields) != match or key.expressions != key.fields
        ]

    # Rows as they would be written ---------------------------------------------------

    def rows(self, names):
        """SELECT of the rows not rejected, `(sql, params)`: `line`, `pk`, and the columns.

        With the columns of the file alone where those are all that is asked for, and none
        keeps its present value.
        """
        plan = "LEFT JOIN import_plan p ON p.line = s.line"
        given = {c.name: c for c in self.checks.staging.values}
        if set(names) <= {name for name, column in given.items() if not column.keep_blank}:
            return f"SELECT s.*, p.pk FROM ({self.checks.staged()}) s {plan}", []
        selected, params = ["s.line", "p.pk"], []
        by_field = {column.model_field: column for column in given.values()}
        own = dict(self.checks.own_values(add=True))
        for field in self.model._meta.concrete_fields:
            column = self.table.column(field)
            if field in by_field:
                value = self.checks.new_value(by_field[field], "live")
            elif field in own:
                value = f"CASE WHEN p.pk IS NULL THEN %s ELSE live.{column} END"
                params.append(own[field])
            else:
                continue
            selected.append(f"{value} AS {column}")
        live = f"LEFT JOIN {self.table.name} live ON live.{self.table.pk} = p.pk"
        return (
            f"SELECT {', '.join(selected)} FROM ({self.checks.staged()}) s {plan} {live}",
            params,
        )

    def keyed(self, rows, params, key):
        """`rows` of `line` and `pk` with the values of `key` as `k0`, `k1` …; and params."""
        selected, expression_params = [], []
        for i, expression in enumerate(key.expressions):
            sql, more = self.table.compile(expression)
            selected.append(f"{sql} AS k{i}")
            expression_params += more
        where = ""
        if key.condition is not None:
            sql, more = self.table.compile(key.condition)
            where, params = f" WHERE {sql}", [*params, *more]
        return (
            f"SELECT line, pk, {', '.join(selected)} FROM ({rows}) x{where}",
            [*expression_params, *params],
        )

    # Rejects -------------------------------------------------------------------------

    def _reject_taken(self, key):
        columns = [f"k{i}" for i in range(len(key.expressions))]
        needed = set(key.fields) | set(field_names(key.condition))
        staged = self.keyed(*self.rows(needed), key)
        self.checks.reject_repeated(staged[0], columns, key.fields, staged[1])
        # Once more: a row that has been rejected since takes nothing.
        rows, params = self.keyed(*self.rows(needed), key)
        every = f"SELECT NULL AS line, {self.table.pk} AS pk, t.* FROM {self.table.name} t"
        live, live_params = self.keyed(every, [], key)
        on = " AND ".join(f"live.{column} = s.{column}" for column in columns)
        self.checks.reject(
            f"""
            SELECT s.line, %s, '', 'taken', '', min(live.pk)
            FROM ({rows}) s JOIN ({live}) live ON {on}
            WHERE s.pk IS NULL OR live.pk <> s.pk
            GROUP BY s.line
            """,
            [", ".join(key.fields), *params, *live_params],
        )

    def _reject_refused(self, constraint):
        names = field_names(constraint.condition)
        rows, params = self.rows(names)
        sql, more = self.table.compile(constraint.condition)
        self.checks.reject(
            f"SELECT line, %s, '', 'refused', %s, NULL FROM ({rows}) x WHERE NOT ({sql})",
            [
                ", ".join(names),
                str(constraint.get_violation_error_message()),
                *params,
                *more,
            ],
        )
