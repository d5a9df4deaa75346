"""Filters by history: added or changed since a day, changed by an import."""

import datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.changes.models import Change
from backoffice.filters.values import DateFilter
from backoffice.querysets.related import few_keys
from backoffice.querysets.scopes import within

MANY = 50_000  # history records; up to here reading all at once is cheaper than per row


def with_record(model: Any, **condition: Any) -> Any:
    """Q: the rows with a history record that fits."""
    manager = getattr(model, model._meta.simple_history_manager_attribute)
    records = manager.model._base_manager.filter(**condition)
    key = model._meta.pk.attname
    keys = few_keys(records, key)
    if keys is not None:
        return Q(pk__in=set(keys))
    if records.order_by()[MANY : MANY + 1].exists():
        # Most rows have a record, so a page of the list is soon complete.
        return Q(Exists(records.filter(**{key: OuterRef("pk")})))
    return Q(pk__in=records.order_by().values(key))


class SinceFilter(DateFilter):
    """Rows with a history record of the day or later, of `history_type` if it is given."""

    def __init__(self, *, history_type: str | None = None, **kwargs: Any) -> None:
        self.condition = {"history_type": history_type} if history_type else {}
        super().__init__(field_name="pk", **kwargs)

    def filter(self, queryset: Any, value: Any) -> Any:
        if value is None:
            return queryset
        start = timezone.make_aware(datetime.datetime.combine(value, datetime.time.min))
        return queryset.filter(
            with_record(self.model, history_date__gte=start, **self.condition)
        )


class ImportField(forms.IntegerField):
    """The number of an import of the model, cleaned to its Change."""

    def __init__(self, *, model: Any, user: Any = None, **kwargs: Any) -> None:
        self.model, self.user = model, user
        super().__init__(min_value=1, **kwargs)

    def clean(self, value: Any) -> Any:
        number = super().clean(value)
        if number is None:
            return None
        jobs = within(Change.objects.all(), self.user)
        jobs = jobs.filter(model=self.model._meta.label, applied_at__isnull=False)
        try:
            return jobs.get(pk=number)
        except Change.DoesNotExist as error:
            raise ValidationError(
                _("No import of %(models)s that wrote something has the number %(number)s."),
                code="unknown",
                params={
                    "number": number,
                    "models": self.model._meta.verbose_name_plural,
                },
            ) from error


class ImportFilter(django_filters.Filter):
    """Rows that an import created or changed."""

    field_class = ImportField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(field_name="pk", **kwargs)

    @property
    def field(self) -> forms.Field:
        self.extra.setdefault("model", self.model)
        self.extra.setdefault("user", getattr(self.parent.request, "user", None))
        field: forms.Field = super().field
        return field

    def filter(self, queryset: Any, value: Any) -> Any:
        if value is None:
            return queryset
        return queryset.filter(with_record(self.model, history_change=value))


def history_filters() -> dict[str, django_filters.Filter]:
    return {
        "added_since": SinceFilter(history_type="+", label=gettext_lazy("Added since")),
        "changed_since": SinceFilter(label=gettext_lazy("Added or changed since")),
        "changed_by_import": ImportFilter(label=gettext_lazy("Changed by import no.")),
    }
