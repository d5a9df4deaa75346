"""Profiles on an export's page: which are offered, and how the page's choices are kept."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _

from backoffice.exports.profiles import ExportProfile
from backoffice.querysets.scopes import within

OFFERED = 100  # profiles that a page offers


def offered(request: HttpRequest, model: type[Model]) -> list[ExportProfile]:
    """The user's own by name, then those that others share."""
    user = request.user
    return list(within(ExportProfile.objects.seen_by(user, model), user)[:OFFERED])


def chosen(request: HttpRequest, model: type[Model]) -> ExportProfile | None:
    """The profile whose key was sent, if the user sees it."""
    sent = request.POST.get("profile")
    return next((each for each in offered(request, model) if str(each.pk) == sent), None)


def keep(request: HttpRequest, model: type[Model], form: Any) -> ExportProfile:
    """Keep the choices of a valid form under the name in it.

    The user's profile with which they were made is changed where it has that name. Raises
    ValidationError where another has it, also one that another window has just kept, or there
    is no name.
    """
    name = form.cleaned_data["profile_name"]
    if not name:
        raise ValidationError(_("Name it, for example after what the file is for."))
    user: Any = request.user  # signed in, since the page requires it
    ours = {"user": user, "model": model._meta.label, "name": name}
    choices = form.choices()
    before: ExportProfile | None = ExportProfile.objects.filter(**ours).first()
    used = chosen(request, model)
    taken = ValidationError(
        _("You already have a profile of this name. Choose it first, or another name.")
    )
    if before and before != used and any(getattr(before, n) != v for n, v in choices.items()):
        raise taken
    if before and ExportProfile.objects.filter(pk=before.pk).update(**choices):
        before.refresh_from_db()
        return before
    try:
        with transaction.atomic():
            new: ExportProfile = ExportProfile.objects.create(**ours, **choices)
            return new
    except IntegrityError:
        raise taken from None
