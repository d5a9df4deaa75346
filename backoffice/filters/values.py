"""Filters of a model's own fields; what upstream's would take for no filter is an error."""

import datetime

import django_filters
from django import forms
from django.core.validators import MinValueValidator
from django.utils.translation import gettext_lazy

from backoffice.querysets.related import any_of

TEXT = 1_000  # characters of a text, where no field says how many

YES, NO = "yes", "no"


class TextFilter(django_filters.CharFilter):
    """Text that the field contains, or whatever lookup is named."""

    def __init__(self, field_name=None, lookup_expr="icontains", **kwargs):
        kwargs["max_length"] = kwargs.get("max_length") or TEXT
        super().__init__(field_name, lookup_expr, **kwargs)


class IntegerFilter(django_filters.NumberFilter):
    """Upstream's takes 1.5 of an integer for 1."""

    field_class = forms.IntegerField


class DateInput(forms.DateInput):
    """The browser's own calendar; plain text where it would not show what was written."""

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        shown = context["widget"]["value"]
        context["widget"]["type"] = "date" if not shown or _is_date(shown) else "text"
        return context


def _is_date(text):
    try:
        return bool(datetime.datetime.strptime(text, "%Y-%m-%d"))
    except ValueError:
        return False


class DateField(forms.DateField):
    widget = DateInput(format="%Y-%m-%d")
    default_validators = [MinValueValidator(datetime.date(1000, 1, 1))]

    def __init__(self, **kwargs):
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)


class DateFilter(django_filters.DateFilter):
    field_class = DateField


class YesNoFilter(django_filters.ChoiceFilter):
    """Upstream's filter of a boolean takes whatever it doesn't know for no filter at all."""

    labels = {YES: gettext_lazy("Yes"), NO: gettext_lazy("No")}

    def __init__(self, *args, **kwargs):
        kwargs |= {"choices": list(self.labels.items()), "empty_label": gettext_lazy("Any")}
        super().__init__(*args, **kwargs)

    def filter(self, queryset, value):
        return super().filter(queryset, value == YES) if value else queryset


class AnyOfField(django_filters.fields.MultipleChoiceField):
    """Upstream's takes a blank for a choice, which is not among its own."""

    def to_python(self, value):
        return [text for text in super().to_python(value) if text]


class AnyOfFilter(django_filters.MultipleChoiceFilter):
    """Any of several choices, of the model's own field or of a related row's."""

    field_class = AnyOfField

    def filter(self, queryset, value):
        if not value:
            return queryset
        return queryset.filter(any_of(self.model, self.field_name, value).q)
