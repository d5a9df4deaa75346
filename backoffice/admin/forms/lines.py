"""Form fields that clean single lines of text, typed or pasted."""

from typing import Any

from django import forms
from django.http import HttpRequest

from backoffice.admin.lists.lines import LineField
from backoffice.admin.typing import ModelAdminBase
from backoffice.tables.texts import is_line


class LinesMixin(ModelAdminBase):
    """For a ModelAdmin or an inline: model fields of a single line are cleaned so."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        # Another form field than Django's own knows best how it is cleaned.
        is_plain = type(field) is forms.CharField and is_line(db_field)
        if is_plain and not isinstance(field.widget, forms.Textarea):
            field.__class__ = LineField
        return field
