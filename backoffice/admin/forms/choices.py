"""Choices of related rows that all forms of a page share: a statement a field, none a form."""

from functools import partial

from django.core.exceptions import ValidationError
from django.forms.models import ModelChoiceIterator
from django.utils.functional import cached_property


class SharedChoices:
    """The related rows in one field of all forms; their queryset to an autocomplete widget."""

    def __init__(self, formset, name, queryset):
        self.formset, self.name, self.queryset = formset, name, queryset

    def attach(self, field):
        field.iterator = partial(SharedIterator, shared=self)
        field.queryset = self.queryset  # hands the widget an iterator of that kind

    @cached_property
    def options(self):
        """All there are, for a plain list."""
        return list(self.queryset)

    @cached_property
    def chosen(self):
        """Those in a form of the page, by the text of the key."""
        key = self.queryset.model._meta.pk
        keys = set()
        for form in self.formset.forms:
            value = form[self.name].value()
            for text in value if isinstance(value, list | tuple) else [value]:
                try:
                    keys.add(key.to_python(getattr(text, "pk", text)))
                except ValidationError:
                    continue
        return {str(row.pk): row for row in self.queryset.filter(pk__in=keys - {None})}

    def using(self, alias):
        return self

    def filter(self, **condition):
        """What django.contrib.admin.widgets.AutocompleteMixin asks: `<key>__in=…`."""
        (keys,) = condition.values()
        return [self.chosen[key] for key in keys if key in self.chosen]


class SharedIterator(ModelChoiceIterator):
    def __init__(self, field, shared):
        super().__init__(field)
        self.queryset = shared

    def __iter__(self):
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        yield from map(self.choice, self.queryset.options)
