"""Names for the inputs that Django's admin leaves without one (WCAG 2.2, 1.3.1 and 4.1.2).

tests/test_upstream.py fails when Django has fixed this.
"""

from typing import Any

from django.contrib.admin.widgets import AdminSplitDateTime
from django.db import models
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.typing import FormSetBase, InlineBase, ModelAdminBase


class NamedSplitDateTime(AdminSplitDateTime):
    """Date and time inputs, each with its own name; the field's label names the group."""

    def __init__(self, attrs: Any = None) -> None:
        super().__init__(attrs)
        names = (gettext_lazy("Date"), gettext_lazy("Time"))
        for widget, name in zip(self.widgets, names, strict=True):
            widget.attrs["aria-label"] = name


class NamedInputsMixin(ModelAdminBase):
    """For a ModelAdmin: date and time inputs with names."""

    formfield_overrides = {models.DateTimeField: {"widget": NamedSplitDateTime}}


class NamedRows(FormSetBase):
    """A formset whose inputs are named by row and column: "Patron 2: Name"."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        row = capfirst(self.model._meta.verbose_name)
        if index is not None:
            row = f"{row} {index + 1}"
        for name, field in form.fields.items():
            label = _("Delete") if name == DELETION_FIELD_NAME else field.label
            field.widget.attrs.setdefault("aria-label", f"{row}: {label}")


class NamedRowsMixin(InlineBase):
    """For a tabular inline, whose column headers label nothing."""

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        return type(formset.__name__, (NamedRows, formset), {})
