"""Texts as primary keys."""

import re
from typing import Any

from django.core.exceptions import ValidationError

UNSENDABLE = re.compile("[\\x00\\ud800-\\udfff]")  # NUL and half characters: databases fail


def clean_key(opts: Any, value: Any) -> Any:
    """Convert a text to a primary key that the database accepts; raises ValidationError."""
    if not isinstance(value, str) or UNSENDABLE.search(value):
        raise ValidationError("", code="invalid")
    pk = opts.pk
    while pk.remote_field:  # a child in multi-table inheritance
        pk = pk.remote_field.model._meta.pk
    key = pk.to_python(value)
    pk.run_validators(key)
    return key


def is_key(opts: Any, value: Any) -> bool:
    try:
        return clean_key(opts, value) is not None
    except ValidationError:
        return False
