"""What a staged file would do, found by set operations: a statement a check, not a row.

Fills the tables `targets`, `rejects` and `plan` of the staging. The plan holds the rows that
a live row has the key of; a staged row that is in neither rejects nor plan is new. Can be
repeated: what an earlier run found is forgotten first.
"""

from collections.abc import Sequence
from typing import Any

from backoffice.changes.counts import Counts
from backoffice.imports.constraints import Constraints
from backoffice.imports.decided import ALIKE, NOTHING, Decided
from backoffice.imports.incomplete import Incomplete
from backoffice.imports.instances import Instances
from backoffice.imports.outside import KEPT, OUTSIDE, Outside
from backoffice.imports.references import References
from backoffice.imports.rows import Only, Rows
from backoffice.imports.seen import Seen
from backoffice.imports.staging import Staging
from backoffice.imports.twins import Alike, Twins
from backoffice.tables.planner import expect_many
from backoffice.tables.table import ModelField, Table

#: The code of a row that says nothing new after an earlier one: it counts as unchanged.
REPEAT = "repeat"
#: Of a row that would be a new record, where only updates were asked for.
ABSENT = "absent"
ROW_CODES = (
    "unknown",
    "ambiguous",
    "later",
    "duplicate",
    REPEAT,
    ALIKE,
    "many",
    "key",
    "missing",
    ABSENT,
    "empty",
    "twin",
    "taken",
    "refused",
    "follows",
    OUTSIDE,
    KEPT,
)
CHUNK = 10_000  # rows whose defaults are made at once


