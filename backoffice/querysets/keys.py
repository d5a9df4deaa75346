"""Texts as primary keys."""

import re
from typing import Any

from django.core.exceptions import ValidationError

UNSENDABLE = re.compile("[\\x00\\ud800-\\udfff]")  # NUL and half characters: databases fail


def clean_key(opts: Any, value: Any) -> Any:
    """Convert a text to a primary key that the database accepts; raises ValidationError."""
    return clean_value(opts.pk, value)


def clean_value(field: Any, value: Any) -> Any:
    """The same for a field that names rows, such as what a foreign key refers to."""
    if not isinstance(value, str) or UNSENDABLE.search(value):
        raise ValidationError("", code="invalid")
    while field.remote_field:  # a child in multi-table inheritance
        field = field.remote_field.model._meta.pk
    key = field.to_python(value)
    if isinstance(key, int):
        field.run_validators(key)  # the range of the database's integers
    return key


def is_key(opts: Any, value: Any) -> bool:
    return is_value(opts.pk, value)


def is_value(field: Any, value: Any) -> bool:
    try:
        return clean_value(field, value) is not None
    except ValidationError:
        return False
