"""The choices of a field by their names, with what tells namesakes apart."""

from functools import partial
from typing import Any

from django.forms.models import ModelChoiceField, ModelChoiceIterator
from django.http import HttpRequest
from django.utils.functional import cached_property

from backoffice.admin.typing import ModelAdminBase
from backoffice.querysets.names import annotated_name, named
from backoffice.querysets.reach import Reach


class NamedChoicesMixin(ModelAdminBase):
    """For a ModelAdmin or an inline: its choices say what tells namesakes apart."""

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        return show_names(field, request.user)

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        return show_names(field, request.user)


class NamedIterator(ModelChoiceIterator[Any]):
    """Asks for the names when the choices are read: to check what was sent takes none."""

    field: Any

    def __init__(self, field: Any, user: Any) -> None:
        self.field, self.user = field, user

    @cached_property
    def queryset(self) -> Any:  # type: ignore[override] # an attribute
        return named(self.field.queryset, Reach.of(self.user))


def show_names(field: Any, user: Any) -> Any:
    """Have a field show names to a user, unless its class has labels of its own; return it."""
    own = getattr(type(field), "label_from_instance", None)
    if own is ModelChoiceField.label_from_instance and field.queryset is not None:
        field.iterator = partial(NamedIterator, user=user)
        field.label_from_instance = annotated_name
        field.widget.choices = field.choices
    return field
