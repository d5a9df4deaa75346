"""Which rows a user is limited to: the one rule for lists, forms, exports and imports.

One model of a project, such as that of its branches, says `scope = "self"`: users can be
limited to some of its rows. Each other model says by which path its rows belong to one of
those, such as `scope = "library"`, or `scope = None` if they belong to none and everybody sees
them. A row that is linked to several is seen by whoever sees one of them; a row that is linked
to none is seen by users without limits alone. So is every row of a model that says nothing.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, cast

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import connections
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.db.models.expressions import RawSQL

from backoffice.querysets.related import FEW, leads_to
from backoffice.querysets.relations import ManyToMany

DECLARATION, SELF = "scope", "self"
MANY = 20_000  # rows of a user; up to here they are found by their keys, and sorted

Rows = QuerySet[Any]
Rule = Callable[[Rows, Any], Rows]

_rules: dict[type[Model], Rule] = {}


class Limits(Protocol):
    """What one user is limited to; `backoffice.filters.scopes.Scope` is one."""

    #: Whether so few rows of a model lie within that they are best found by their keys.
    known_few: dict[type[Model], bool]
    may_grow: bool  #: whether a new row of the scoped model may lie within

    def rows(self, candidates: Rows, key: str = "pk") -> Rows:
        """Those of the scoped model's rows, or of its history's, that lie within.

        key: the field with the scoped row's primary key.
        """


class _Limited(Protocol):
    backoffice_scope: Limits


# What models declare --------------------------------------------------------------------


def declare(model: type[Model], rule: Rule) -> None:
    """Give a model a rule of its own: it is called with a queryset and a user with limits."""
    _rules[model] = rule


def own(field: str = "user") -> Rule:
    """The rule for rows that belong to one user: each sees their own."""
    return lambda rows, user: rows.filter(**{field: user})


def hidden(rows: Rows, user: Any) -> Rows:
    """The rule for rows that belong to nobody with limits, such as accounts."""
    return rows.none()


def scoped_model() -> type[Model] | None:
    """The model whose rows users can be limited to; None if the project has none."""
    models = [model for model in apps.get_models() if _declared(model) == SELF]
    return min(models, key=lambda model: len(model.__mro__), default=None)


def _declared(model: type[Model]) -> Any:
    return getattr(model, DECLARATION, hidden)


def is_ruled(model: type[Model]) -> bool:
    """Whether it is said which rows of the model users with limits see."""
    return (model._meta.concrete_model or model) in _rules or hasattr(model, DECLARATION)


def is_declared(model: type[Model]) -> bool:
    """Whether a user with limits may see any of the model's rows."""
    rule = _rules.get(model._meta.concrete_model or model)
    return rule is not hidden if rule else hasattr(model, DECLARATION)


# What a user sees -----------------------------------------------------------------------


def limits_of(user: Any) -> Limits | None:
    """What the user is limited to; None for those who see everything.

    Superusers and `None`, the command line, have none. It takes a statement the first time.
    """
    if user is None or user.pk is None or getattr(user, "is_superuser", False):
        return None
    if scoped_model() is None:
        return None
    try:
        return cast(_Limited, user).backoffice_scope
    except ObjectDoesNotExist:
        return None


def is_scoped(user: Any) -> bool:
    return limits_of(user) is not None


def within(queryset: Rows, user: Any) -> Rows:
    """The rows of `queryset` that the user may see: all, for users without limits."""
    limits = limits_of(user)
    return queryset if limits is None else _within(queryset, limits, user)


def within_each(queryset: Rows, user: Any) -> Rows:
    """As `within`, asked of each row: for what finds a few rows by something else first."""
    limits = limits_of(user)
    return queryset if limits is None else _within(queryset, limits, user, row_by_row=True)


def leads_within(field: Any) -> bool:
    """Whether all rows that a row within leads to by `field`, a relation, lie within.

    So it is where they lie within by that relation: a library's patrons, and its titles.
    """
    model: Any = field.related_model._meta.concrete_model
    path = _declared(model)
    if model in _rules or not isinstance(path, str) or path == SELF:
        return False
    first, _separator, rest = path.partition(LOOKUP_SEP)
    return model._meta.get_field(first).remote_field is field and rest in (
        "",
        _declared(field.model),
    )


def seen_by(user: Any) -> Callable[[Rows], Rows]:
    """`within`, for whoever knows the rows and not the user."""
    return partial(within, user=user)


def may_add(model: type[Model], user: Any) -> bool:
    """Whether a new row of the model can lie within: no new library is one of those named."""
    limits = limits_of(user)
    return limits is None or limits.may_grow or _declared(model) != SELF


def _within(queryset: Rows, limits: Limits, user: Any, *, row_by_row: bool = False) -> Rows:
    model: Any = queryset.model._meta.concrete_model
    if rule := _rules.get(model):
        return rule(queryset, user)
    path = _declared(model)
    if path is hidden:
        return queryset.none()
    if path is None:
        return queryset
    if row_by_row:
        return queryset.filter(_row_by_row(model, path, limits))
    if model not in limits.known_few:
        found = model._base_manager.filter(_by_keys(model, path, limits)).order_by()
        limits.known_few[model] = found[: MANY + 1].count() <= MANY
    # SQLite begins with the keys of an IN, and sorts what it finds. Of many rows it had better
    # go along the order of the list, and test each row.
    condition = _by_keys if limits.known_few[model] else _row_by_row
    return queryset.filter(condition(model, path, limits))


def _step(model: type[Model], path: str, limits: Limits, condition: Any) -> tuple[Any, Rows]:
    """`(field of the first step, rows within that it may lead to)`."""
    first, _separator, rest = path.partition(LOOKUP_SEP)
    field: Any = model._meta.get_field(first)
    related = field.related_model
    found = condition(related, rest or _declared(related), limits)
    return field, related._base_manager.filter(found).order_by()


def _by_keys(model: type[Model], path: str, limits: Limits) -> Q:
    if path == SELF:
        return Q(pk__in=limits.rows(model._base_manager.all()).order_by().values("pk"))
    field, rows = _step(model, path, limits, _by_keys)
    if field.many_to_many:
        relation = ManyToMany.of(field)
        links = relation.links.filter(**{f"{relation.target}__in": rows.values("pk")})
        return Q(pk__in=links.values(relation.source))
    return Q(**{f"{field.name}__in": rows.values(field.target_field.attname)})


def _row_by_row(model: type[Model], path: str, limits: Limits) -> Q:
    if path == SELF:
        rows = limits.rows(model._base_manager.all()).order_by()
        return Q(Exists(rows.filter(pk=OuterRef("pk"))))
    return Q(leads_to(*_step(model, path, limits, _row_by_row)))


def rows_at(model: type[Model], path: str, limits: Limits) -> tuple[Any, Rows]:
    """`(field of the path's first step, rows within that it may lead to)`."""
    return _step(model, path, limits, _row_by_row)


def among(keys: list[Any], model: type[Model]) -> Any:
    """What `pk__in` takes for any number of keys of a model: beyond some, one parameter."""
    if len(keys) <= FEW:
        return keys
    base = model._base_manager
    connection, field = connections[base.db], model._meta.pk
    values = [field.get_db_prep_value(key, connection) for key in keys]
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s)", [values])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(values, default=str)])
