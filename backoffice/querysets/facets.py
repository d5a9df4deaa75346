"""The distinct values of a column, found by skipping along its index."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.utils import lookup_spawns_duplicates
from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL

from backoffice.querysets.counts import Count

VALUES = 200  # at most
BOUND, RELATED_BOUND = 1_000, 100  # rows counted for a value
LINKS = 3 * RELATED_BOUND  # read for a value, where a row may be reached by several
#: How many rows, of which some may be there twice; negative if that is all that was read.
DIFFERENT = "CASE WHEN count(*) > {0} THEN -1 ELSE 1 END * count(DISTINCT counted.pk)"


def values_in_use(
    field: Any, rows: QuerySet[Any] | None = None, path: str = ""
) -> dict[Any, Any]:
    """`{value: Count}` of the values in `field`'s column, by one statement.

    An index must begin with the field. rows: a queryset whose rows are counted for each
    value, by the `path` from there to the field; without one the counts are None. Across a
    relation, counting reads at most RELATED_BOUND related rows, and LINKS that lead to them.
    """
    model = field.model
    connection = connections[(rows if rows is not None else model._base_manager.all()).db]
    quote = connection.ops.quote_name
    table, column = quote(model._meta.db_table), quote(field.column)
    columns, params = ["value"], []
    for queryset, bound, number in _countings(model, field, rows, path):
        counted = queryset.order_by().values("pk")[: bound + 1]
        try:
            sql, own = counted.query.get_compiler(connection=connection).as_sql()
        except EmptyResultSet:
            return {}
        columns.append(f"(SELECT {number} FROM ({sql}) counted)")
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
    """What to count for a value, rows and then related rows: queryset, bound, and SQL."""
    if rows is None:
        return
    value = RawSQL("in_use.value", [])
    if "__" not in path:
        yield rows.filter(**{path: value}), BOUND, "count(*)"
        return
    related = model._base_manager.filter(**{field.attname: value}).order_by()
    some = related.values("pk")[: RELATED_BOUND + 1]
    # Not `distinct`, for which PostgreSQL would read all of them before it stops.
    reached = rows.filter(**{f"{path.rpartition('__')[0]}__in": some})
    if lookup_spawns_duplicates(rows.model._meta, path):
        yield reached, LINKS, DIFFERENT.format(LINKS)
    else:
        yield reached, RELATED_BOUND, "count(*)"
    yield related, RELATED_BOUND, "count(*)"


def _count(counts: Any) -> Any:
    if not counts:
        return None
    number, *related = counts
    bound = RELATED_BOUND if related else BOUND
    if abs(number) > bound:
        return Count(bound, at_least=True)
    return Count(abs(number), at_least=number < 0 or (bool(related) and related[0] > bound))
