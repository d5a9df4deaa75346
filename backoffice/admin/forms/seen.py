"""What a page showed of a record, as a signed text that its form sends back.

Of one record it is `[its name, {field name: value}, time in seconds]`, the values as a
serializer writes them, links as sorted keys; or `[its name, None, time]` once staff were told
that the record is gone.
"""

import json
import time
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.admin.utils import display_for_field
from django.core import signing
from django.core.exceptions import ObjectDoesNotExist
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Field, Model
from django.forms.models import InlineForeignKeyField, ModelMultipleChoiceField
from django.utils.translation import gettext as _

from backoffice.querysets.names import names
from backoffice.querysets.reach import Reach

SEEN = "_seen"  # the input of a change form


class SeenSerializer:
    def dumps(self, obj: Any) -> bytes:
        text = json.dumps(obj, cls=DjangoJSONEncoder, separators=(",", ":"))
        return text.encode()

    def loads(self, data: Any) -> Any:
        return json.loads(data)


def sign(model: type[Model], seen: Any) -> str:
    salt = f"{__name__}.{model._meta.label_lower}"
    return signing.dumps(seen, salt=salt, serializer=SeenSerializer, compress=True)


def read(model: type[Model], text: str) -> Any:
    """What was signed; None if the signature is wrong."""
    salt = f"{__name__}.{model._meta.label_lower}"
    try:
        return signing.loads(text, salt=salt, serializer=SeenSerializer)
    except signing.BadSignature:
        return None


def take(form: Any) -> list[Any]:
    """What a page shows of the form's record at present.

    Raises nothing and asks the database nothing: links are in the form's initial values.
    """
    row = form.instance
    values = {
        name: keys_of(form[name].initial) if is_links(field) else serialized(model_field, row)
        for name, field in form.fields.items()
        for model_field in [field_of(row, name)]
        if is_links(field) or (model_field and is_compared(field))
    }
    return [str(row), values, int(time.time())]


def field_of(row: Any, name: str) -> Any:
    """The model's own column of this name, or None."""
    return next((field for field in row._meta.concrete_fields if field.name == name), None)


def is_links(field: Any) -> bool:
    return isinstance(field, ModelMultipleChoiceField) and not field.disabled


def is_compared(field: Any) -> bool:
    """Not what a page shows to nobody, or what nobody can change."""
    hides = isinstance(field.widget, forms.PasswordInput)
    is_parent = isinstance(field, InlineForeignKeyField)
    return not (hides or is_parent or field.disabled)


def serialized(field: Any, row: Any) -> Any:
    value = field.value_from_object(row)
    if value is None:
        return None
    kind: Any = type(value)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        # Its text would be an address in memory, another one each time.
        return str(field.get_prep_value(value))
    return field.value_to_string(row)


def keys_of(rows: Iterable[Any] | None) -> list[str]:
    return sorted(str(getattr(row, "pk", row)) for row in rows or ())


def initial_value(model_field: "Field[Any, Any]", field: forms.Field, seen: Any) -> Any:
    """The initial value of a form's field that showed what was seen."""
    if seen is None:
        return None
    value = model_field.to_python(seen)
    if hasattr(value, "microsecond") and not field.widget.supports_microseconds:
        return value.replace(microsecond=0)
    return value


def initial_values(model: type[Model], taken: Any) -> dict[str, Any]:
    """The initial values of a form, from what was seen of a record."""
    opts = model._meta
    return {
        field.name: value if value is None or field.many_to_many else field.to_python(value)
        for field in (*opts.concrete_fields, *opts.many_to_many)
        if field.name in (taken[1] or ())
        for value in [taken[1][field.name]]
    }


def display(field: Any, row: Any, reach: Reach) -> str:
    """The value of a column as text for staff."""
    if field.choices:
        return str(getattr(row, f"get_{field.name}_display")())
    try:
        value = getattr(row, field.name)
    except ObjectDoesNotExist:
        value = field.value_from_object(row)
    if isinstance(value, Model):
        return names([value], reach)[0]
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return str(display_for_field(value, field, "", avoid_link=True))
