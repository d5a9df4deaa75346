"""The choices of a field by their names, with what tells namesakes apart."""

from typing import Any

from django.forms.models import ModelChoiceField, ModelChoiceIterator
from django.http import HttpRequest
from django.utils.functional import cached_property

from backoffice.admin.typing import ModelAdminBase
from backoffice.querysets.names import annotated_name, named


class NamedChoicesMixin(ModelAdminBase):
    """For a ModelAdmin or an inline: its choices say what tells namesakes apart."""

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        return show_names(super().formfield_for_foreignkey(db_field, request, **kwargs))

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        return show_names(super().formfield_for_manytomany(db_field, request, **kwargs))


class NamedIterator(ModelChoiceIterator[Any]):
    """Asks for the names when the choices are read: to check what was sent takes none."""

    field: Any

    def __init__(self, field: Any) -> None:
        self.field = field

    @cached_property
    def queryset(self) -> Any:  # type: ignore[override] # an attribute
        return named(self.field.queryset)


def show_names(field: Any) -> Any:
    """Have a field show names, unless its class has labels of its own; return it."""
    own = getattr(type(field), "label_from_instance", None)
    if own is ModelChoiceField.label_from_instance and field.queryset is not None:
        field.iterator = NamedIterator
        field.label_from_instance = annotated_name
        field.widget.choices = field.choices
    return field
