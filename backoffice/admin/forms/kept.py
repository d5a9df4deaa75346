"""A form that puts on its record what the person changed in it, and nothing else.

What was changed is told by what the page showed (`seen.py`), not by what is stored by now. So
a field that somebody else changed meanwhile stays theirs, unless the person changed it too:
then the form comes back, with both values and a choice. Of links, those that were added and
taken away are sent, so that two people's changes go together.
"""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import ManyToManyField
from django.forms import BoundField, FileField
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _

from backoffice.admin.forms.authors import Author, authors
from backoffice.admin.forms.seen import (
    display,
    field_of,
    initial_value,
    is_links,
    keys_of,
    serialized,
    take,
)
from backoffice.admin.pickers.links import Links
from backoffice.admin.typing import FormBase
from backoffice.querysets.names import names
from backoffice.querysets.reach import Reach
from backoffice.querysets.relations import ManyToMany

NAMED = 5  # links that a sentence names
NOBODY = Author()


def take_name(form: Any, name: str) -> str:
    """The name of the input that says whose value of a field is taken: mine or theirs."""
    return f"{form.add_prefix(name)}-take"


def is_as_shown(bound: Any, value: Any) -> bool:
    """Whether a text came back as the page showed it, line ends aside: nobody typed there.

    Django would strip it, and call that a change.
    """
    shown = bound.field.widget.format_value(bound.field.prepare_value(value))
    sent = bound.data
    if not isinstance(shown, str) or not isinstance(sent, str):
        return False
    return shown.splitlines() == sent.splitlines()


class KeptBoundField(BoundField):
    def value(self) -> Any:
        """What the page shows: the present value where it is left as it is."""
        form: Any = self.form
        if self.name in form.shown_instead:
            return self.field.prepare_value(form.shown_instead[self.name])
        return super().value()


