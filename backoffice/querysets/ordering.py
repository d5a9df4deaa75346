"""Total orders that an index provides, in both directions and for any number of rows."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Exists, Model, OuterRef, QuerySet, Subquery
from django.db.models.expressions import Col
from django.db.models.functions import Coalesce
from django.db.models.lookups import In


def indexed_ordering(model: type[Model], ordering: Sequence[Any]) -> list[str] | None:
    """Extend `ordering` to a total order that an index provides; None if there is none.

    `["name"]` becomes `["name", "zip_code", "pk"]` where an index has name and zip_code:
    the database walks that index from either end, and sorts nothing.
    """
    if not ordering or not all(isinstance(part, str) for part in ordering):
        return None
    names = [part.removeprefix("-") for part in ordering]
    descending = {part.startswith("-") for part in ordering}
    if len(descending) > 1:
        return None
    pk = model._meta.pk.name
    names = ["pk" if name == pk else name for name in names]
    for columns in _indexed_columns(model._meta):
        if "pk" not in columns:
            columns.append("pk")
        if columns[: len(names)] == names:
            break
    else:
        return None
    prefix = "-" if descending == {True} else ""
    return [prefix + name for name in columns]


def _indexed_columns(opts: Any) -> Iterator[list[str]]:
    """The columns of each index, as new lists that the caller may change."""
    yield ["pk"]
    for index in opts.indexes:
        if index.fields and not index.condition and not any("-" in f for f in index.fields):
            yield _columns(opts, index.fields)
    for constraint in opts.total_unique_constraints:
        yield _columns(opts, constraint.fields)
    for fields in opts.unique_together:
        yield _columns(opts, fields)
    yield from ([field.attname] for field in opts.concrete_fields if _has_index(field))


def _columns(opts: Any, names: Sequence[str]) -> list[str]:
    """The columns' names: `library_id`, since Django sorts `library` by the related rows."""
    names = [opts.get_field(name).attname for name in names]
    return ["pk" if name == opts.pk.attname else name for name in names]


def _has_index(field: Any) -> bool:
    return bool(field.db_index or field.unique)


def leads_index(field: Any) -> bool:
    """Whether an index begins with the field."""
    if _has_index(field):
        return True
    return any(columns[0] == field.attname for columns in _indexed_columns(field.model._meta))


def beginning(queryset: QuerySet[Any], number: int) -> QuerySet[Any]:
    """The rows of a queryset that are among the first `number` rows of the whole table.

    An index must provide the queryset's order. Rows that tie with the last are included. The
    result is empty where NULLs may come first.
    """
    order, model = str(queryset.query.order_by[0]), queryset.model
    name = order.removeprefix("-")
    if name != "pk" and model._meta.get_field(name).null:
        return queryset.none()
    values = model._base_manager.order_by(order).values(name)
    # All rows of a shorter table are among its first.
    last = Coalesce(Subquery(values[number : number + 1]), Subquery(values.reverse()[:1]))
    lookup = "gte" if order.startswith("-") else "lte"
    return queryset.filter(**{f"{name}__{lookup}": last})


def unindexed(queryset: QuerySet[Any]) -> QuerySet[Any]:
    """The queryset in the same order, written so that the database can use no index for it."""

    def written(order: str) -> Any:
        name = order.removeprefix("-")
        expression = Coalesce(name, name)
        return expression.desc() if order.startswith("-") else expression

    return queryset.order_by(*map(written, map(str, queryset.query.order_by)))


def walked(queryset: QuerySet[Any]) -> QuerySet[Any]:
    """The queryset, rewritten so that SQLite walks the index of its order.

    SQLite does not know that a state has 50,000 rows: it would find the rows of two states by
    the index of states, and sort them. So each row in order is tested for membership instead.
    """
    query = queryset.query
    first = str(query.order_by[0]).removeprefix("-")
    if not any(_is_one_of_several(child, first) for child in query.where.children):
        return queryset
    is_among = Exists(queryset.order_by().filter(pk=OuterRef("pk")))
    walk: QuerySet[Any] = queryset.model._base_manager.filter(is_among).order_by(
        *query.order_by
    )
    return walk if query.standard_ordering else walk.reverse()


def _is_one_of_several(child: Any, first: str) -> bool:
    return (
        isinstance(child, In)
        and isinstance(child.lhs, Col)
        and child.lhs.target.name != first
        and isinstance(child.rhs, list | tuple | set)
        and len(child.rhs) > 1
    )
