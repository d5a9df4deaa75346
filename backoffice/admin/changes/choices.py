"""The inputs of the columns page that are about no column: what is written, and how."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.lists.lines import LineField
from backoffice.imports.rows import Only
from backoffice.imports.twins import Alike

ONLY = [
    (Only.BOTH.value, gettext_lazy("New records and updates")),
    (
        Only.NEW.value,
        gettext_lazy("New records alone: records that are there stay as they are"),
    ),
    (Only.UPDATES.value, gettext_lazy("Updates alone: a row without a record is rejected")),
]
ALIKE = [
    (Alike.REJECT.value, gettext_lazy("Ask in the review, and name the record")),
    (Alike.SAME.value, gettext_lazy("It is the same record")),
    (Alike.NEW.value, gettext_lazy("It is a new record")),
]


def choice_fields(
    start: Mapping[str, Any],
    *,
    headers: str,
    profiles: Sequence[str],
    match: Sequence[str],
    repairs: Sequence[tuple[str, Any]],
    may_delete: bool,
) -> dict[str, forms.Field]:
    """The fields by name, which begins with `with-`.

    start: the options that they start with · headers: `headers_key` of the file · profiles:
    names to choose from · may_delete: whether a mirror is offered.
    """
    return {
        "with-headers": forms.CharField(widget=forms.HiddenInput, initial=headers),
        "with-profile": forms.ChoiceField(
            label=_("Profile"),
            choices=[("", _("None")), *((name, name) for name in profiles)],
            initial=start.get("profile", ""),
            required=False,
            widget=forms.Select if profiles else forms.HiddenInput,
        ),
        "with-match": forms.CharField(
            label=_("Records are told apart by"), initial=",".join(match)
        ),
        "with-only": forms.ChoiceField(
            label=_("What is written"),
            choices=ONLY,
            initial=start.get("only") or "",
            required=False,
            widget=forms.RadioSelect,
        ),
        "with-alike": forms.ChoiceField(
            label=_("If a row looks like a record"),
            choices=ALIKE,
            initial=start.get("alike") or Alike.REJECT,
            required=False,
            help_text=_("Its key differs in case, quotes or dashes alone, or in ZIP+4."),
        ),
        "with-nothing": forms.CharField(
            label=_("Read as blank"),
            initial="\n".join(start.get("nothing") or ()),
            required=False,
            widget=forms.Textarea(attrs={"rows": 2}),
            help_text=_("Texts that say nothing, such as N/A, one a line."),
        ),
        "with-clear_blank": forms.BooleanField(
            label=_("A blank cell clears the present value"),
            initial=bool(start.get("clear_blank")),
            required=False,
            help_text=_("Otherwise it leaves a record's value and links as they are."),
        ),
        "with-repairs": forms.MultipleChoiceField(
            label=_("Repairs"),
            choices=repairs,
            initial=start.get("repairs") or [],
            required=False,
            widget=forms.CheckboxSelectMultiple if repairs else forms.MultipleHiddenInput,
        ),
        "with-mirror": forms.CharField(
            label=_("Delete the records that the file lacks, inside"),
            initial="\n".join(start.get("mirror") or ()),
            required=False,
            widget=forms.Textarea(attrs={"rows": 2}) if may_delete else forms.HiddenInput,
            help_text=_(
                "A filter such as state=NY, one a line. The review lists them; they are"
                " deleted when the import is written, and its undo brings them back."
            ),
        ),
        "with-name": LineField(
            label=_("Keep these choices as a profile"),
            initial=start.get("profile", ""),
            max_length=100,
            required=False,
            help_text=_("It is offered by itself for files with these headers, to all staff."),
        ),
    }
