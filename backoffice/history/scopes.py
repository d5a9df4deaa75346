"""Which records of history a user may see: by the values that the row had then."""

from typing import Any

from django.apps import apps
from django.db.models import Case, Exists, Model, OuterRef, Q, QuerySet, When
from django.db.models.constants import LOOKUP_SEP
from django.db.models.functions import Cast
from simple_history.utils import get_m2m_reverse_field_name

from backoffice.history.links import links_then
from backoffice.history.records import history_model
from backoffice.querysets.related import leads_to
from backoffice.querysets.scopes import (
    DECLARATION,
    SELF,
    is_declared,
    limits_of,
    rows_at,
    within,
)


def within_then(records: QuerySet[Any], user: Any) -> QuerySet[Any]:
    """Those of a model's records of history that lie within what the user is limited to.

    What a row referred to then is looked up as it is now: a patron's record is seen by whoever
    sees the library that the patron had. A record of a row that users are limited to itself,
    such as a library, has the values of its own.
    """
    limits = limits_of(user)
    if limits is None:
        return records
    history: Any = records.model
    path = getattr(history.instance_type, DECLARATION, "")
    if path is None:
        return records
    if path == SELF:
        return limits.rows(records, key=history.instance_type._meta.pk.attname)
    names = {field.name for field in history._meta.concrete_fields}
    first = path.partition(LOOKUP_SEP)[0]
    links = {field.name for field in history._history_m2m_fields}
    if first not in names | links:
        return records.none()
    field, seen = rows_at(history.instance_type, path, limits)
    if first in names:
        return records.filter(leads_to(history._meta.get_field(first), seen))
    target = get_m2m_reverse_field_name(field)
    row = history.instance_type._meta.pk.attname
    linked = links_then(history, field, row=OuterRef(row), record=OuterRef("pk"))
    return records.filter(
        Exists(linked.filter(Exists(seen.filter(pk=OuterRef(f"{target}_id")))))
    )


def may_name_hidden(model: type[Model], user: Any) -> bool:
    """Whether what was done to rows of a model may name rows that the user may not see.

    What is said of a book may name a library that it was linked to. What is said of a patron
    can't: it has one library, and is seen by whoever sees that one.
    """
    if limits_of(user) is None:
        return False
    first = str(getattr(model, DECLARATION, "")).partition(LOOKUP_SEP)[0]
    return any(
        field.is_relation
        and getattr(field.related_model, DECLARATION, "") is not None
        and (field.many_to_many or field.name != first)
        for field in (*model._meta.concrete_fields, *model._meta.many_to_many)
    )


def about_what_is_within(entries: QuerySet[Any], user: Any) -> QuerySet[Any]:
    """The rule for the trail: a user with limits sees what they did themselves.

    Of entries about one row, those whose row is within, or was when it was deleted.
    """
    seen = Q(object_id="")
    for number, model in enumerate(apps.get_models()):
        if model is entries.model or not is_declared(model):
            continue
        # The text of another model may be no key of this one: it is not even read.
        key = When(model=model._meta.label, then=Cast("object_id", model._meta.pk))
        entries = entries.alias(**{f"_key{number}": Case(key, default=None)})
        seen |= Q(Exists(_of_key(within(model._base_manager.all(), user), "pk", number)))
        if history := history_model(model):
            deleted = within_then(history._base_manager.filter(history_type="-"), user)
            seen |= Q(Exists(_of_key(deleted, model._meta.pk.attname, number)))
    return entries.filter(seen, user=user)


def _of_key(rows: QuerySet[Any], key: str, number: int) -> QuerySet[Any]:
    return rows.filter(**{key: OuterRef(f"_key{number}")}).order_by()
