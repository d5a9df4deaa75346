"""Conditions on related rows, in the form that is cheap for as many as there are."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import (
    BooleanField,
    Count,
    Exists,
    F,
    Func,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from backoffice.querysets.relations import ManyToMany

FEW = 1_000  # rows that are named by their keys


class Condition(NamedTuple):
    """A condition, and whether its rows are found by looking at many that don't fit it."""

    q: Q
    is_costly: bool = False


def few_keys(
    rows: QuerySet[Any], column: str = "pk", most: int | None = None
) -> list[Any] | None:
    """The values of `column` in `rows`, by one statement.

    None where there are more than `most`, or FEW.
    """
    most = FEW if most is None else most
    keys = list(rows.order_by().values_list(column, flat=True)[: most + 1])
    return keys if len(keys) <= most else None


def are_written(request: HttpRequest) -> bool:
    """Whether the request is an action that now deletes or edits the list's rows.

    They are found anew then: a row whose key was found before may have left the filter.
    """
    return request.method == "POST" and not {"post", "_apply"}.isdisjoint(request.POST)


def any_of(model: type[Model], path: str, values: Iterable[Any]) -> Condition:
    """The rows of `model` where the field at `path` has one of `values`."""
    relation, path = split_path(model, path)
    condition = Q(**{f"{path}__in": values})
    return related_to(model, relation, condition) if relation else Condition(condition)


def related_to(model: type[Model], relation: str, condition: Q) -> Condition:
    """The rows of `model` that are related to a row with `condition`.

    One statement looks for the related rows. Few are named by their keys: the database
    begins with them. Where they are many, the rows of `model` are looked at in the order of
    the list, since most of them fit. No row is found twice.

    Args:
        relation: its name, as in a lookup.
        condition: on the other side of the relation.
    """
    field: Any = model._meta.get_field(relation)
    keys = few_keys(field.related_model._base_manager.filter(condition))
    if keys is None:
        return related_row_by_row(model, relation, condition)
    return Condition(by_keys(field, keys))


def related_row_by_row(model: type[Model], relation: str, condition: Q) -> Condition:
    """The same rows, found by looking at each row of `model`."""
    field: Any = model._meta.get_field(relation)
    related = field.related_model._base_manager.filter(condition)
    return Condition(Q(leads_to(field, related)), is_costly=True)


def by_keys(field: Any, keys: Iterable[Any]) -> Q:
    """The rows that `field` leads from to one of the related rows with these keys."""
    fits = Q(**{f"{field.name}__pk__in": keys})
    if field.one_to_many or field.many_to_many:
        return Q(pk__in=field.model._base_manager.filter(fits).values("pk"))
    return fits


def each_of(keys: QuerySet[Any]) -> Q:
    """The rows with these primary keys, a queryset of some thousand, one by one.

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


def leads_to(field: Any, related: QuerySet[Any]) -> Exists:
    """EXISTS from row to row. Not as one join: SQLite would begin it at the far end.

    Args:
        field: a relation, or the other side of one.
        related: rows that it may lead to.
    """
    if field.many_to_many:
        relation = ManyToMany.of(field)
        return Exists(
            relation.links.filter(
                Exists(related.filter(pk=OuterRef(f"{relation.target}__pk"))),
                **{relation.source: OuterRef("pk")},
            )
        )
    if field.concrete:
        return Exists(related.filter(**{field.target_field.attname: OuterRef(field.attname)}))
    return Exists(related.filter(**{field.field.name: OuterRef("pk")}))


def counts_of(field: Any, related: QuerySet[Any], **condition: Any) -> QuerySet[Any]:
    """For each row with `condition`, how many of `related` it leads to by `field`.

    Rows of `_row`, a key, and `_number`, by one grouped statement; rows that lead to none are
    left out.

    Args:
        field: a relation to many rows.
        related: rows of the other side.
        condition: on the row, as `pk__in=[…]`.
    """
    rows: QuerySet[Any] = related.order_by()
    if field.many_to_many:
        # Its table alone, unless some of the other side is left out.
        relation = ManyToMany.of(field)
        rows, back = relation.links, relation.source
        if related.query.where:
            rows = rows.filter(**{f"{relation.target}__in": related.order_by().values("pk")})
    else:
        back = field.remote_field.name
    rows = rows.filter(**{f"{back}__isnull": False})
    rows = rows.filter(**{f"{back}__{key}": value for key, value in condition.items()})
    counts: QuerySet[Any] = rows.values(_row=F(back)).annotate(_number=Count("*"))
    return counts


def number_of(field: Any, related: QuerySet[Any]) -> Coalesce:
    """The same number as an expression: for each row by itself, 0 where there are none."""
    counts = counts_of(field, related, pk=OuterRef("pk"))
    return Coalesce(Subquery(counts.values("_number")), 0)


def split_path(model: type[Model], path: str) -> tuple[str | None, str]:
    """`("library", "state")` of `library__state`; `(None, "state")` of the model's own."""
    first, _separator, rest = path.partition("__")
    if rest and model._meta.get_field(first).is_relation:
        return first, rest
    return None, path
