"""A row of an inline: its values when the page was made, as submitted, and at present."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import display_for_value
from django.core import signing
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import FileField, Model, QuerySet
from django.forms.formsets import DELETION_FIELD_NAME
from django.forms.utils import ErrorDict
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.admin.typing import FormBase


@dataclass(frozen=True)
class Gone:
    """Stands for a row that was on the page and no longer belongs to the parent."""

    pk: object
    label: str

    def __str__(self) -> str:
        return self.label


class Snapshot:
    """The values of rows in the fields of their forms, as a signed text in the page.

    For one row: `[its name, {field name: value}]`, the values as a serializer writes them, or
    `[its name, None]` once staff were told that it is gone. Files are left out: a form sends
    one only to replace it.
    """

    def __init__(self, model: type[Model], names: Iterable[str]) -> None:
        opts = model._meta
        self.salt = f"{__name__}.{opts.label_lower}"
        self.fields = [
            field
            for field in (*opts.concrete_fields, *opts.many_to_many)
            if field.name in names and not isinstance(field, FileField)
        ]

    def take(self, row: Any) -> list[Any]:
        return [str(row), self.values(row)]

    def values(self, row: Any) -> dict[str, Any]:
        return {field.name: serialized(field, row) for field in self.fields}

    def initial(self, taken: Any) -> Any:
        """The initial values of a form, from the values taken."""
        if taken[1] is None:
            return {}
        return {
            field.name: value if value is None or field.many_to_many else field.to_python(value)
            for field in self.fields
            for value in [taken[1].get(field.name)]
        }

    def changes(self, taken: Any, row: Any) -> Any:
        """What others have changed in the row since: `{field name: text for staff}`."""
        return {
            field.name: _("%(field)s is now “%(value)s”")
            % {"field": capfirst(field.verbose_name), "value": display(field, row)}
            for field in self.fields
            if taken[1].get(field.name) != serialized(field, row)
        }

    def sign(self, rows: dict[str, Any]) -> str:
        """The signed text for `rows`, `{key: values taken}`."""
        return signing.dumps(rows, salt=self.salt, serializer=SnapshotSerializer, compress=True)

    def read(self, text: str) -> dict[str, Any]:
        """The rows of a signed text; empty if the signature is wrong."""
        try:
            rows: dict[str, Any] = signing.loads(
                text, salt=self.salt, serializer=SnapshotSerializer
            )
        except signing.BadSignature:
            return {}
        return rows


class SnapshotSerializer:
    def dumps(self, obj: Any) -> bytes:
        text = json.dumps(obj, cls=DjangoJSONEncoder, separators=(",", ":"))
        return text.encode()

    def loads(self, data: Any) -> Any:
        return json.loads(data)


def serialized(field: Any, row: Any) -> Any:
    value = field.value_from_object(row)
    if field.many_to_many:
        return keys_of(value)
    return value if value is None else field.value_to_string(row)


def keys_of(rows: QuerySet[Any]) -> list[str]:
    return sorted(str(row.pk) for row in rows)


def display(field: Any, row: Any) -> str:
    if field.choices:
        return str(getattr(row, f"get_{field.name}_display")())
    value = field.value_from_object(row) if field.many_to_many else getattr(row, field.name)
    return display_for_value(value, empty_value_display="")


class RowForm(FormBase):
    """A mixin for the ModelForm of an inline, which binds it to a submitted row."""

    row: Any = None
    taken: Any = None
    stored: Any = None
    snapshot: Any = None
    told = False

    def bind_row(self, row: Any, taken: Any, snapshot: Any) -> None:
        """taken: the row's values in the page's Snapshot, or None if it has none."""
        self.row, self.taken, self.snapshot = row, taken, snapshot
        if not isinstance(row, Gone):
            self.stored = snapshot.take(row)
            self.theirs = snapshot.changes(taken, row) if taken and taken[1] else {}

    @property
    def carried(self) -> Any:
        """The values for the Snapshot when the page is shown again with errors.

        After a change was reported, they are the present values: saving again accepts it.
        """
        if self.told:
            return self.stored or [self.row.label, None]
        return self.taken

    def full_clean(self) -> None:
        if self.row is None or (self.stored and self.changed_data):
            super().full_clean()
            return
        # Neither an unchanged row nor a deleted one is validated.
        self._errors, self.cleaned_data = ErrorDict(renderer=self.renderer), {}
        if not self.stored and self.is_edited():
            self.tell(
                _(
                    "Somebody else deleted or moved this %(name)s meanwhile: what you typed"
                    " can't be saved. Save again to go on without it."
                )
            )

    def is_edited(self) -> bool:
        """Whether anything was typed into the form of a row that is gone."""
        if not self.taken or DELETION_FIELD_NAME in self.changed_data:
            return False
        return not set(self.taken[1] or ()).isdisjoint(self.changed_data)

    def _post_clean(self) -> None:
        super()._post_clean()
        self.show_hidden_errors()
        if self.row is None:
            return
        deleted = self.cleaned_data.get(DELETION_FIELD_NAME)
        if changes := list(self.theirs.values()) if deleted else self.conflicts():
            text = _("Somebody else changed this %(name)s meanwhile: %(changes)s.") + " "
            if deleted:
                text += _("Save again to delete it all the same.")
                # A form marked for deletion would pass despite its errors.
                del self.cleaned_data[DELETION_FIELD_NAME]
            else:
                text += _("Save again to keep what stands in this row.")
            self.tell(text, changes="; ".join(changes))

    def show_hidden_errors(self) -> None:
        """Move errors of hidden fields, which the page doesn't show, to the whole form."""
        for name in [bound.name for bound in self.hidden_fields()]:
            if name in self.errors:
                self.add_error(None, self.errors.pop(name).as_data())

    def conflicts(self) -> list[str]:
        """The changes by others that this form would overwrite."""
        if not self.theirs:
            return []
        mine = self.snapshot.values(self.instance)
        for field in self.snapshot.fields:
            if field.many_to_many and field.name in self.cleaned_data:
                mine[field.name] = keys_of(self.cleaned_data[field.name])
        return [
            text for name, text in self.theirs.items() if mine[name] != self.stored[1][name]
        ]

    def tell(self, text: str, **values: Any) -> None:
        self.told = True
        name = self._meta.model._meta.verbose_name
        self.add_error(None, text % {"name": name, **values})
