"""Counting rows at a cost that does not grow with their number.

Counting reads every row, so it stops at a bound ("10,000+"). For a whole table the database
gives an estimate ("about 1,000,000").
"""

from dataclasses import dataclass
from typing import Any, Self

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import IntegerField, QuerySet
from django.utils import formats
from django.utils.translation import gettext as _

BOUND = 10_000  # rows that are counted one by one
COSTLY_BOUND = 1_000  # the same, where finding one row means reading many
SAMPLES, WIDTH = 16, 128  # SQLite: ranges of keys that are sampled for gaps, keys in a range


class Count(int):
    """A number of rows that may be a lower bound or an estimate.

    Args:
        at_least: there may be more rows. Shown as "1,000+".
        rounded: it is an estimate. Shown as "about 1,000,000".
    """

    at_least: bool
    rounded: bool

    def __new__(cls, value: int, *, at_least: bool = False, rounded: bool = False) -> Self:
        self = super().__new__(cls, value)
        self.at_least, self.rounded = at_least, rounded
        return self

    @property
    def is_exact(self) -> bool:
        return not (self.at_least or self.rounded)

    def __str__(self) -> str:
        text = formats.number_format(int(self), force_grouping=True)
        if self.at_least:
            return _("%s+") % text
        return _("about %s") % text if self.rounded else text

    __html__ = __str__  # Django's templates would render the bare number


@dataclass(frozen=True)
class Found:
    """The rows that a search or a filter found, and what is known about them.

    Args:
        count: their number, if it is known without counting.
        is_costly: whether finding one of them means reading many other rows. They are then
            counted only up to COSTLY_BOUND.
        are_few: whether they are so few that sorting all of them costs nothing.
    """

    rows: QuerySet[Any]
    count: Count | None = None
    is_costly: bool = False
    are_few: bool = False


def count_rows(
    queryset: QuerySet[Any], bound: int | None = None, *, is_costly: bool = False
) -> Count:
    """Count the rows, by one statement that counts at most `bound` rows.

    `bound` defaults to BOUND, or to COSTLY_BOUND where finding a row is costly.
    """
    if bound is None:
        bound = COSTLY_BOUND if is_costly else BOUND
    connection = connections[queryset.db]
    rows = countable(queryset)[: bound + 1]
    try:
        sql, params = rows.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return Count(0)
    estimate = _estimate(queryset, connection) or "NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT count(*) FROM ({sql}) counted), ({estimate})",
            params,
        )
        number, estimated = cursor.fetchone()
    if number <= bound:
        return Count(number)
    if estimated is not None and estimated > bound:
        return Count(_round(estimated), rounded=True)
    return Count(bound, at_least=True)


def countable(queryset: QuerySet[Any]) -> QuerySet[Any]:
    """The keys of the rows, in no order."""
    rows = queryset.order_by().values("pk")
    joins = sum(map(bool, rows.query.alias_refcount.values()))
    if joins <= 1 and not rows.query.distinct_fields:
        # No join repeats a row. PostgreSQL would read all rows before it counts the first.
        rows.query.distinct = False
    return rows


def _estimate(queryset: QuerySet[Any], connection: BaseDatabaseWrapper) -> str | None:
    """SQL that estimates the number of rows; None if the queryset is not a whole table."""
    query, opts = queryset.query, queryset.model._meta
    if query.where or query.distinct or query.combinator or query.is_sliced:
        return None
    table, pk = map(connection.ops.quote_name, (opts.db_table, opts.pk.column))
    if connection.vendor == "postgresql":
        # The planner's statistics, which autovacuum keeps fresh; -1 if there are none yet.
        return f"SELECT reltuples FROM pg_class WHERE oid = '{table}'::regclass"
    if not isinstance(opts.pk, IntegerField):
        return None
    # The range of the keys, times the share of keys in use in a sample of it.
    return f"""
        WITH span(low, high) AS (
            SELECT (SELECT min({pk}) FROM {table}), (SELECT max({pk}) FROM {table})
        ),
        sample(n, first) AS (
            SELECT 0, low FROM span UNION ALL
            SELECT n + 1, low + (high - low + 1 - {WIDTH}) * (n + 1) / ({SAMPLES} - 1)
            FROM sample, span WHERE n + 1 < {SAMPLES}
        )
        SELECT (high - low + 1) * (
            SELECT sum((
                SELECT count(*) FROM {table} WHERE {pk} BETWEEN first AND first + {WIDTH} - 1
            )) FROM sample
        ) / {SAMPLES * WIDTH} FROM span
    """


def _round(number: float) -> int:
    """Round to three figures: an estimate is no more exact than that."""
    digits = len(str(int(number))) - 3
    return int(round(number, -digits))
