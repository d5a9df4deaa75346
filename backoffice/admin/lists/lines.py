"""A form field for a single line of text."""

from typing import Any

from django import forms

from backoffice.tables.texts import same


class LineField(forms.CharField):
    """Text without invisible characters, in NFC, with single blanks."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(same(value) if isinstance(value, str) else value)