class Checks:
    def __init__(
        self,
        staging: Staging,
        table: Table,
        match: Sequence[str],
        alike: Alike = Alike.REJECT,
        only: Only = Only.BOTH,
        decided: Decided = NOTHING,
        seen: Seen | None = None,
    ) -> None:
        self.staging, self.table, self.match = staging, table, tuple(match)
        self.only, self.decided = only, decided
        self.asks = alike == Alike.REJECT  # about look-alikes, where nothing is decided
        self.seen, self.rows = seen, Rows(staging, table, seen)
        by_name = {column.name: column.model_field for column in staging.values}
        self.key_columns = [table.column(by_name[name]) for name in self.match]
        self.references = References(self)
        self.twins = Twins(self, alike)

    def reject(self, select: str, params: Sequence[Any] = ()) -> None:
        """Put `line, field, value, code, message, detail` into the rejects."""
        columns = "line, field, value, code, message, detail"
        into = f"INSERT INTO {self.staging.rejects} ({columns})"
        if self.table.execute(f"{into} {select}", params):
            self.rows.has_rejects = True

    def run(self, rows: int, *, writing: bool = False) -> None:
        """Check the staged rows of a file of `rows`. The caller holds a transaction.

        writing: they are written after this, so the keys that they need are reserved.
        """
        expect_many(rows, self.table)
        self._forget()
        if self.seen:
            self.seen.look()
        if self.references.to_itself:
            self._find_keys(writing)
        self.references.look_up_all()
        self._match_rows()
        self.references.find_existing()
        if self.only == Only.UPDATES:
            new = self.rows.new_rows()
            self.reject(
                f"SELECT line_, %s, '', '{ABSENT}', '', NULL FROM ({new}) staged",
                [", ".join(self.match)],
            )
        Incomplete(self).reject()
        self.twins.compare_new()
        if self.staging.made and not self.references.to_itself:
            self._make_values(self.rows.new_rows())
        if self.staging.cleaned_fields:
            self._clean()
        if self.seen:
            Outside(self, self.seen).reject()
        constraints = Constraints(self)
        constraints.reject_refused()
        # After what is wrong with a row by itself, so that a row that is not taken keeps
        # none from being taken that repeats it.
        if self.rows.may_repeat:
            self.reject_repeated(
                self.rows.repeated(self.rows.staged()),
                self.key_columns,
                self.match,
                same=self._says_nothing_new(),
            )
        self._compare_links()
        constraints.reject_taken()
        self._reject_with_the_first()
        if self.references.to_itself:
            self.references.reject_following()
            constraints.reject_takers()
        self.table.execute(
            f"DELETE FROM {self.staging.plan}"
            f" WHERE line IN (SELECT line FROM {self.staging.rejects})"
        )

    def _forget(self) -> None:
        marks = ", ".join(["%s"] * len(ROW_CODES))
        self.table.execute(
            f"DELETE FROM {self.staging.rejects} WHERE code IN ({marks})", ROW_CODES
        )
        self.table.execute(f"DELETE FROM {self.staging.plan}")
        self.table.execute(f"DELETE FROM {self.staging.taken}")
        self.rows.reset()

    # Keys of new rows ---------------------------------------------------------------

    def _find_keys(self, writing: bool) -> None:
        """Have the keys of new rows ready, so that other rows can refer to them."""
        if self.staging.made:
            self._make_values(self.rows.staged())
        if self.table.counts_keys:
            self.rows.base = self.count_keys(reserve=writing)

    def count_keys(self, *, reserve: bool) -> int:
        """The number that the keys of new rows are counted from."""
        ((last,),) = self.table.fetch(f"SELECT max(line) FROM {self.staging.rows}")
        above = 0
        if self.table.pk_field in self.rows.fields:
            ((above,),) = self.table.fetch(
                f"SELECT max({self.table.pk}) FROM ({self.rows.staged()}) staged"
            )
        if reserve:
            return self.table.reserve_keys(last or 0, above or 0)
        return self.table.last_key(above or 0)

    # Rows ---------------------------------------------------------------------------

    def reject_repeated(
        self,
        rows: str,
        keys: Sequence[str],
        names: Sequence[str],
        params: Sequence[Any] = (),
        *,
        nulls_distinct: bool = True,
        same: str = "1 = 0",
    ) -> None:
        """Of `rows`, a SELECT, with the same values in the columns `keys`, keep the first.

        names: of the fields that the keys are made of, for staff · same: the condition that
        the row `staged` says nothing that the row `first`, or its record `live`, has not said.
        """
        nulls = (
            " AND ".join(f"{key} IS NOT NULL" for key in keys) if nulls_distinct else "1 = 1"
        )
        equals = "=" if nulls_distinct else "IS NOT DISTINCT FROM"
        on = " AND ".join(f"staged.{key} {equals} repeated.{key}" for key in keys)
        columns = ", ".join(keys)
        # CROSS JOIN: SQLite looks at the rows again only where there are repeated keys.
        self.reject(
            f"""
            SELECT staged.line_, %s, '',
                   CASE WHEN {same} THEN '{REPEAT}' ELSE 'duplicate' END, '', repeated.line_
            FROM (
                SELECT {columns}, min(line_) AS line_ FROM ({rows}) staged WHERE {nulls}
                GROUP BY {columns} HAVING count(*) > 1
            ) repeated CROSS JOIN ({rows}) staged
            JOIN ({rows}) first ON first.line_ = repeated.line_
            LEFT JOIN {self.staging.plan} plan ON plan.line = repeated.line_
            LEFT JOIN {self.table.name} live ON live.{self.table.pk} = plan.pk
            WHERE {on} AND staged.line_ <> repeated.line_
            """,
            [", ".join(names), *params, *params, *params],
        )

    def _says_nothing_new(self) -> str:
        """The condition that the row `staged` says nothing, or what the row `first` says.

        What a blank of the first row keeps is in its record, `live`.
        """
        conditions = []
        for field, keeps in self.rows.fields.items():
            column = self.table.column(field)
            said = f"coalesce(first.{column}, live.{column})" if keeps else f"first.{column}"
            same = f"staged.{column} IS NOT DISTINCT FROM {said}"
            conditions.append(f"({same} OR staged.{column} IS NULL)" if keeps else same)
        conditions += [self.rows.lists_no_other(column) for column in self.staging.links]
        return " AND ".join(conditions)

    def _reject_with_the_first(self) -> None:
        """A row that only repeats a row that was rejected is rejected for the same cause."""
        rejects = self.staging.rejects
        self.table.execute(
            f"""
            INSERT INTO {rejects} (line, field, value, code, message, detail)
            SELECT repeat.line, first.field, first.value, first.code, first.message,
                   first.detail
            FROM {rejects} repeat JOIN {rejects} first
                ON first.line = repeat.detail AND first.code <> '{REPEAT}'
            WHERE repeat.code = '{REPEAT}'
            """
        )
        self.table.execute(
            f"""
            DELETE FROM {rejects} WHERE code = '{REPEAT}' AND line IN
                (SELECT line FROM {rejects} WHERE code <> '{REPEAT}')
            """
        )

    def _match_rows(self) -> None:
        """Plan each row that a live row has the key of: updated or unchanged."""
        plan, pk = self.staging.plan, self.table.pk
        self._match_exactly()
        if self.twins.tidy():
            self._match_exactly(
                f"WHERE staged.line_ IN (SELECT line FROM {self.staging.tidied})"
                f" AND NOT EXISTS (SELECT 1 FROM {plan} plan WHERE plan.line = staged.line_)"
            )
            self._find_unchanged(f"line IN (SELECT line FROM {self.staging.tidied})")
        if self.twins.find_records():
            self._find_unchanged(f"line IN (SELECT line FROM {self.staging.found})")
        self.staging.analyze(plan)
        self.reject(
            f"SELECT line, %s, '', 'many', '', hits FROM {plan} WHERE hits > 1",
            [", ".join(self.match)],
        )
        if self.table.pk_field in self.rows.fields and pk not in self.key_columns:
            self.reject(
                f"SELECT staged.line_, %s, '', 'key', '', NULL"
                f" FROM ({self.rows.staged()}) staged JOIN {plan} plan"
                f" ON plan.line = staged.line_ AND plan.pk <> staged.{pk}",
                [self.table.pk_field.name],
            )

    def _match_exactly(self, where: str = "") -> None:
        pk = self.table.pk
        on = " AND ".join(f"live.{column} = staged.{column}" for column in self.key_columns)
        # Of several live rows with the key, the row is rejected below, so any one will do.
        self.table.execute(
            f"""
            INSERT INTO {self.staging.plan} (line, pk, hits, action)
            SELECT staged.line_, {self.table.least(f"live.{pk}")}, count(live.{pk}),
                   CASE WHEN min(CASE WHEN {self._is_same()} THEN 1 ELSE 0 END) = 1
                        THEN 'unchanged' ELSE 'updated' END
            FROM ({self.rows.staged()}) staged JOIN {self.rows.live} live ON {on} {where}
            GROUP BY staged.line_
            """
        )

    def _find_unchanged(self, where: str = "1 = 1") -> None:
        """Compare planned rows with their records again, after their values were changed."""
        self.table.execute(
            f"""
            UPDATE {self.staging.plan} SET action = 'unchanged'
            WHERE action = 'updated' AND {where} AND line IN (
                SELECT staged.line_ FROM ({self.rows.staged()}) staged
                JOIN {self.staging.plan} plan ON plan.line = staged.line_
                JOIN {self.table.name} live ON live.{self.table.pk} = plan.pk
                WHERE {self._is_same()}
            )
            """
        )

    def _is_same(self) -> str:
        """The condition that the row `live` has what `staged` would write already."""
        return (
            " AND ".join(
                f"live.{self.table.column(field)} IS NOT DISTINCT FROM"
                f" {self.rows.new_value(field, 'live')}"
                for field in self.rows.fields
                if not field.primary_key and field not in self.rows.protected
            )
            or "1 = 1"
        )

    def _make_values(self, rows: str) -> None:
        """Make what each of `rows` gets for itself: a callable is called once a row."""
        made, fields, last = self.staging.made_values, self.staging.made, 0
        self.table.execute(f"DELETE FROM {made}")
        while lines := self.table.fetch(
            f"SELECT line_ FROM ({rows}) staged WHERE line_ > %s"
            f" ORDER BY line_ LIMIT {CHUNK:d}",
            [last],
        ):
            values = [(line, *map(self._new_default, fields)) for (line,) in lines]
            self.staging.write(made, 1 + len(fields), values)
            last = lines[-1][0]
        for field in fields:
            if not field.has_default():
                value, params = self.table.database_default(field)
                self.table.execute(f"UPDATE {made} SET v_{field.name} = {value}", params)
        self.staging.analyze(made)

    def _new_default(self, field: ModelField) -> Any:
        """A new value, prepared; None where the database makes it."""
        if not field.has_default():
            return None
        return field.get_db_prep_save(field.get_default(), self.table.connection)

    def _clean(self) -> None:
        """Have the model's clean() called for each row that would be written."""
        if Instances(self.rows).clean():
            self.rows.has_rejects = True
        self.rows.is_cleaned = True
        self._find_unchanged()

    def _compare_links(self) -> None:
        """Rows whose many-to-many differs from what the file lists are updates too."""
        for column in self.staging.links:
            if column.protected:
                continue
            link = self.table.link(column.model_field)
            wanted = self.rows.wanted_links(column, self.rows.existing())
            seen = self.rows.sees_link(column, f"link.{link.target}")
            self.table.execute(
                f"""
                UPDATE {self.staging.plan} SET action = 'updated'
                WHERE action = 'unchanged' AND line IN (
                    SELECT wanted.line_ FROM ({wanted}) wanted
                    LEFT JOIN {link.table} link ON link.{link.source} = wanted.pk_
                        AND link.{link.target} = wanted.target
                    WHERE link.{link.source} IS NULL
                    UNION ALL
                    SELECT plan.line FROM {self.staging.plan} plan
                    JOIN {link.table} link ON link.{link.source} = plan.pk{seen}
                    LEFT JOIN ({wanted}) wanted
                        ON wanted.line_ = plan.line AND wanted.target = link.{link.target}
                    WHERE wanted.line_ IS NULL AND {self.rows.lists_links(column, "plan.line")}
                )
                """
            )

    @property
    def by_rows(self) -> bool:
        """Whether a row can change the outcome of those alone that share its match key."""
        return not (
            self.staging.cleaned_fields
            or self.references.to_itself
            or Constraints(self).unique_keys()
        )

    def counts(self, rows: int) -> Counts:
        """The outcome for a file of `rows` rows; the four parts add up to it."""
        actions = dict(
            self.table.fetch(
                f"SELECT action, count(*) FROM {self.staging.plan} GROUP BY action"
            )
        )
        ((rejected, repeats),) = self.table.fetch(
            f"""
            SELECT count(DISTINCT CASE WHEN code <> '{REPEAT}' THEN line END),
                   count(CASE WHEN code = '{REPEAT}' THEN 1 END)
            FROM {self.staging.rejects}
            """
        )
        updated, unchanged = actions.get("updated", 0), actions.get("unchanged", 0) + repeats
        new = rows - rejected - updated - unchanged  # `Apply` proves it of what it writes
        return Counts(rows, new, updated, unchanged, rejected)
