"""The FilterSet that `library/filtersets.py` declares on.

It is django-filter's, so its fields and Meta mean what its documentation says. A FilterSet
says which rows, for lists, exports and the command line alike: a value that it can't take
is an error of its form and finds no rows. Where a model keeps history it filters by that
as well, by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

import django_filters
from django import forms
from django.contrib.admin import AdminSite
from django.db import models
from django.utils.choices import flatten_choices
from django.utils.translation import gettext as _
from django_filters.widgets import SuffixedMultiWidget

from backoffice.filters.history import history_filters
from backoffice.filters.lookalikes import lookalike_filters
from backoffice.filters.related import ReferenceFilter, may_filter_by
from backoffice.filters.values import (
    DateFilter,
    NoFilter,
    TextFilter,
    ValueFilter,
    YesNoFilter,
)
from backoffice.resources.registry import Registry
from backoffice.resources.widgets import WIDGETS

filtersets: Registry[FilterSet] = Registry()


def filterset_class_for(model: type[models.Model]) -> type[FilterSet] | None:
    """The FilterSet that was declared first for a model; None where there is none."""
    return next(iter(filtersets.declared_for(model)), None)


class FilterForm(forms.Form):
    """Refuses a second value for a filter of one: it would silently replace the first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"auto_id": "filter_%s", "label_suffix": ""}
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any] | None:
        for parameter, (name, _part) in parameters_of(self).items():
            several = getattr(self.fields[name].widget, "allow_multiple_selected", False)
            values = getattr(self.data, "getlist", lambda key: [self.data.get(key)])(parameter)
            if len(set(values)) > 1 and not several:
                self.add_error(name, _("There is more than one value: name one."))
        return super().clean()


def parameters_of(form: forms.Form) -> dict[str, tuple[str, str]]:
    """`{parameter of the query string: (name of the field, which part of it)}`."""
    parameters = {}
    for name, field in form.fields.items():
        widget = field.widget
        if isinstance(widget, SuffixedMultiWidget):
            names = [widget.suffixed(name, suffix) for suffix in widget.suffixes]
        elif isinstance(widget, forms.MultiWidget):
            names = [name + suffix for suffix in widget.widgets_names]  # type: ignore[attr-defined]  # the stubs lack it
        else:
            parameters[name] = (name, "")
            continue
        for parameter, part in zip(names, widget.widgets, strict=True):
            parameters[parameter] = (name, part.attrs.get("aria-label", ""))
    return parameters


class FilterSet(django_filters.FilterSet):
    """Which rows of a model.

    Args:
        request: whose. With it and `admin_site`, filters of related rows are left out for
            users who may not view those rows, and find only rows that the user may view.
        admin_site: the AdminSite whose ModelAdmins say who may view what; None on the
            command line, where every row may be filtered by.
        elsewhere: names of filters that are offered and checked here, but applied by the
            caller.
    """

    #: Other names for parameters, for scripts: `{"state": "library__state"}`.
    aliases: dict[str, str] = {}

    _TEXT = {"filter_class": TextFilter, "extra": lambda f: {"max_length": f.max_length}}
    _NONE = {"filter_class": NoFilter}
    _REFERENCE = {"filter_class": ReferenceFilter}
    #: By the class of the model's field, or the nearest that it inherits from.
    FILTER_DEFAULTS = {
        **{field_class: {"filter_class": ValueFilter} for field_class in WIDGETS},
        models.CharField: _TEXT,
        models.TextField: _TEXT,
        models.FilePathField: _TEXT,
        models.BooleanField: {"filter_class": YesNoFilter},
        models.DateField: {"filter_class": DateFilter},
        models.DateTimeField: {"filter_class": ValueFilter},
        models.JSONField: _NONE,
        models.FileField: _NONE,
        models.BinaryField: _NONE,
        models.ForeignKey: _REFERENCE,
        models.OneToOneField: _REFERENCE,
        models.ManyToManyField: _REFERENCE,
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        filtersets.add(cls)

    def __init__(
        self,
        *args: Any,
        admin_site: AdminSite | None = None,
        elsewhere: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.admin_site, self.elsewhere = admin_site, elsewhere
        for name, each in list(self.filters.items()):
            if not may_filter_by(self.request, admin_site, each.model, each.field_name):
                del self.filters[name]

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        filters: dict[str, django_filters.Filter] = super().get_filters()
        model = cls._meta.model
        by_itself = {} if model is None else lookalike_filters(model)
        if model is not None and hasattr(model._meta, "simple_history_manager_attribute"):
            by_itself |= history_filters()
        for name, each in by_itself.items():
            filters.setdefault(name, each)
            filters[name] = filters.pop(name)  # at the end
        return filters

    def get_form_class(self) -> type[forms.Form]:
        form_class = super().get_form_class()
        return type(form_class.__name__, (FilterForm, form_class), {})

    @cached_property
    def parameters(self) -> dict[str, tuple[str, str]]:
        """See `parameters_of`."""
        return parameters_of(self.form)

    @property
    def qs(self) -> Any:
        """The filtered rows; none if a value is invalid."""
        return super().qs if self.is_valid() or not self.is_bound else self.queryset.none()

    def filter_queryset(self, queryset: Any) -> Any:
        for name, value in self.form.cleaned_data.items():
            if name not in self.elsewhere:
                queryset = self.filters[name].filter(queryset, value)
        return queryset

    def describe(self, parameter: str, value: str) -> tuple[str, str]:
        """`(label, text)` of a value of the query string, as the form words them."""
        name, part = self.parameters[parameter]
        label = self.form[name].label
        choices: Any = flatten_choices(iter(getattr(self.form.fields[name], "choices", ())))
        texts = {str(key): str(each) for key, each in choices}
        return f"{label} {part}" if part else label, texts.get(value, value)
