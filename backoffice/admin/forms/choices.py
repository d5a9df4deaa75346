"""Choices of related rows that all forms of a page share: one statement per field."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.models import ModelChoiceIterator
from django.utils.functional import cached_property

from backoffice.querysets.names import named
from backoffice.querysets.reach import Reach


class SharedChoices:
    """The choices of one field in all forms; an autocomplete widget uses it as a queryset."""

    def __init__(self, formset: Any, name: str, queryset: QuerySet[Any]) -> None:
        self.formset, self.name, self.queryset = formset, name, queryset
        self.reach = Reach.of(formset.request.user)

    def attach(self, field: Any) -> None:
        field.iterator = partial(SharedIterator, shared=self)
        field.queryset = self.queryset  # gives the widget a SharedIterator

    @cached_property
    def options(self) -> list[Any]:
        """All choices, for a plain select."""
        return list(named(self.queryset, self.reach))

    @cached_property
    def chosen(self) -> Any:
        """The choices selected in any form of the page, by key as text."""
        key = self.queryset.model._meta.pk
        keys = set()
        for form in self.formset.forms:
            value = form[self.name].value()
            for text in value if isinstance(value, list | tuple) else [value]:
                try:
                    keys.add(key.to_python(getattr(text, "pk", text)))
                except ValidationError:
                    continue
        rows = named(self.queryset.filter(pk__in=keys - {None}), self.reach)
        return {str(row.pk): row for row in rows}

    def using(self, alias: str) -> Any:
        return self

    def filter(self, **condition: Any) -> Any:
        """The only lookup of django.contrib.admin.widgets.AutocompleteMixin: `<key>__in=…`."""
        (keys,) = condition.values()
        return [self.chosen[key] for key in keys if key in self.chosen]


class SharedIterator(ModelChoiceIterator[Any]):
    def __init__(self, field: Any, shared: Any) -> None:
        super().__init__(field)
        self.queryset = shared

    def __iter__(self) -> Iterator[Any]:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        shared: Any = self.queryset
        yield from map(self.choice, shared.options)
