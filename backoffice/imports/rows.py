"""The staged rows as SELECTs: as the file has them, and as they would be written."""

import functools
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from backoffice.imports.clean import Column, Invalid
from backoffice.imports.seen import Seen
from backoffice.imports.staging import Staging
from backoffice.tables.table import ModelField, Table

Sql = tuple[str, list[Any]]


class Only(StrEnum):
    """What an import writes: a new record for each row without one, updates, or both."""

    BOTH = ""
    NEW = "new"  # records that are there stay as they are
    UPDATES = "updates"  # a row without a record is rejected


class Rows:
    """SELECTs of the rows that are not rejected. Their columns are those of the live table.

    Beside them stand `line_`, the row's number in the file; where it is said, `pk_`, the key
    of the live row that it is (NULL for a new one); `action_`: new, updated, unchanged; and
    `look_`, the number that look-alikes of its key share, before the model's clean().
    No field can have a name that ends so.

    seen: the records and links that rows are compared with; all if not given.
    """

    def __init__(self, staging: Staging, table: Table, seen: Seen | None = None) -> None:
        self.staging, self.table, self.seen = staging, table, seen
        #: Fields of existing records that stay as they are.
        self.protected = {column.model_field for column in staging.values if column.protected}
        self.reset()

    def reset(self) -> None:
        """Forget what an earlier run of the checks found."""
        self.has_rejects = False  # among the staged rows
        self.is_cleaned = False  # by the model's clean(): `staging.cleaned` has the rows
        #: Counted keys of new rows are this number and the line; None before it is known.
        self.base: int | None = None
        #: What a new row gets in fields that the file doesn't give: one value for all rows.
        self.constants = dict(self._constants())

    def _constants(self) -> Iterator[tuple[ModelField, Any]]:
        given = {column.model_field for column in self.staging.values}
        blank = self.table.model()
        for field in self.table.columns:
            if field in given or field in self.staging.made or field.primary_key:
                continue
            if field.has_default() or not field.has_db_default():
                value = field.pre_save(blank, add=True)
                yield field, field.get_db_prep_save(value, self.table.connection)

    # What is there ------------------------------------------------------------------

    @property
    def live(self) -> str:
        """The records that a row may be: the table, or SQL in its place."""
        return self.seen.records if self.seen else self.table.name

    def sees_link(self, column: Column, target: str) -> str:
        """The condition that a link is seen, by its target in SQL, after AND; "" if all are."""
        return f" AND {self.seen.has(column, target)}" if self.seen else ""

    # What is staged -----------------------------------------------------------------

    @property
    def fields(self) -> dict[ModelField, bool]:
        """The fields that `staged()` has, and whether NULL keeps the present value."""
        if self.is_cleaned:
            return dict.fromkeys(self.staging.cleaned_fields, False)
        return {column.model_field: column.keeps for column in self.staging.values}

    def staged(self, *, every: bool = False) -> str:
        """every: also the rejected ones whose cells are values."""
        if self.is_cleaned:
            selected = [
                f"staged.v_{field.name} AS {self.table.column(field)}" for field in self.fields
            ]
            source, joins = self.staging.cleaned, ""
        else:
            selected, source = [], self.staging.rows
            if self.staging.texts:
                selected.append("staged.look AS look_")
            for column in self.staging.values:
                value = f"staged.v_{column.name}"
                if column.kind == "reference":
                    value = f"target_{column.name}.target"
                selected.append(f"{value} AS {self.table.column(column.model_field)}")
            joins = "".join(
                f" LEFT JOIN {self.staging.targets(column)} target_{column.name}"
                f" ON target_{column.name}.ref = staged.v_{column.name}"
                for column in self.staging.references
            )
        return (
            f"SELECT {', '.join(['staged.line AS line_', *selected])}"
            f" FROM {source} staged{joins}{'' if every else self.accepted()}"
        )

    def accepted(self, word: str = "WHERE", line: str = "staged.line") -> str:
        """The condition that a row is not rejected, after `word`; none if no row is."""
        if not self.has_rejects:
            return ""
        return (
            f" {word} NOT EXISTS (SELECT 1 FROM {self.staging.rejects} rejects"
            f" WHERE rejects.line = {line})"
        )

    def new_rows(self) -> str:
        """`staged()`, the new ones alone."""
        return (
            f"SELECT staged.* FROM ({self.staged()}) staged WHERE NOT EXISTS"
            f" (SELECT 1 FROM {self.staging.plan} plan WHERE plan.line = staged.line_)"
        )

    def new_value(self, field: ModelField, live: str) -> str:
        """What an update gives a field: a blank that keeps is the value of the row `live`."""
        column = self.table.column(field)
        if field in self.protected:
            return f"{live}.{column}"
        if not self.fields[field]:
            return f"staged.{column}"
        return f"coalesce(staged.{column}, {live}.{column})"

    def first_value(self, field: ModelField) -> Sql:
        """What a new row gets in a field of the file, where a blank can't keep anything."""
        value = f"staged.{self.table.column(field)}"
        if not self.fields[field]:
            return value, []
        if field in self.staging.made:
            return f"coalesce({value}, made.v_{field.name})", []
        blank = self.blanks.get(field)
        return (value, []) if blank is None else (f"coalesce({value}, %s)", [blank])

    @functools.cached_property
    def blanks(self) -> dict[ModelField, Any]:
        """What a blank that keeps is in a new row, by field; without those it may not be in."""
        return {
            column.model_field: column.blank
            for column in self.staging.values
            if column.keep_blank
            and column.kind == "value"
            and not isinstance(column.blank, Invalid)
        }

    @property
    def may_repeat(self) -> bool:
        """Whether a row may have the key of another."""
        return self.staging.has_repeats or not self.staging.texts or self.is_cleaned

    def repeated(self, rows: str) -> str:
        """Of `rows`, a SELECT, those whose key another row has, or one that looks so."""
        if not self.staging.texts or self.is_cleaned:
            return rows
        return (
            f"SELECT staged.* FROM ({rows}) staged"
            f" WHERE staged.look_ IN (SELECT look FROM {self.staging.repeats})"
        )

    # What they would be -------------------------------------------------------------

    def planned(self) -> str:
        """`line_`, `pk_` and `action_` of each row."""
        return (
            "SELECT staged.line AS line_, plan.pk AS pk_,"
            " coalesce(plan.action, 'new') AS action_"
            f" FROM {self.staging.rows} staged"
            f" LEFT JOIN {self.staging.plan} plan ON plan.line = staged.line{self.accepted()}"
        )

    def keyed(self, *actions: str) -> str:
        """`line_` and `pk_` of the rows of these actions, or of all: new ones have keys too."""
        where = ", ".join(f"'{action}'" for action in actions)
        key = self.key("planned.line_")
        return (
            f"SELECT planned.line_, coalesce(planned.pk_, {key}) AS pk_"
            f" FROM ({self.planned()}) planned"
            + (f" WHERE planned.action_ IN ({where})" if actions else "")
        )

    def key(self, line: str) -> str:
        """The key that a new row gets, by its line in SQL."""
        keys = []
        if self.table.pk_field in self.fields:
            keys.append(
                f"(SELECT own.{self.table.pk} FROM ({self.staged()}) own"
                f" WHERE own.line_ = {line})"
            )
        if self.table.pk_field in self.staging.made:
            keys.append(
                f"(SELECT made.v_{self.table.pk_field.name}"
                f" FROM {self.staging.made_values} made WHERE made.line = {line})"
            )
        elif self.base is not None:
            keys.append(f"{line} + {self.base:d}")
        return f"coalesce({', '.join(keys)})" if len(keys) > 1 else (keys or ["NULL"])[0]

    def as_written(self, names: set[str]) -> Sql:
        """`line_`, `pk_`, `action_`, and columns for the fields `names` as they would be.

        With the columns of the file alone where those are all that is asked for, and none
        keeps its present value.
        """
        plan = f"LEFT JOIN {self.staging.plan} plan ON plan.line = staged.line_"
        about = "plan.pk AS pk_, coalesce(plan.action, 'new') AS action_"
        plain = [field for field, keeps in self.fields.items() if not keeps]
        if names <= {field.name for field in plain if field not in self.protected}:
            return f"SELECT staged.*, {about} FROM ({self.staged()}) staged {plan}", []
        selected, params = ["staged.line_", about], []
        for field in self.table.columns:
            value, more = self._value(field)
            selected.append(f"{value} AS {self.table.column(field)}")
            params += more
        made = f"LEFT JOIN {self.staging.made_values} made ON made.line = staged.line_"
        sql = (
            f"SELECT {', '.join(selected)} FROM ({self.staged()}) staged {plan}"
            f" LEFT JOIN {self.table.name} live ON live.{self.table.pk} = plan.pk"
            f" {made if self.staging.made else ''}"
        )
        return self._with_generated(sql, params, names)

    def _value(self, field: ModelField) -> Sql:
        """What a row would have in a field: its own value, or what is there or made."""
        live = f"live.{self.table.column(field)}"
        if field.primary_key:
            return f"coalesce(plan.pk, {self.key('staged.line_')})", []
        if field in self.fields:
            first, params = self.first_value(field)
            if not self.fields[field] and field not in self.protected:
                return first, params
            kept = self.new_value(field, "live")
            return f"CASE WHEN plan.pk IS NULL THEN {first} ELSE {kept} END", params
        value, params = self.given_by_itself(field)
        return f"CASE WHEN plan.pk IS NULL THEN {value} ELSE {live} END", params

    def given_by_itself(self, field: ModelField) -> Sql:
        """What a new row gets in a field that the file doesn't give."""
        if field in self.staging.made:
            return f"made.v_{field.name}", []
        if field in self.constants:
            return "%s", [self.constants[field]]
        return self.table.database_default(field)

    def _with_generated(self, sql: str, params: list[Any], names: set[str]) -> Sql:
        selected, more = ["written.*"], []
        for field in self.table.opts.concrete_fields:
            if field.generated and field.name in names:
                value, own = self.table.compile(field.expression)  # type: ignore[attr-defined] # not in the stubs
                selected.append(f"{value} AS {self.table.column(field)}")
                more += own
        if not selected[1:]:
            return sql, params
        return f"SELECT {', '.join(selected)} FROM ({sql}) written", [*more, *params]

    # Links --------------------------------------------------------------------------

    def wanted_links(self, column: Column, rows: str) -> str:
        """SELECT of what the file lists for `rows` of `line_` and `pk_`, and the `target`.

        A link that leads both ways is listed by either of its rows.
        """
        wanted = self._listed(column, rows)
        if not column.is_symmetrical:
            return wanted
        return (
            f"{wanted} UNION SELECT owner.line_, owner.pk_, other.pk_ AS target"
            f" FROM ({self._listed(column, self.keyed())}) other"
            f" JOIN ({rows}) owner ON owner.pk_ = other.target"
        )

    def _listed(self, column: Column, rows: str) -> str:
        return (
            f"SELECT DISTINCT owner.line_, owner.pk_, target.target FROM ({rows}) owner"
            f" JOIN {self.staging.links_of(column)} listed ON listed.line = owner.line_"
            f" JOIN {self.staging.targets(column)} target ON target.ref = listed.ref"
        )

    def lists_no_other(self, column: Column) -> str:
        """The condition that the row `staged` lists nothing, or what the row `first` leaves.

        A first row that lists nothing leaves what the record of `plan` is linked to.
        """
        link, listed = self.table.link(column.model_field), self._targets_of(column)
        ours, theirs = (
            f"{listed} WHERE listed.line = {row}.line_" for row in ("staged", "first")
        )
        if column.keeps:
            theirs += (
                f" UNION ALL SELECT link.{link.target} FROM {link.table} link"
                f" WHERE link.{link.source} = plan.pk"
                f"{self.sees_link(column, f'link.{link.target}')}"
                f" AND NOT {self.lists_links(column, 'first.line_')}"
            )
        same = " AND ".join(
            f"NOT EXISTS (SELECT 1 FROM ({one}) one WHERE one.target NOT IN ({other}))"
            for one, other in ((ours, theirs), (theirs, ours))
        )
        if not column.keeps:
            return f"({same})"
        return f"({same} OR NOT {self.lists_links(column, 'staged.line_')})"

    def _targets_of(self, column: Column) -> str:
        return (
            f"SELECT target.target FROM {self.staging.links_of(column)} listed"
            f" JOIN {self.staging.targets(column)} target ON target.ref = listed.ref"
        )

    def existing(self) -> str:
        """`line_` and `pk_` of the rows that a live row is there for."""
        return f"SELECT plan.line AS line_, plan.pk AS pk_ FROM {self.staging.plan} plan"

    def lists_links(self, column: Column, line: str) -> str:
        """The condition that a row says which links there shall be."""
        if not column.keeps:
            return "1 = 1"
        links = self.staging.links_of(column)
        return f"EXISTS (SELECT 1 FROM {links} listed WHERE listed.line = {line})"
