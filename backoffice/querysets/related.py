"""Conditions on related rows, in the form that is cheap for as many as there are.

Each is `(Q, whether it is costly)`, for `narrow`.
"""

from django.db import connections
from django.db.models import BooleanField, Count, Exists, F, Func, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from backoffice.querysets.counts import costly

FEW = 1_000  # rows that are named by their keys


def narrow(queryset, found):
    condition, is_costly = found
    queryset = queryset.filter(condition)
    return costly(queryset) if is_costly else queryset


def few_keys(rows, column="pk", most=None):
    """The values of `column` in `rows`, `most` or FEW of them, else None; one statement."""
    most = FEW if most is None else most
    keys = list(rows.order_by().values_list(column, flat=True)[: most + 1])
    return keys if len(keys) <= most else None


def are_written(request):
    """Whether an action now deletes or edits the list's rows.

    They are found anew then: what a key names may have left the filter meanwhile.
    """
    return request.method == "POST" and not {"post", "_apply"}.isdisjoint(request.POST)


def any_of(model, path, values):
    """The rows of `model` where the field at `path` has one of `values`."""
    relation, path = split_path(model, path)
    condition = Q(**{f"{path}__in": values})
    return reach(model, relation, condition) if relation else (condition, False)


def reach(model, relation, condition):
    """The rows of `model` that lead to a row with `condition`.

    relation: the name of a relation, as in a lookup · condition: a Q on its other side.

    One statement looks for the related rows. Few are named by their keys: the database
    begins with them. To many, all rows are led past, in the order of the list, and most of
    those looked at fit. No row is found twice.
    """
    field = model._meta.get_field(relation)
    keys = few_keys(field.related_model._base_manager.filter(condition))
    if keys is None:
        return led_past(model, relation, condition)
    return by_keys(field, keys), False


def led_past(model, relation, condition):
    """The same, found by looking at the rows of `model` one by one."""
    field = model._meta.get_field(relation)
    return Q(leads_to(field, field.related_model._base_manager.filter(condition))), True


def by_keys(field, keys):
    """Q: the rows that `field` leads from to one of the related rows with these keys."""
    fits = Q(**{f"{field.name}__pk__in": keys})
    if field.one_to_many or field.many_to_many:
        return Q(pk__in=field.model._base_manager.filter(fits).values("pk"))
    return fits


def each_of(keys):
    """Q: the rows with these primary keys, a queryset of some thousand, one by one.

    PostgreSQL plans `IN` as a join, and would read a million rows to find 5,000.
    """
    if connections[keys.db].vendor != "postgresql":
        return Q(pk__in=keys)
    from django.contrib.postgres.expressions import ArraySubquery  # needs psycopg

    return Q(
        Func(
            F("pk"),
            ArraySubquery(keys),
            template="%(expressions)s)",
            arg_joiner=" = ANY(",
            output_field=BooleanField(),
        )
    )


def leads_to(field, related):
    """EXISTS from row to row. Not as one join: SQLite would begin it at the far end."""
    if field.many_to_many:
        links, source, target = links_of(field)
        return Exists(
            links.filter(
                Exists(related.filter(pk=OuterRef(f"{target}__pk"))),
                **{source: OuterRef("pk")},
            )
        )
    if field.concrete:
        return Exists(related.filter(**{field.target_field.attname: OuterRef(field.attname)}))
    return Exists(related.filter(**{field.field.name: OuterRef("pk")}))


def counts_of(field, related, **condition):
    """How many of `related`, a queryset of the other side, each row leads to by `field`.

    `_row`, the key of the row, and `_number`, by one grouped statement; without the rows that
    lead to none. condition: on the row, as `pk__in=[…]`.
    """
    rows = related.order_by()
    if field.many_to_many:
        # Its table alone, unless some of the other side is left out.
        rows, back, other = links_of(field)
        if related.query.where:
            rows = rows.filter(**{f"{other}__in": related.order_by().values("pk")})
    else:
        back = field.remote_field.name
    rows = rows.filter(**{f"{back}__isnull": False})
    rows = rows.filter(**{f"{back}__{key}": value for key, value in condition.items()})
    return rows.values(_row=F(back)).annotate(_number=Count("*"))


def number_of(field, related):
    """The same number as an expression: of each row by itself, and 0 where there are none."""
    counted = counts_of(field, related, pk=OuterRef("pk"))
    return Coalesce(Subquery(counted.values("_number")), 0)


def links_of(field):
    """Of a many-to-many its table as a queryset, and the names of its ends: own, other."""
    relation = field if field.concrete else field.field
    ends = relation.m2m_field_name(), relation.m2m_reverse_field_name()
    links = relation.remote_field.through._base_manager.all()
    return links, *(ends if field.concrete else reversed(ends))


def split_path(model, path):
    """`("library", "state")` of `library__state`; `(None, "state")` of the model's own."""
    first, _separator, rest = path.partition("__")
    if rest and model._meta.get_field(first).is_relation:
        return first, rest
    return None, path