class KeptForm(FormBase):
    """A mixin for a ModelForm. It does nothing before `compare` is called."""

    bound_field_class = KeptBoundField
    viewer: Any = None  # the user
    taken: Any = None
    stored: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            for name, field in self.fields.items():
                if is_links(field) and not self.initial.get(name, True):
                    # It has none already: no reason to refuse a change of another field.
                    field.required = False

    def compare(self, taken: Any) -> None:
        """Compare with what the page showed; `taken` is None if it did not say so."""
        self.stored = take(self)
        self.taken = taken if taken and taken[1] is not None else self.stored
        self.told: set[str] = set()
        self.shown_instead: dict[str, Any] = {}
        self.theirs = {
            name: self.text_of(name)
            for name, value in self.stored[1].items()
            if name in self.taken[1] and self.taken[1][name] != value
        }

    shown_instead: dict[str, Any] = {}  # replaced by `compare`

    def text_of(self, name: str) -> str:
        """The present value of a field, as text for staff."""
        if not is_links(self.fields[name]):
            return display(field_of(self.instance, name), self.instance, Reach.of(self.viewer))
        added, removed = self.differences(self.stored[1][name], self.taken[1][name])
        return "; ".join(
            text % {"names": self.names_of(name, keys)}
            for text, keys in ((_("%(names)s added"), added), (_("%(names)s removed"), removed))
            if keys
        )

    def names_of(self, name: str, keys: list[str]) -> str:
        field: Any = self.fields[name]
        rows = field.queryset.model._base_manager.filter(pk__in=keys[:NAMED])
        texts = [f"“{text}”" for text in names(rows, Reach.of(self.viewer))]
        if len(keys) > NAMED:
            texts.append(_("%d more") % (len(keys) - NAMED))
        return ", ".join(texts)

    # What the person changed -----------------------------------------------------------

    @cached_property
    def changed_data(self) -> list[str]:
        if self.stored is None:
            inherited: list[str] = super().changed_data
            return inherited
        return [name for name, bound in self._bound_items() if self.is_changed(name, bound)]

    def is_changed(self, name: str, bound: Any) -> bool:
        field = bound.field
        if field.disabled or self.data.get(take_name(self, name)) == "theirs":
            return False
        seen = self.taken[1].get(name, self.stored[1].get(name))
        if is_links(field):
            return any(self.sent_links(name))
        if name not in self.stored[1] or isinstance(field, FileField):
            return bool(bound._has_changed())
        was = bound.initial
        if name in self.theirs:
            was = initial_value(field_of(self.instance, name), field, seen)
        if is_as_shown(bound, was):
            return False
        # Not with Django's own hidden input of what was shown: an error page repeats it.
        is_told = self.taken is not self.stored
        return bool(field.has_changed(was, bound.data) if is_told else bound._has_changed())

    def sent_links(self, name: str) -> tuple[list[str], list[str]]:
        """The keys of links that the person added and took away, of those on offer."""
        field: Any = self.fields[name]
        sent = self[name].data or ()
        if not isinstance(sent, list | tuple):
            try:
                sent = keys_of(field.clean(sent))
            except ValidationError:
                return [str(sent)], []
        seen = self.taken[1].get(name, self.stored[1][name])
        added, removed = self.differences(map(str, sent), seen)
        if removed:
            # Links to rows that this user can't see are never taken away.
            removed = keys_of(field.queryset.order_by().filter(pk__in=removed))
        return added, removed

    def differences(self, after: Any, before: Any) -> tuple[list[str], list[str]]:
        after, before = set(after), set(before)
        return sorted(after - before), sorted(before - after)

    @cached_property
    def left(self) -> list[str]:
        """What others changed and this form leaves so, as texts for staff."""
        return [
            self.attributed(name)
            for name in self.theirs
            if name not in self.changed_data or is_links(self.fields[name])
        ]

    def attributed(self, name: str) -> str:
        """What somebody else changed, who and when."""
        author = self.authors[name].described(self.viewer)
        return f"{self.sentence(name)} ({author})"

    def sentence(self, name: str) -> str:
        words = {"field": self.label(name), "value": self.theirs[name]}
        if is_links(self.fields[name]):
            return "{field}: {value}".format(**words)
        if not words["value"]:
            return _("%(field)s is now blank") % words
        return _("%(field)s is now “%(value)s”") % words

    def label(self, name: str) -> Any:
        return capfirst(str(self[name].label))

    @cached_property
    def authors(self) -> Any:
        columns = {field.name for field in self.instance._meta.concrete_fields}
        links = {field.name for field in self.instance._meta.many_to_many}
        known = self.theirs.keys() & (columns | links)
        stored = type(self.instance)._base_manager.get(pk=self.instance.pk)
        return dict.fromkeys(self.theirs, NOBODY) | authors(stored, known, self.taken[2])

    # Cleaning ---------------------------------------------------------------------------

    def _clean_fields(self) -> None:
        if self.stored is None:
            super()._clean_fields()
            return
        self.show_theirs()
        for name, bound in self._bound_items():
            try:
                self.cleaned_data[name] = self.cleaned(name, bound)
                if hasattr(self, f"clean_{name}"):
                    self.cleaned_data[name] = getattr(self, f"clean_{name}")()
            except ValidationError as error:
                self.add_error(name, error)

    def show_theirs(self) -> None:
        """Let the page show the present values of fields that only others changed."""
        for name in self.theirs.keys() - set(self.changed_data):
            self.shown_instead[name] = self[name].initial

    def cleaned(self, name: str, bound: Any) -> Any:
        """Of a field that the person left alone, the present value, as it is stored."""
        field = bound.field
        if name not in self.stored[1] or isinstance(field, FileField):
            return field._clean_bound_field(bound)
        if is_links(field):
            return self.cleaned_links(name, bound)
        if name not in self.changed_data:
            try:
                return getattr(self.instance, name)
            except ObjectDoesNotExist:
                pass  # what a key without a constraint leads to is gone
        return field._clean_bound_field(bound)

    def cleaned_links(self, name: str, bound: Any) -> Any:
        field = bound.field
        present = set(self.stored[1][name])
        added, removed = self.sent_links(name)
        if added or removed:
            is_required, field.required = field.required, False
            try:
                field._clean_bound_field(bound)
            finally:
                field.required = is_required
        after = (present - set(removed)) | set(added)
        if field.required and not after:
            raise ValidationError(field.error_messages["required"], code="required")
        self.shown_instead[name] = sorted(after)
        return field.queryset.model._base_manager.filter(pk__in=after)

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.stored is not None:
            for name in self.conflicts():
                self.tell_of_both(name)

    def conflicts(self) -> list[str]:
        """The fields to which this form and somebody else gave different values."""
        return [
            name
            for name in self.theirs
            if name in self.changed_data
            and not is_links(self.fields[name])
            and serialized(field_of(self.instance, name), self.instance) != self.stored[1][name]
        ]

    def tell_of_both(self, name: str) -> None:
        self.told.add(name)
        said = self.attributed(name) + "."
        if isinstance(self.fields[name], FileField):
            error: Any = said + " " + _("To replace it all the same, choose your file again.")
        else:
            error = format_html(
                '{} <span class="take" role="radiogroup" aria-label="{}">'
                '<label><input type="radio" name="{}" value="mine" checked> {}</label> '
                '<label><input type="radio" name="{}" value="theirs"> {}</label></span>',
                said,
                self.label(name),
                take_name(self, name),
                _("Save what stands here"),
                take_name(self, name),
                _("Take “%s”") % Truncator(self.theirs[name]).chars(60),
            )
        self.add_error(name, ValidationError(error, code="changed_meanwhile"))

    @property
    def carried(self) -> Any:
        """What the page shows when it comes back with errors.

        Of a field that was told of, or that shows the present value, it is the present one.
        """
        present = self.told | self.shown_instead.keys()
        values = {
            name: value if name in present else self.taken[1].get(name, value)
            for name, value in self.stored[1].items()
        }
        return [self.stored[0], values, self.taken[2]]

    # Saving -----------------------------------------------------------------------------

    def _save_m2m(self) -> None:
        """Write the differences of links: `set()` would undo what others write meanwhile."""
        if self.stored is None:
            super()._save_m2m()
            return
        links = {
            field.name: self.cleaned_data.pop(field.name)
            for field in self.instance._meta.many_to_many
            if field.name in self.stored[1]
            and field.name in self.cleaned_data
            and type(field).save_form_data is ManyToManyField.save_form_data
        }
        super()._save_m2m()
        self.cleaned_data |= links
        for name, rows in links.items():
            added, removed = self.differences(keys_of(rows), self.stored[1][name])
            field = self.instance._meta.get_field(name)
            present = Links(
                ManyToMany.forward(field), rows, self.instance, reach=Reach.of(self.viewer)
            )
            key = present.opts.pk.to_python
            present.change(added=map(key, added), removed=map(key, removed))
