"""Conditions on related rows, in the form that is cheapest for their number."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import (
    BigIntegerField,
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
    TextField,
)
from django.db.models.functions import Cast, Coalesce
from django.http import HttpRequest

from backoffice.querysets.relations import ManyToMany

FEW = 1_000  # rows that a condition lists by their keys
LINKS = 20_000  # of those rows, up to which the rows that have one are found by them
Seen = Callable[[QuerySet[Any]], QuerySet[Any]]  # leaves the related rows that a user may see


class Condition(NamedTuple):
    """A condition, and whether finding its rows means reading many that don't match."""

    q: Q
    is_costly: bool = False


def few_keys(
    rows: QuerySet[Any], column: str = "pk", most: int | None = None
) -> list[Any] | None:
    """The values of `column` in `rows`, by one statement.

    None if there are more than `most`, which defaults to FEW.
    """
    most = FEW if most is None else most
    keys = list(rows.order_by().values_list(column, flat=True)[: most + 1])
    return keys if len(keys) <= most else None


def are_written(request: HttpRequest) -> bool:
    """Whether the request is an action that now deletes or edits the list's rows.

    They are then searched again: a row whose key was found may no longer match the filter.
    """
    return request.method == "POST" and not {"post", "_apply"}.isdisjoint(request.POST)


def all_rows(rows: QuerySet[Any]) -> QuerySet[Any]:
    """What a user sees who sees everything."""
    return rows


def any_of(
    model: type[Model], path: str, values: Iterable[Any], seen: Seen = all_rows
) -> Condition:
    """The Condition that the field at `path` from `model` has one of `values`."""
    relation, path = split_path(model, path)
    condition = Q(**{f"{path}__in": values})
    return related_to(model, relation, condition, seen) if relation else Condition(condition)


def related_to(
    model: type[Model], relation: str, condition: Q, seen: Seen = all_rows
) -> Condition:
    """The Condition that a row of `model` is related to a row that meets `condition`.

    One statement looks for the related rows. If they are few, the condition lists their keys
    and the database begins with them. If they are many, or have many links, the database
    tests the rows of `model` in the order of the list, since most of them match. No row is
    found twice.

    Args:
        relation: its name, as in a lookup.
        condition: on the related model.
        seen: leaves the related rows that the user may see.
    """
    field: Any = model._meta.get_field(relation)
    keys = few_keys(seen(field.related_model._base_manager.filter(condition)))
    if keys is None or _have_many_links(field, keys):
        return related_row_by_row(model, relation, condition, seen)
    return Condition(by_keys(field, keys))


def related_row_by_row(
    model: type[Model], relation: str, condition: Q, seen: Seen = all_rows
) -> Condition:
    """The same Condition, tested on each row of `model`."""
    field: Any = model._meta.get_field(relation)
    related = seen(field.related_model._base_manager.filter(condition))
    return Condition(Q(leads_to(field, related)), is_costly=True)


def _have_many_links(field: Any, keys: list[Any]) -> bool:
    """Whether a few branches have so many titles that finding all of them takes long."""
    if not field.many_to_many or not keys:
        return False
    relation = ManyToMany.of(field)
    links = relation.links.filter(**{f"{relation.target}__in": keys}).order_by()
    return links.values("pk")[LINKS : LINKS + 1].exists()


def by_keys(field: Any, keys: Iterable[Any]) -> Q:
    """The condition that `field` leads to one of the related rows with these keys."""
    fits = Q(**{f"{field.name}__pk__in": keys})
    if field.one_to_many or field.many_to_many:
        return Q(pk__in=field.model._base_manager.filter(fits).values("pk"))
    return fits


def each_of(keys: QuerySet[Any]) -> Q:
    """The rows with the primary keys of a queryset of some thousands, looked up one by one.

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
    """EXISTS of a related row, without a join: SQLite would begin that at the far end.

    Args:
        field: a relation, forward or reverse.
        related: the rows that it may lead to.
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
    return Exists(related.filter(**{f"{field.field.name}__pk": OuterRef("pk")}))


def counts_of(field: Any, related: QuerySet[Any], **condition: Any) -> QuerySet[Any]:
    """For each row that meets `condition`, count the `related` rows that `field` leads to.

    One grouped statement gives rows of `_row`, a key, and `_number`; rows without related rows
    are left out.

    Args:
        field: a relation to many rows.
        related: rows of the related model.
        condition: on the row, as `pk__in=[…]`.
    """
    rows, back = _ends(field, related)
    rows = rows.filter(**{f"{back}__isnull": False})
    rows = rows.filter(**{f"{back}__{key}": value for key, value in condition.items()})
    counts: QuerySet[Any] = rows.values(_row=F(f"{back}__pk")).annotate(_number=Count("*"))
    return counts


def has_at_least(field: Any, related: QuerySet[Any], number: int) -> Exists:
    """Whether a row has so many of the `related` rows; it reads no more of them, or all."""
    rows, back = _ends(field, related)
    found = rows.filter(**{f"{back}__pk": OuterRef("pk")}).values("pk")
    return Exists(found[number - 1 : number])


def _ends(field: Any, related: QuerySet[Any]) -> tuple[QuerySet[Any], str]:
    """The rows or links that `field` leads to, and the name of their field that leads back."""
    rows: QuerySet[Any] = related.order_by()
    if field.many_to_many:
        # Only the table of links is read, unless `related` is filtered.
        relation = ManyToMany.of(field)
        rows, back = relation.links, relation.source
        if related.query.where:
            rows = rows.filter(**{f"{relation.target}__in": related.order_by().values("pk")})
    else:
        back = field.remote_field.name
    return rows, back


def number_of(field: Any, related: QuerySet[Any]) -> Coalesce:
    """The same number as an expression on each row; 0 where there are none."""
    counts = counts_of(field, related, pk=OuterRef("pk"))
    return Coalesce(Subquery(counts.values("_number")), 0)


class _ByKey(Subquery):
    """What `counts_of` gives, as one JSON object."""

    template = "(SELECT jsonb_object_agg(_row, _number) FROM (%(subquery)s) counted)"


def number_of_few(field: Any, related: QuerySet[Any]) -> Any:
    """As `number_of`, where the rows that are counted for are some thousands at most.

    PostgreSQL then counts all related rows at once, on several processors.
    """
    if connections[related.db].vendor != "postgresql":
        return number_of(field, related)
    counts = _ByKey(counts_of(field, related).values("_row", "_number"))
    number = Func(
        counts,
        Cast(F("pk"), TextField()),
        template="CAST(%(expressions)s AS bigint)",
        arg_joiner=" ->> ",
        output_field=BigIntegerField(),
    )
    return Coalesce(number, 0)


def split_path(model: type[Model], path: str) -> tuple[str | None, str]:
    """`("library", "state")` for `library__state`; `(None, "state")` for `state`."""
    first, _separator, rest = path.partition("__")
    if rest and model._meta.get_field(first).is_relation:
        return first, rest
    return None, path
