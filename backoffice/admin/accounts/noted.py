"""Changes of what somebody may do, in the trail with what was given and what was taken."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.admin.accounts.proof import HARMLESS
from backoffice.admin.typing import ModelAdminBase
from backoffice.trail.record import record


class NotedRightsMixin(ModelAdminBase):
    """For the ModelAdmins of accounts and groups."""

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        if said := "; ".join(given_and_taken(form)):
            record("rights", request=request, model=self.model, obj=form.instance, message=said)


def given_and_taken(form: Any) -> Iterator[str]:
    """What the form changed in an account or a group, but for passwords, in words."""
    for name in form.changed_data:
        if name in HARMLESS or "password" in name or name not in form.cleaned_data:
            continue
        label = capfirst(str(form.fields[name].label or name))
        before, after = form.initial.get(name), form.cleaned_data[name]
        if is_rows(before) or is_rows(after):
            was, now = rows_of(before), rows_of(after)
            given = [f"+ {text}" for key, text in now.items() if key not in was]
            taken = [f"− {text}" for key, text in was.items() if key not in now]
            if given or taken:
                yield f"{label}: {', '.join([*given, *taken])}"
        else:
            yield f"{label}: {in_words(before)} → {in_words(after)}"


def is_rows(value: Any) -> bool:
    return isinstance(value, list | QuerySet)


def rows_of(value: Any) -> dict[Any, str]:
    return {row.pk: str(row) for row in value or () if isinstance(row, Model)}


def in_words(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "–" if value in (None, "") else f"“{value}”"
