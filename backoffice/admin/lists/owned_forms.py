"""The form of what staff keep under a name."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy


class OwnedForm(forms.ModelForm[Any]):
    """A user's names for a model are unique."""

    #: Lazy, or str.
    name_taken: Any = gettext_lazy("You already have one of this name.")

    def clean(self) -> Any:
        row, name = self.instance, self.cleaned_data.get("name")
        others = type(row)._base_manager.filter(user=row.user, model=row.model, name=name)
        if others.exclude(pk=row.pk).exists():
            self.refuse_name()
        return self.cleaned_data

    def refuse_name(self) -> None:
        self.add_error("name", self.name_taken)
