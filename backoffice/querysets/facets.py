"""The distinct values of a column, found by skipping along its index."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL

from backoffice.querysets.counts import Count

VALUES = 200  # at most
BOUND, RELATED_BOUND = 1_000, 100  # rows counted for a value


def values_in_use(
    field: Any, rows: QuerySet[Any] | None = None, path: str = ""
) -> dict[Any, Any]:
    """`{value: Count}` of the values in `field`'s column, by one statement.

    An index must begin with the field. rows: a queryset whose rows are counted for each
    value, by the `path` from there to the field; without one the counts are None. Across a
    relation, counting reads at most RELATED_BOUND related rows.
    """
    model = field.model
    connection = connections[(rows if rows is not None else model._base_manager.all()).db]
    quote = connection.ops.quote_name
    table, column = quote(model._meta.db_table), quote(field.column)
    columns, params = ["value"], []
    for queryset, bound in _countings(model, field, rows, path):
        counted = queryset.order_by().values("pk")[: bound + 1]
        try:
            sql, own = counted.query.get_compiler(connection=connection).as_sql()
        except EmptyResultSet:
            return {}
        columns.append(f"(SELECT count(*) FROM ({sql}) counted)")
        params += own
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE in_use(value) AS (
                SELECT min({column}) FROM {table}
                UNION ALL
                SELECT (SELECT min({column}) FROM {table} WHERE {column} > in_use.value)
                FROM in_use WHERE in_use.value IS NOT NULL
            )
            SELECT {", ".join(columns)} FROM in_use WHERE value IS NOT NULL LIMIT {VALUES}
            """,
            params,
        )
        return {value: _count(counts) for value, *counts in cursor.fetchall()}


def _countings(
    model: type[Model], field: Any, rows: QuerySet[Any] | None, path: str
) -> Iterator[Any]:
    """The querysets to count for a value, each with its bound: rows, then related rows."""
    if rows is None:
        return
    value = RawSQL("in_use.value", [])
    if "__" not in path:
        yield rows.filter(**{path: value}), BOUND
        return
    related = model._base_manager.filter(**{field.attname: value}).order_by()
    some = related.values("pk")[: RELATED_BOUND + 1]
    reached = rows.filter(**{f"{path.rpartition('__')[0]}__in": some})
    yield reached.order_by().distinct(), RELATED_BOUND
    yield related, RELATED_BOUND


def _count(counts: Any) -> Any:
    if not counts:
        return None
    number, *related = counts
    bound = RELATED_BOUND if related else BOUND
    if number > bound:
        return Count(bound, at_least=True)
    return Count(number, at_least=bool(related) and related[0] > bound)
