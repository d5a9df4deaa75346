"""The filter for records that look like another one."""

import json
from typing import Any

import django_filters
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.models import Model
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy

from backoffice.filters.values import NO, YesNoFilter
from backoffice.querysets.scopes import among, is_scoped, within
from backoffice.resources.registry import match_key
from backoffice.tables.lookalikes import groups_of_lookalikes
from backoffice.tables.table import Table
from backoffice.tables.texts import is_text


class LooksLikeAnotherFilter(YesNoFilter):
    """Rows whose match key looks like another row's, or like none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(field_name="pk", **kwargs)
        self._keys: list[Any] | None = None

    def filter(self, queryset: Any, value: Any) -> Any:
        if not value:
            return queryset
        connection = connections[queryset.db]
        if self._keys is None:  # read once, however often the list asks
            groups = groups_of_lookalikes(Table(self.model, connection), match_key(self.model))
            self._keys = [key for group in self.seen(groups) for key in group]
        keys = self._keys
        condition: Any
        if connection.vendor == "postgresql":
            condition = RawSQL("SELECT unnest(%s)", [keys]) if keys else []
        else:  # however many there are, they are one parameter
            condition = RawSQL("SELECT value FROM json_each(%s)", [json.dumps(keys)])
        if value == NO:
            return queryset.exclude(pk__in=condition)
        return queryset.filter(pk__in=condition)

    def seen(self, groups: list[Any]) -> list[Any]:
        """The groups, with the rows that the user may see: what looks like another of them."""
        user = getattr(self.parent.request, "user", None)
        if not is_scoped(user):
            return groups
        rows = within(self.model._base_manager.all(), user).order_by()
        keys = [key for group in groups for key in group]
        known = set(rows.filter(pk__in=among(keys, self.model)).values_list("pk", flat=True))
        seen = ([key for key in group if key in known] for group in groups)
        return [group for group in seen if len(group) > 1]


def lookalike_filters(model: type[Model]) -> dict[str, django_filters.Filter]:
    """The filter for a model whose match key has texts; none for others."""
    try:
        match = match_key(model)
    except ImproperlyConfigured:
        return {}
    if not any(is_text(model._meta.get_field(name)) for name in match):
        return {}
    label = gettext_lazy("Looks like another")
    return {"looks_like_another": LooksLikeAnotherFilter(label=label)}
