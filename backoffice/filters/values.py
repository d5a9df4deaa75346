"""Filters of a model's own fields. A value that can't be read is an error, never no filter."""

import datetime
import re
from collections.abc import Callable
from typing import Any

import django_filters
from django import forms
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy
from django_filters.utils import get_model_field

from backoffice.querysets.contains import contains
from backoffice.querysets.related import any_of
from backoffice.querysets.scopes import seen_by
from backoffice.resources.widgets import DateWidget, read_date, widget_of

TEXT = 1_000  # characters of a text, where no field says how many

YES, NO = "yes", "no"


class TextFilter(django_filters.CharFilter):
    """Rows whose field contains the text, or fits it by another `lookup_expr`."""

    def __init__(
        self, field_name: str | None = None, lookup_expr: str = "icontains", **kwargs: Any
    ) -> None:
        kwargs["max_length"] = kwargs.get("max_length") or TEXT
        super().__init__(field_name, lookup_expr, **kwargs)

    def filter(self, queryset: Any, value: Any) -> Any:
        if self.lookup_expr != "icontains" or self.distinct or self.exclude or not value:
            return super().filter(queryset, value)
        return queryset.filter(contains(self.field_name, value))


class ValueField(forms.Field):
    """Text that a file's cell might hold, cleaned to the value that an import reads in it.

    Args:
        read: from text to value; raises ValidationError. See `reader_of`.
    """

    def __init__(self, *, read: Callable[[str], Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.read = read

    def to_python(self, value: Any) -> Any:
        text = "" if value is None else str(value).strip()
        return self.read(text) if text else None


def reader_of(field: models.Field[Any, Any]) -> Callable[[str], Any]:
    """What reads a text as a value of a model's field, as imports do."""
    widget = widget_of(field)
    if widget is None:
        raise TypeError(f"No text is a value of {field}.")

    def read(text: str) -> Any:
        value = field.to_python(widget.clean(text))
        field.run_validators(value)
        return value

    return read


class ValueFilter(django_filters.Filter):
    """Rows whose value is the one that is written (or less, or more: `lookup_expr`)."""

    field_class = ValueField

    @property
    def field(self) -> forms.Field:
        if "read" not in self.extra:
            self.extra["read"] = reader_of(get_model_field(self.model, self.field_name))
        field: forms.Field = super().field
        return field


class DateInput(forms.DateInput):
    """A date input of the browser; a text input for text that the former would not show."""

    def get_context(
        self, name: str, value: Any, attrs: dict[str, Any] | None
    ) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        shown = context["widget"]["value"]
        is_date = not shown or (re.fullmatch(r"\d{4}-\d\d-\d\d", shown) and read_date(shown))
        context["widget"]["type"] = "date" if is_date else "text"
        return context


class DateField(ValueField):
    widget = DateInput(format="%Y-%m-%d")
    default_validators = [MinValueValidator(datetime.date(1000, 1, 1))]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"read": DateWidget().clean, **kwargs})


class DateFilter(django_filters.Filter):
    """Rows of the day that is written."""

    field_class = DateField


class NoFilter(django_filters.Filter):
    """Stands for a field that can't be filtered by; a system check reports it."""


class YesNoFilter(django_filters.ChoiceFilter):
    """Yes, no or any. (django-filter's BooleanFilter ignores a value that it doesn't know.)"""

    labels = {YES: gettext_lazy("Yes"), NO: gettext_lazy("No")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"choices": list(self.labels.items()), "empty_label": gettext_lazy("Any")}
        super().__init__(*args, **kwargs)

    def filter(self, queryset: Any, value: Any) -> Any:
        return super().filter(queryset, value == YES) if value else queryset


class AnyOfField(django_filters.fields.MultipleChoiceField):
    """Leaves out blanks, which django-filter's field takes for an unknown choice."""

    def to_python(self, value: Any) -> list[Any]:
        return [text for text in super().to_python(value) if text]


class AnyOfFilter(django_filters.MultipleChoiceFilter):
    """Any of several choices, of the model's own field or of a related row's."""

    field_class = AnyOfField

    def filter(self, queryset: Any, value: Any) -> Any:
        if not value:
            return queryset
        seen = seen_by(getattr(self.parent.request, "user", None))
        return queryset.filter(any_of(self.model, self.field_name, value, seen).q)
