"""The forms of an edit from the list: values to set, links to change, texts to replace."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms.models import construct_instance
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.pickers.horizontal import found_by_name
from backoffice.admin.pickers.keys import KeysField, KeysSelect
from backoffice.admin.pickers.links import Links
from backoffice.changes.link_edits import LinkEdit
from backoffice.changes.replacing import Clean, Replacement
from backoffice.querysets.names import names
from backoffice.querysets.reach import EVERYTHING, Reach
from backoffice.querysets.relations import ManyToMany
from backoffice.tables.table import ModelField

PREFIX = "edit"
ADD, REMOVE, SET = "-add", "-remove", "-set"
LABELS = {
    ADD: gettext_lazy("%(names)s: add these"),
    REMOVE: gettext_lazy("%(names)s: take these away"),
    SET: gettext_lazy("%(names)s: set to exactly these"),
}


class Name(str):
    """A record as staff name it, where they can't choose its key."""

    __slots__ = ()


class KeysOrNames(KeysSelect):
    """Autocompletion; without JavaScript, lines with the names of records."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Any]:
        lines = map(str.strip, data.get(f"{name}-names", "").splitlines())
        return [
            *super().value_from_datadict(data, files, name),
            *map(Name, filter(None, lines)),
        ]

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        return super().optgroups(name, [v for v in value if not isinstance(v, Name)], attrs)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        return format_html(
            '{}<noscript><textarea name="{}-names" rows="3" cols="40" aria-label="{}">{}'
            "</textarea></noscript>",
            super().render(name, value, attrs, renderer),
            name,
            _("Their names, each on a line of its own"),
            "\n".join(each for each in value or () if isinstance(each, Name)),
        )


class EditLinksField(KeysField):
    """Rows to link or to unlink, by keys or by names. `how` is ADD, REMOVE or SET."""

    def __init__(self, relation: ManyToMany, how: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.relation, self.how = relation, how

    def clean(self, value: Any) -> Any:
        keys = [each for each in value or () if not isinstance(each, Name)]
        names = "\n".join(each for each in value or () if isinstance(each, Name))
        rows: Any = self.queryset
        found, problems = found_by_name(names, Links(self.relation, rows, reach=EVERYTHING))
        if problems:
            raise ValidationError(problems)
        return super().clean([*keys, *map(str, found)])

    def edit(self, rows: Any) -> LinkEdit:
        """What choosing these rows does."""
        keys = [row.pk for row in rows]
        if self.how == ADD:
            return LinkEdit.adding(self.relation, keys)
        if self.how == REMOVE:
            return LinkEdit.removing(self.relation, keys)
        visible: Any = self.queryset
        return LinkEdit.setting(self.relation, keys, visible)


class EditForm(forms.ModelForm):  # type: ignore[type-arg] # takes none when it runs
    """Validates each field on its own: there is no complete object to validate."""

    reach: Reach  # of whoever edits

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, prefix=PREFIX)  # type: ignore[misc] # given once

    def clean(self) -> Any:
        super().clean()
        for name, field in self.fields.items():
            if not isinstance(field, EditLinksField) or field.how == ADD:
                continue
            added = name.removesuffix(field.how) + ADD
            if field.how == SET and {added, added.removesuffix(ADD) + REMOVE} & set(
                self.fields
            ):
                self.add_error(name, _("Set them, or add and take away: not both."))
            both = set(self.cleaned_data.get(name, ())) & set(self.cleaned_data.get(added, ()))
            if field.how == REMOVE and both:
                told = ", ".join(names(list(both), self.reach))
                self.add_error(name, _("This would be added and taken away: %s.") % told)
        return self.cleaned_data

    def _post_clean(self) -> None:
        self.instance = construct_instance(self, self.instance)
        try:
            self.instance.clean_fields(exclude=self._get_validation_exclusions())  # type: ignore[attr-defined] # not in the stubs
        except ValidationError as error:
            self._update_errors(error)  # type: ignore[attr-defined] # not in the stubs

    def values(self) -> dict[ModelField, Any]:
        """`{field: value}` to set, as the model's fields clean it."""
        fields = {field.name: field for field in self.instance._meta.concrete_fields}
        set_ = [fields[name] for name in self.fields if name in fields]
        return {field: getattr(self.instance, field.attname) for field in set_}

    def links(self) -> dict[str, LinkEdit]:
        """What is done to links, by the name of the form's field."""
        return {
            name: field.edit(self.cleaned_data[name])
            for name, field in self.fields.items()
            if isinstance(field, EditLinksField)
        }

    def hidden(self) -> Iterator[str]:
        """What was chosen, as hidden inputs; what was named, by its keys."""
        for bound in self:
            if isinstance(bound.field, EditLinksField):
                keys = [str(row.pk) for row in self.cleaned_data[bound.name]]
                yield forms.MultipleHiddenInput().render(bound.html_name, keys)
            else:
                yield bound.as_hidden()

    def described(self) -> Iterator[tuple[str, str]]:
        """What is set, added and taken away, as `(label, value)` for staff."""
        for field in self.values():
            yield str(capfirst(field.verbose_name)), shown(field, self.instance, self.reach)
        for name in self.links():
            chosen = ", ".join(names(self.cleaned_data[name], self.reach))
            yield str(self.fields[name].label), chosen


