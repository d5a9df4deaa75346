"""A row of an inline: its values when the page was made, as submitted, and at present."""

from dataclasses import dataclass
from typing import Any

from django.forms.formsets import DELETION_FIELD_NAME
from django.forms.utils import ErrorDict
from django.utils.translation import gettext as _

from backoffice.admin.forms.kept import KeptForm


@dataclass(frozen=True)
class Gone:
    """Stands for a row that was on the page and no longer belongs to the parent."""

    pk: object
    label: str

    def __str__(self) -> str:
        return self.label


class RowForm(KeptForm):
    """A mixin for the ModelForm of an inline, which binds it to a submitted row."""

    row: Any = None
    seen: Any = None
    told_of_row = False

    def bind_row(self, row: Any, seen: Any) -> None:
        """seen: what the page showed of the row, or None if it did not say so."""
        self.row, self.seen = row, seen
        if not isinstance(row, Gone):
            self.compare(seen)

    @property
    def carried(self) -> Any:
        """What the page shows when it comes back with errors.

        After a change was reported, it is what is stored: saving again accepts it.
        """
        if self.stored is None:
            if self.told_of_row:
                return [self.row.label, None, 0]
            return self.seen
        return self.stored if self.told_of_row else super().carried

    def full_clean(self) -> None:
        if self.row is None or (self.stored and self.changed_data):
            super().full_clean()
            return
        # Neither an unchanged row nor a deleted one is validated.
        self._errors, self.cleaned_data = ErrorDict(renderer=self.renderer), {}
        if self.stored:
            self.show_theirs()
        if not self.stored and self.is_edited():
            self.tell(
                _(
                    "Somebody else deleted or moved this %(name)s meanwhile: what you typed"
                    " can't be saved. Save again to go on without it."
                )
            )

    def is_edited(self) -> bool:
        """Whether anything was typed into the form of a row that is gone."""
        if not self.seen or DELETION_FIELD_NAME in self.changed_data:
            return False
        return not set(self.seen[1] or ()).isdisjoint(self.changed_data)

    def _post_clean(self) -> None:
        super()._post_clean()
        self.show_hidden_errors()
        if (
            self.row is None
            or not self.cleaned_data.get(DELETION_FIELD_NAME)
            or not self.theirs
        ):
            return
        changes = "; ".join(map(self.attributed, self.theirs))
        text = _("Somebody else changed this %(name)s meanwhile: %(changes)s.") + " "
        text += _("Save again to delete it all the same.")
        # A form marked for deletion would pass despite its errors.
        del self.cleaned_data[DELETION_FIELD_NAME]
        self.tell(text, changes=changes)

    def show_hidden_errors(self) -> None:
        """Move errors of hidden fields, which the page doesn't show, to the whole form."""
        for name in [bound.name for bound in self.hidden_fields()]:
            if name in self.errors:
                self.add_error(None, self.errors.pop(name).as_data())

    def tell(self, text: str, **values: Any) -> None:
        self.told_of_row = True
        name = self._meta.model._meta.verbose_name
        self.add_error(None, text % {"name": name, **values})
