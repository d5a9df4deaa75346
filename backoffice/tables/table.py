"""What SQL must know of a model: names, key, columns, links, and what is unique."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    AutoField,
    F,
    Field,
    ForeignKey,
    ManyToManyField,
    Model,
    Q,
    UniqueConstraint,
    Value,
)
from django.db.models.constraints import BaseConstraint
from django.db.models.expressions import BaseExpression
from django.db.models.functions import ExtractDay, ExtractMonth, ExtractYear
from django.db.models.options import Options
from django.db.models.sql import Query

ModelField = Field[Any, Any]


@dataclass(frozen=True)
class UniqueKey:
    """`expressions` that no two rows share, among those for which `condition` holds.

    fields: the names of the fields concerned, for staff · expressions: names of fields, or
    Django expressions; `Table.compile` makes SQL of them · is_kept_by_database: it refuses
    other rows. Some keys are kept by validation alone.
    """

    fields: tuple[str, ...]
    expressions: tuple[Any, ...]
    condition: Q | None = None
    nulls_distinct: bool = True
    is_kept_by_database: bool = True


@dataclass(frozen=True)
class Link:
    """A many-to-many, by the model that keeps its rows. All names are quoted.

    key: the link's own · source and target: the columns that lead to the model itself and
    to the other · target_field: what `target` holds of the other · columns: all but the key
    and what the database generates · is_plain: there are none beside source and target, and
    the database counts the key up.
    """

    field: ManyToManyField[Any, Any]
    through: type[Model]
    table: str
    key: str
    source: str
    target: str
    target_field: ModelField
    columns: tuple[str, ...]
    is_plain: bool


class Table:
    """A model's table on one connection, for those who write SQL about it.

    connection: the one that the model is written on, where none is given.
    """

    def __init__(
        self, model: type[Model], connection: BaseDatabaseWrapper | None = None
    ) -> None:
        self.model, self.opts = model, model._meta
        self.connection = connection or connections[router.db_for_write(model)]
        self.vendor = self.connection.vendor
        self.name = self.quote(self.opts.db_table)
        self.pk_field: ModelField = self.opts.pk
        self.pk = self.column(self.pk_field)
        self.key_type = self.pk_field.rel_db_type(self.connection) or ""

    def quote(self, name: str) -> str:
        """A name as SQL has it; a `%` in it is no placeholder."""
        return self.connection.ops.quote_name(name).replace("%", "%%")

    def column(self, field: ModelField) -> str:
        return self.quote(field.column or "")

    @property
    def columns(self) -> tuple[ModelField, ...]:
        """The fields that are written: the database generates the others."""
        return tuple(f for f in self.opts.concrete_fields if not f.generated)

    def db_type(self, field: ModelField) -> str:
        """The type, with its collation, of a column that holds the field's values."""
        collation = field.db_parameters(self.connection).get("collation")
        collate = f" COLLATE {self.quote(collation)}" if collation else ""
        return f"{field.rel_db_type(self.connection)}{collate}"

    def compile(self, expression: Any) -> tuple[str, list[Any]]:
        """`(sql, params)` of an expression, a condition or a field's name.

        Columns stand in it without a table before them.
        """
        query = Query(self.model, alias_cols=False)
        compiler = query.get_compiler(connection=self.connection)
        if isinstance(expression, str):
            expression = F(expression)
        if isinstance(expression, Q):
            sql, params = compiler.compile(query.build_where(expression))
        else:
            sql, params = compiler.compile(expression.resolve_expression(query))
        return sql, list(params)

    def database_default(self, field: ModelField) -> tuple[str, list[Any]]:
        """`(sql, params)` of what the database gives a row by itself: its `db_default`."""
        default = field.db_default
        is_expression = hasattr(default, "resolve_expression")
        return self.compile(default if is_expression else Value(default, field))

    def least(self, sql: str, field: ModelField | None = None) -> str:
        """The aggregate that has one of the values of `sql`, a key's or a field's."""
        of_type = (field or self.pk_field).rel_db_type(self.connection)
        if of_type in ("uuid", "bytea"):  # which PostgreSQL has no min() for
            return f"CAST(min(CAST({sql} AS text)) AS {of_type})"
        return f"min({sql})"

    # New keys -----------------------------------------------------------------------

    @property
    def counts_keys(self) -> bool:
        """Whether the database counts keys up: a block of them can be reserved."""
        return isinstance(self.pk_field, AutoField)

    def last_key(self, above: int = 0) -> int:
        """No row has, or had, a key above this one. It is `above` at least."""
        ((last,),) = self.fetch(f"SELECT max({self.pk}) FROM {self.name}")
        if self.vendor == "postgresql":
            ((used,),) = self.fetch(
                "SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END"
                f" FROM {self._sequence()}"
            )
        else:
            used = sum(
                row[0]
                for row in self.fetch(
                    "SELECT seq FROM sqlite_sequence WHERE name = %s", [self.opts.db_table]
                )
            )
        return int(max(last or 0, used, above))

    def reserve_keys(self, count: int, above: int = 0) -> int:
        """A number that the keys `+ 1 … + count` are free above, and stay so.

        Nobody else may draw keys meanwhile: `lock` sees to it.
        """
        base = self.last_key(above)
        if self.vendor == "postgresql" and base + count:  # 0 is none of a sequence
            self.execute("SELECT setval(%s, %s)", [self._sequence(), base + count])
        return base  # SQLite's AUTOINCREMENT counts on from what is inserted

    def _sequence(self) -> str:
        table = self.connection.ops.quote_name(self.opts.db_table)
        ((name,),) = self.fetch(
            "SELECT pg_get_serial_sequence(%s, %s)", [table, self.pk_field.column]
        )
        return str(name)

    # Statements ---------------------------------------------------------------------

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run a statement; the number of rows that it wrote."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return int(cursor.rowcount)

    def fetch(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())

    def lock(self) -> None:
        """Keep other writers from the table until the transaction ends.

        A match key need not be unique in the database, so only a lock keeps two imports
        from creating the same record. On SQLite the transaction itself is the lock.
        """
        if self.vendor == "postgresql":
            self.execute(f"LOCK TABLE {self.name} IN SHARE ROW EXCLUSIVE MODE")

    def lock_for_rows(self) -> None:
        """Wait for whoever has `lock`, before rows are locked that are to be written.

        Whoever locked rows first would wait for an import that itself waits for those rows,
        and PostgreSQL would stop one of the two.
        """
        if self.vendor == "postgresql":
            self.execute(f"LOCK TABLE {self.name} IN ROW EXCLUSIVE MODE")

    # Relations ----------------------------------------------------------------------

    @functools.cached_property
    def links(self) -> tuple[Link, ...]:
        return tuple(map(self.link, self.opts.many_to_many))

    def link(self, field: ManyToManyField[Any, Any]) -> Link:
        through = cast(type[Model], field.remote_field.through)
        table = Table(through, self.connection)
        source = self.quote(field.m2m_column_name())
        target = self.quote(field.m2m_reverse_name())
        columns = tuple(table.column(f) for f in table.columns if not f.primary_key)
        is_plain = table.counts_keys and set(columns) == {source, target}
        foreign_key = through._meta.get_field(field.m2m_reverse_field_name())
        return Link(
            field,
            through,
            table.name,
            table.pk,
            source,
            target,
            cast(ForeignKey[Any, Any], foreign_key).target_field,
            columns,
            is_plain,
        )

    # What is unique -----------------------------------------------------------------

    @functools.cached_property
    def unique_keys(self) -> tuple[UniqueKey, ...]:
        """All that the model says is unique, its primary key apart."""
        fields = [f for f in self.opts.concrete_fields if f.unique and not f.primary_key]
        names = [*((f.name,) for f in fields), *map(tuple, self._own.unique_together)]
        keys = [UniqueKey(key, key) for key in names]
        keys += filter(None, map(self._unique_key, self.constraints))
        return (*keys, *self._unique_for_dates())

    def _unique_key(self, constraint: BaseConstraint) -> UniqueKey | None:
        if not isinstance(constraint, UniqueConstraint):
            return None
        features = self.connection.features
        expressions = [
            expression.get_expression_for_validation()  # without DESC and the like
            if isinstance(expression, BaseExpression)
            else expression
            for expression in constraint.expressions or constraint.fields
        ]
        return UniqueKey(
            tuple(constraint.fields) or field_names(*constraint.expressions),
            tuple(expressions),
            constraint.condition,
            constraint.nulls_distinct is not False,
            (
                features.supports_nulls_distinct_unique_constraints
                or constraint.nulls_distinct is None
            )
            and (
                features.supports_deferrable_unique_constraints or constraint.deferrable is None
            ),
        )

    def _unique_for_dates(self) -> Iterator[UniqueKey]:
        """`unique_for_date` and its like, which no database keeps."""
        parts = {
            "unique_for_date": (ExtractYear, ExtractMonth, ExtractDay),
            "unique_for_month": (ExtractMonth,),
            "unique_for_year": (ExtractYear,),
        }
        for field in self.opts.concrete_fields:
            for option, extracts in parts.items():
                if date := getattr(field, option):
                    yield UniqueKey(
                        (field.name, date),
                        (field.name, *(extract(date) for extract in extracts)),
                        is_kept_by_database=False,
                    )

    def keyed(self, rows: str, params: list[Any], key: UniqueKey) -> tuple[str, list[Any]]:
        """`rows` with the values of `key` as `key_0_`, `key_1_` … beside `line_` and `pk_`.

        rows: a SELECT of those two, and of columns by their names · params: its parameters.
        """
        selected: list[str] = []
        expression_params: list[Any] = []
        for i, expression in enumerate(key.expressions):
            sql, more = self.compile(expression)
            selected.append(f"{sql} AS key_{i}_")
            expression_params += more
        where = ""
        if key.condition is not None:
            sql, more = self.compile(key.condition)
            where, params = f" WHERE {sql}", [*params, *more]
        return (
            f"SELECT line_, pk_, {', '.join(selected)} FROM ({rows}) written{where}",
            [*expression_params, *params],
        )

    @property
    def constraints(self) -> Sequence[BaseConstraint]:
        return self._own.constraints

    @property
    def _own(self) -> Options[Any]:
        """The model's, or of a proxy its model's: a proxy declares no constraints."""
        return (self.opts.concrete_model or self.model)._meta


def field_names(*expressions: Any) -> tuple[str, ...]:
    """The fields that expressions or conditions name, in the order of their first mention."""
    names: list[str] = []
    todo: list[Any] = [e for e in expressions if e is not None]
    while todo:
        expression = todo.pop(0)
        if isinstance(expression, tuple):  # a condition: lookup and value
            names.append(expression[0].split("__")[0])
            todo.insert(0, expression[1])
        elif isinstance(expression, F):
            names.append(expression.name.split("__")[0])  # type: ignore[attr-defined] # not in the stubs
        elif hasattr(expression, "children"):
            todo = [*expression.children, *todo]
        elif hasattr(expression, "get_source_expressions"):
            todo = [*filter(None, expression.get_source_expressions()), *todo]
    return tuple(dict.fromkeys(names))
