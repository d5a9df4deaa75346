"""The plan of an undo, or of a restoration, for the rows of one model, in a temporary table:

    undo_plan_…   pk, history_id, kind, previous_id, why

`kind` is the type of the record that the change wrote: the undo deletes "+", reverts "~" to
the previous record and restores "-". `previous_id` is the record whose values a row gets.
`why` is "" if the row is undone, else why it isn't: "gone" or one of `WHY`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.contrib.contenttypes.fields import GenericRelation
from django.db.models import ForeignKey, ManyToOneRel, Model
from django.db.models.expressions import OrderBy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.history.names import name_then
from backoffice.history.records import Records, Signature
from backoffice.querysets.names import names
from backoffice.querysets.reach import Reach
from backoffice.tables.foreign_keys import checked_as_a_whole
from backoffice.tables.indexes import made_again
from backoffice.tables.scratch import Scratch
from backoffice.tables.table import Link, Table, UniqueKey

WHY = {
    "edited": gettext_lazy("It was edited since."),
    "used": gettext_lazy("Other records now refer to it."),
    "lost": gettext_lazy("What it referred to no longer exists."),
    "taken": gettext_lazy("Another record now has its unique value."),
    "matched": gettext_lazy("Another record got the values by which files find it."),
    "back": gettext_lazy("It exists again."),
    "partly": gettext_lazy("Its history does not keep all of its fields."),
    "exempt": gettext_lazy("It was chosen to be left alone."),
    "other": gettext_lazy("It refers to another record by now."),
}


class Plan:
    """What comes back of one model, whose history records changes; filled by a subclass.

    plans: of all models; a row may refer to a row that another plan restores.
    """

    def __init__(self, model: type[Model], plans: "Mapping[type[Model], Plan]") -> None:
        self.model, self.plans = model, plans
        self.live = Table(model)
        self.records = Records(self.live)
        self.pk, self.history = self.live.pk, self.records.table
        self.scratch = Scratch(self.live.connection)
        self.name = self.scratch.name(f"undo_plan_{len(plans)}")
        #: How many rows there are by `kind` and `why`, as last counted.
        self.counts: dict[tuple[str, str], int] = {}

    def create(self) -> None:
        key = self.live.db_type(self.live.pk_field)
        self.scratch.create(
            self.name,
            f"(pk {key} PRIMARY KEY,"
            " history_id bigint, kind text, previous_id bigint, why text)",
        )

    def drop(self) -> None:
        self.scratch.drop(self.name)

    def taken_back(self, *kinds: str, column: str = "pk") -> str:
        """SELECT of the keys, or of another column, of the rows that are undone."""
        listed = ", ".join(f"'{kind}'" for kind in kinds)
        return f"SELECT {column} FROM {self.name} WHERE why = '' AND kind IN ({listed})"

    def coming(self, column: str) -> str:
        """SELECT of a column of the rows that come back."""
        return (
            f"SELECT back.{column} FROM {self.history} back"
            f" WHERE back.history_id IN ({self.taken_back('-', column='previous_id')})"
        )

    # Which rows ---------------------------------------------------------------------

    def leave(self, why: str, condition: str, params: Sequence[Any] = ()) -> int:
        """Exclude the rows that meet the condition from the undo, and return how many."""
        return self.live.execute(
            f"UPDATE {self.name} SET why = '{why}' WHERE why = '' AND {condition}", params
        )

    def leave_what_cannot(self) -> int:
        """Exclude rows whose references prevent the undo, and return how many.

        Repeat it until it returns 0: an excluded row may refer to others.
        """
        return self._leave_used() + self._leave_lost() + self._leave_taken()

    def _leave_used(self) -> int:
        """Created rows that others now refer to, not counting their own links."""
        left = 0
        if not self.live.fetch(f"{self.taken_back('+')} LIMIT 1"):
            return left
        for field in self._referring():
            table, column = Table(field.model, self.live.connection), self.live.column(field)
            left += self.leave(
                "used",
                f"""kind = '+' AND pk IN (
                    SELECT live.{self.pk} FROM {self.live.name} live
                    JOIN {table.name} user_
                        ON user_.{column} = live.{self.live.column(field.target_field)}
                    WHERE NOT ({self._lets_go(field)}))""",
            )
        for link in self.live.links:
            if (
                link.through in self._models_of_itself()
                and not link.field.remote_field.symmetrical
            ):
                left += self.leave(
                    "used",
                    f"""kind = '+' AND pk IN (
                        SELECT link.{link.target} FROM {link.table} link
                        WHERE link.{link.source} NOT IN ({self.taken_back("+")}))""",
                )
        for field in self.live.opts.private_fields:
            if isinstance(field, GenericRelation):
                tagged = self.model._base_manager.filter(**{f"{field.name}__isnull": False})
                rows = tagged.order_by().values("pk").query
                sql, params = rows.get_compiler(connection=self.live.connection).as_sql()
                left += self.leave("used", f"kind = '+' AND pk IN ({sql})", params)
        return left

    def _models_of_itself(self) -> list[type[Model]]:
        return [
            link.through for link in self.live.links if link.field.related_model is self.model
        ]

    def _referring(self) -> Iterator[Any]:
        """Every foreign key that refers to this model, but those of its own links."""
        own = [link.through for link in self.live.links]
        for relation in self.live.opts.get_fields(include_hidden=True):
            if isinstance(relation, ManyToOneRel):
                field: Any = relation.field
                if field.db_constraint and field.model not in own:
                    yield field

    def _lets_go(self, field: Any) -> str:
        """The condition that the undo takes away the row `user_` that refers by `field`."""
        column = self.live.column(field)
        conditions = ["1 = 0"]
        if plan := self.plans.get(field.model):
            conditions += [
                f"user_.{plan.pk} IN ({plan.taken_back('+')})",
                f"""EXISTS (
                    SELECT 1 FROM {plan.name} plan
                    JOIN {plan.history} before ON before.history_id = plan.previous_id
                    WHERE plan.pk = user_.{plan.pk} AND plan.kind = '~' AND plan.why = ''
                    AND before.{column} IS DISTINCT FROM user_.{column})""",
            ]
        for plan in self.plans.values():
            conditions += [
                f"""EXISTS (
                    SELECT 1 FROM {plan.name} plan WHERE plan.pk = user_.{link.source}
                    AND plan.kind IN ('+', '~') AND plan.why = '' AND NOT EXISTS (
                        SELECT 1 FROM {kept} kept WHERE kept.history_id = plan.previous_id
                        AND kept.{link.target} = user_.{link.target}))"""
                for link, kept in plan.records.links
                if link.through is field.model and link.target == column
            ]
        return " OR ".join(conditions)

    def _leave_lost(self) -> int:
        """Rows whose previous foreign key refers to a row that no longer exists."""
        left = 0
        for field in self.records.fields:
            if not (isinstance(field, ForeignKey) and getattr(field, "db_constraint", True)):
                continue
            column, target = self.live.column(field), field.target_field
            table = Table(target.model, self.live.connection)
            comes_back = ""
            if plan := self.plans.get(target.model):
                comes_back = f"""AND record.{column} NOT IN (
                    SELECT back.{table.column(target)} FROM {plan.history} back
                    WHERE back.history_id IN ({plan.taken_back("-", column="previous_id")}))"""
            left += self.leave(
                "lost",
                f"""kind <> '+' AND previous_id IN (
                    SELECT record.history_id FROM {self.history} record
                    LEFT JOIN {table.name} target
                        ON target.{table.column(target)} = record.{column}
                    WHERE record.{column} IS NOT NULL
                    AND target.{table.column(target)} IS NULL {comes_back}
                    AND record.history_id IN ({self.taken_back("~", "-", column="previous_id")})
                )""",
            )
        return left

    def _leave_taken(self) -> int:
        """Rows whose previous unique value another row now has, and keeps.

        The change didn't write that row: it moves no unique value from one row to another.
        """
        kept = {field.name for field in self.records.fields}
        keys = [
            key
            for key in self.live.unique_keys
            if key.is_kept_by_database and set(key.fields) <= kept
        ]
        return sum(map(self._leave_taken_key, keys))

    def _leave_taken_key(self, key: UniqueKey) -> int:
        values = [self.live.compile(without_order(e)) for e in key.expressions]
        where, condition = self.live.compile(key.condition) if key.condition else ("1 = 1", [])
        columns = ", ".join(f"{sql} AS value_{n}" for n, (sql, _params) in enumerate(values))
        params = [*(p for _sql, ps in values for p in ps), *condition]
        equal = "=" if key.nulls_distinct else "IS NOT DISTINCT FROM"
        same = " AND ".join(
            f"target.value_{n} {equal} wanted.value_{n}" for n in range(len(values))
        )
        return self.leave(
            "taken",
            f"""kind <> '+' AND previous_id IN (
                SELECT wanted.history_id FROM (
                    SELECT history_id, {self.pk}, {columns} FROM {self.history}
                    WHERE history_id IN ({self.taken_back("~", "-", column="previous_id")})
                    AND ({where})
                ) wanted
                JOIN (
                    SELECT {self.pk}, {columns} FROM {self.records.source} source
                    WHERE ({where})
                ) target ON {same} AND target.{self.pk} <> wanted.{self.pk}
                WHERE target.{self.pk} NOT IN ({self.taken_back("+")})
            )""",
            [*params, *params],
        )

    def count(self) -> None:
        rows = self.live.fetch(
            f"SELECT kind, why, count(*) FROM {self.name} GROUP BY kind, why"
        )
        self.counts = {(kind, why): number for kind, why, number in rows}

    def left(self, limit: int, reach: Reach) -> list[tuple[Any, str, str]]:
        """The rows that are left alone: `[(pk, text, why), …]`, at most `limit`."""
        rows = self.live.fetch(
            f"SELECT pk, why, history_id FROM {self.name} WHERE why NOT IN ('', 'gone')"
            f" ORDER BY pk LIMIT {limit:d}"
        )
        records = self.records.model._base_manager.in_bulk([number for *_row, number in rows])
        to_python = self.live.pk_field.to_python
        keys = [to_python(pk) for pk, *_rest in rows]
        there = list(self.model._base_manager.in_bulk(keys).values())
        texts = dict(zip((row.pk for row in there), names(there, reach), strict=True))
        return [
            (pk, texts.get(pk) or name_then(records[number]), _(str(WHY[why])))
            for pk, (_key, why, number) in zip(keys, rows, strict=True)
        ]

    # Doing it -----------------------------------------------------------------------

    def restore(self) -> None:
        """Revert the changed rows and insert the deleted ones again."""
        owners = {field.model: Table(field.model) for field in self.records.fields}
        for model, owner in owners.items():
            fields = [f for f in self.records.fields if f.model is model and not f.primary_key]
            if not fields or not self.counts.get(("~", "")):
                continue
            values = (f"{owner.column(f)} = record.{owner.column(f)}" for f in fields)
            self.live.execute(
                f"""
                UPDATE {owner.name} SET {", ".join(values)}
                FROM {self.name} plan
                JOIN {self.history} record ON record.history_id = plan.previous_id
                WHERE plan.kind = '~' AND plan.why = '' AND {owner.name}.{owner.pk} = plan.pk
                """
            )
        if not self.counts.get(("-", "")):
            return
        columns = ", ".join(self.records.columns)
        self.live.execute(
            f"""
            INSERT INTO {self.live.name} ({columns}) SELECT {columns} FROM {self.history}
            WHERE history_id IN ({self.taken_back("-", column="previous_id")})
            ORDER BY {self.pk}
            """
        )

    def restore_links(self) -> None:
        """Restore the previous links whose targets still exist."""
        for link, kept in self.records.links:
            self._restore_links(link, kept, link.source, link.target)
            if link.field.remote_field.symmetrical:
                self._restore_links(link, kept, link.target, link.source)

    def _restore_links(self, link: Link, kept: str, source: str, target: str) -> None:
        """source and target: the columns as the record has them, or swapped."""
        turned = {link.source: source, link.target: target}
        same = " AND ".join(
            f"link.{turned.get(c, c)} IS NOT DISTINCT FROM kept.{c}" for c in link.columns
        )
        plan = f"""{self.name} plan JOIN {kept} kept ON kept.history_id = plan.previous_id
            AND plan.why = '' AND plan.kind IN ('~', '-')"""
        self.live.execute(
            f"""
            DELETE FROM {link.table} AS link WHERE link.{source} IN ({self.taken_back("~")})
            AND NOT EXISTS (SELECT 1 FROM {plan} WHERE plan.pk = link.{source} AND {same})
            """
        )
        through = Table(link.through, self.live.connection)
        columns = [*link.columns] if through.counts_keys else [link.key, *link.columns]
        other = Table(link.target_field.model, self.live.connection)
        self.live.execute(
            f"""
            INSERT INTO {link.table} ({", ".join(turned.get(c, c) for c in columns)})
            SELECT {", ".join(f"kept.{c}" for c in columns)} FROM {plan}
            JOIN {other.name} target
                ON target.{other.column(link.target_field)} = kept.{link.target}
            WHERE NOT EXISTS (SELECT 1 FROM {link.table} link WHERE {same})
            ORDER BY plan.pk, kept.{link.target}
            """
        )

    def record(self, signature: Signature, *, gone: bool) -> None:
        """Write the history of the rows to delete (`gone`), or of the rows restored."""
        for kind, written in (("+", "-"),) if gone else (("~", "~"), ("-", "+")):
            if self.counts.get((kind, "")):
                self.records.write(
                    f"live.{self.pk} IN ({self.taken_back(kind)})",
                    history_type=written,
                    signature=signature,
                )

    def remove(self) -> None:
        """Delete the created rows and their links."""
        count = self.counts.get(("+", ""), 0)
        if not count:
            return
        created = self.taken_back("+")
        for link in self.live.links:
            self.live.execute(f"DELETE FROM {link.table} WHERE {link.source} IN ({created})")
            if link.through in self._models_of_itself():
                self.live.execute(
                    f"DELETE FROM {link.table} WHERE {link.target} IN ({created})"
                )
        with (
            made_again(self.live, count, gone=True),
            checked_as_a_whole(self.live.connection, self.live.name, count),
        ):
            self.live.execute(f"DELETE FROM {self.live.name} WHERE {self.pk} IN ({created})")


def without_order(expression: Any) -> Any:
    """A constraint's expression without ASC or DESC, which an index may add."""
    return expression.expression if isinstance(expression, OrderBy) else expression
