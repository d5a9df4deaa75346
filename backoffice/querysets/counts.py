"""Numbers of rows that cost the same for any number: exact where that is cheap.

Counting is linear in the rows. So it stops at a bound ("10,000+"); of a whole table the
database gives an estimate ("about 1,000,000").
"""

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.utils import formats
from django.utils.translation import gettext as _

BOUND = 10_000  # rows that are counted one by one
COSTLY_BOUND = 1_000  # where finding a row means looking at many
SAMPLES, WIDTH = 16, 128  # ranges of keys that tell how densely keys lie, keys in a range


class Count(int):
    """A number of rows that says how well it is known.

    Exact, or `at_least` so many, or, `rounded`, about so many.
    """

    def __new__(cls, value, *, at_least=False, rounded=False):
        self = super().__new__(cls, value)
        self.at_least, self.rounded = at_least, rounded
        return self

    @property
    def is_exact(self):
        return not (self.at_least or self.rounded)

    def __str__(self):
        text = formats.number_format(int(self), force_grouping=True)
        if self.at_least:
            return _("%s+") % text
        return _("about %s") % text if self.rounded else text

    __html__ = __str__  # Django's templates would write the bare number


def costly(queryset):
    """The queryset, marked: it finds its rows by looking at many that are not in it."""
    queryset = queryset.all()
    queryset.query.is_costly = True  # the mark goes along with every clone of the query
    return queryset


def short(queryset):
    """The queryset, marked: it has so few rows that each of them may be looked at."""
    queryset = queryset.all()
    queryset.query.is_short = True
    return queryset


def counted(queryset, count):
    """The queryset, marked: its `Count` is known, as long as it is not filtered further."""
    queryset = queryset.all()
    queryset.query.known_count = (queryset.query.where.clone(), count)
    return queryset


def is_costly(queryset):
    return getattr(queryset.query, "is_costly", False)


def is_short(queryset):
    return getattr(queryset.query, "is_short", False)


def count_rows(queryset, bound=None):
    """`Count` of the queryset's rows, in one statement that looks at `bound` rows at most."""
    where, known = getattr(queryset.query, "known_count", (None, None))
    if known is not None and where == queryset.query.where:
        return known
    if bound is None:
        bound = COSTLY_BOUND if is_costly(queryset) else BOUND
    connection = connections[queryset.db]
    rows = queryset.order_by().values("pk")[: bound + 1]
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


def _estimate(queryset, connection):
    """SQL of about the number of rows; None where the queryset is not a whole table."""
    query, opts = queryset.query, queryset.model._meta
    if query.where or query.distinct or query.combinator or query.is_sliced:
        return None
    table, pk = map(connection.ops.quote_name, (opts.db_table, opts.pk.column))
    if connection.vendor == "postgresql":
        # What the planner knows; autovacuum keeps it fresh. -1 where it knows nothing yet.
        return f"SELECT reltuples FROM pg_class WHERE oid = '{table}'::regclass"
    if not isinstance(opts.pk, models.IntegerField):
        return None
    # The span of the keys, less the gaps that a sample of it has.
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


def _round(number):
    """To three figures: more would claim what an estimate does not know."""
    digits = len(str(int(number))) - 3
    return int(round(number, -digits))
