"""What can be no key, in a form or in the address of one, is no choice and no error 500."""

from typing import Any

from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.forms.models import ModelChoiceField, ModelMultipleChoiceField
from django.http import HttpRequest

from backoffice.admin.typing import ModelAdminBase
from backoffice.querysets.keys import is_value


def key_of(model: Any, name: str | None) -> Any:
    """The field of a model by which a form names its rows."""
    return model._meta.get_field(name) if name else model._meta.pk


class KeyField(ModelChoiceField[Any]):
    def to_python(self, value: Any) -> Any:
        key = key_of(self.queryset.model, self.to_field_name)  # type: ignore[union-attr] # it has
        if isinstance(value, str) and value and not is_value(key, value):
            message = self.error_messages["invalid_choice"]
            raise ValidationError(message, code="invalid_choice", params={"value": value})
        return super().to_python(value)


class KeysField(ModelMultipleChoiceField[Any]):
    def _check_values(self, value: Any) -> Any:
        key = key_of(self.queryset.model, self.to_field_name)  # type: ignore[union-attr] # it has
        for each in value:
            if isinstance(each, str) and not is_value(key, each):
                message = self.error_messages["invalid_pk_value"]
                raise ValidationError(message, code="invalid_pk_value", params={"pk": each})
        return super()._check_values(value)  # type: ignore[misc] # not in the stubs


class KnownKeys:
    """For Django's widgets that look up what is chosen, to show it."""

    field: Any

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        remote = self.field.remote_field
        key = key_of(remote.model, getattr(remote, "field_name", None))
        keys = [each for each in value if is_value(key, each)]
        return super().optgroups(name, keys, attrs)  # type: ignore[misc] # the widget's


class KeySelect(KnownKeys, AutocompleteSelect):
    pass


class KeysSelect(KnownKeys, AutocompleteSelectMultiple):
    pass


CHECKED: dict[Any, Any] = {
    ModelChoiceField: KeyField,
    ModelMultipleChoiceField: KeysField,
    AutocompleteSelect: KeySelect,
    AutocompleteSelectMultiple: KeysSelect,
}


class KeysMixin(ModelAdminBase):
    """For a ModelAdmin or an inline."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            check_keys(field)
            check_keys(getattr(field.widget, "widget", field.widget))
        return field


def check_keys(each: Any) -> None:
    """Have Django's own field or widget check keys; others know best what they take."""
    each.__class__ = CHECKED.get(type(each), type(each))