class ReplaceForm(forms.Form):
    """What to find and to replace, in which text fields; asks for nothing if it is empty."""

    where = forms.MultipleChoiceField(
        label=gettext_lazy("In"), required=False, widget=forms.CheckboxSelectMultiple
    )
    find = forms.CharField(
        label=gettext_lazy("Find"), required=False, strip=False, max_length=1000
    )
    put = forms.CharField(
        label=gettext_lazy("Replace with"), required=False, strip=False, max_length=1000
    )
    ignore_case = forms.BooleanField(label=gettext_lazy("Ignore case"), required=False)
    whole_words = forms.BooleanField(label=gettext_lazy("Whole words only"), required=False)

    def __init__(
        self, texts: Mapping[ModelField, Clean], data: Any = None, set_: Collection[str] = ()
    ) -> None:
        """
        Args:
            texts: the fields to choose from, each with what cleans its texts.
            set_: names of fields that the same edit sets to a value.
        """
        super().__init__(data, prefix="replace", label_suffix="")
        self.texts, self.set_ = texts, set_
        choice: Any = self.fields["where"]
        choice.choices = [(field.name, capfirst(field.verbose_name)) for field in texts]
        choice.initial = [field.name for field in texts] if len(texts) == 1 else []

    def clean(self) -> Any:
        cleaned = self.cleaned_data
        if cleaned.get("find") and not cleaned.get("where"):
            self.add_error("where", _("Tick the fields to look in."))
        if cleaned.get("find") and not set(self.set_).isdisjoint(cleaned.get("where", ())):
            self.add_error("where", _("Set a field, or find and replace in it: not both."))
        if cleaned.get("put") and not cleaned.get("find") and "find" not in self.errors:
            self.add_error("find", _("Enter what is to be replaced."))
        return cleaned

    @property
    def replacement(self) -> Replacement | None:
        """What was asked for; None if nothing was, or if it can't be."""
        if not self.is_valid() or not self.cleaned_data["find"]:
            return None
        cleaned = self.cleaned_data
        names = ("find", "put", "ignore_case", "whole_words")
        return Replacement(**{name: cleaned[name] for name in names})

    @property
    def chosen(self) -> dict[ModelField, Clean]:
        names = self.cleaned_data["where"]
        return {field: clean for field, clean in self.texts.items() if field.name in names}

    def described(self) -> Iterator[tuple[str, str]]:
        if (replacement := self.replacement) is None:
            return
        what = f"“{replacement.find}” → “{replacement.put}”"
        options = [
            str(self.fields[name].label).lower()
            for name in ("ignore_case", "whole_words")
            if self.cleaned_data[name]
        ]
        what += f" ({', '.join(options)})" if options else ""
        for field in self.chosen:
            yield str(capfirst(field.verbose_name)), what


def titled(*forms_: EditForm | ReplaceForm) -> str:
    """The title of an edit: "State: New York"."""
    said = (line for form in forms_ for line in form.described())
    return ", ".join(f"{label}: {value or '–'}" for label, value in said)


def shown(field: Any, row: Any, reach: Reach) -> str:
    """A field's value as shown to staff."""
    value = getattr(row, field.name)
    if isinstance(value, Model):
        return names([value], reach)[0]
    if getattr(field, "flatchoices", None):
        value = dict(field.flatchoices).get(value, value)
    return "" if value is None else str(value)
