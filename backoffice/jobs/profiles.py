"""Profiles of imports: used where one fits, and made of what was chosen."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change, ImportFile
from backoffice.changes.profiles import OPTIONS, Profile, headers_key
from backoffice.querysets.scopes import within

Options = Mapping[str, Any]


def chosen(options: Options) -> dict[str, Any]:
    """Those that say something: what stays blank is found out, or is as usual."""
    return {name: options[name] for name in OPTIONS if options.get(name)}


def with_profile(options: Options, profile: Profile) -> dict[str, Any]:
    """`options` completed by those of the profile, whose name they have then."""
    return {"overrides": {}, **profile.options, **chosen(options), "profile": profile.name}


def starting_options(job: Change, headers: Sequence[str], user: Any = None) -> dict[str, Any]:
    """The options of an import, completed until its columns have been chosen.

    By the profile for these headers, of those that the user sees; else by the columns chosen
    last for such a file.
    """
    options: dict[str, Any] = job.file.options
    if "overrides" in options:
        return options
    profiles = within(Profile.objects.for_model(job.model_class).for_headers(headers), user)
    if profile := profiles.first():
        return with_profile(options, profile)
    earlier = ImportFile.objects.filter(
        change__model=job.model, options__headers_key=headers_key(headers)
    )
    before = earlier.exclude(pk=job.pk).order_by("-pk").values_list("options", flat=True)
    return {**options, "overrides": (before.first() or {}).get("overrides") or {}}


def profile_of(file: ImportFile) -> Profile | None:
    """The profile that an import was made with, if it is still there."""
    profiles = Profile.objects.for_model(file.change.model_class)
    return profiles.filter(name=file.options.get("profile", "")).first()


def remember(profile: Profile, user: Any, *decisions: Decision) -> bool:
    """Have a profile read values as staff decided, and whether there was such a decision.

    Decisions about rows and causes are left. The user becomes the profile's owner.
    """
    if not _with_decided({}, decisions):
        return False
    with transaction.atomic():
        current = Profile.objects.select_for_update().get(pk=profile.pk)
        values = _with_decided(current.options.get("values"), decisions)
        current.options, current.owner = {**current.options, "values": values}, user
        current.save(update_fields=["options", "owner", "updated_at"])
    return True


def save_profile(file: ImportFile, name: str, *, headers: Sequence[str], user: Any) -> Profile:
    """Keep the options of an import, and what values are read as everywhere, under a name.

    The profile with which the import was made gets them under its own name. The user becomes
    the owner: feeds write in the owner's name what the options say.

    Raises ValidationError if another profile has the name.
    """
    values = _with_decided(file.options.get("values"), file.decisions.all())
    kept = {
        "resource": file.resource,
        "options": chosen({**file.options, "values": values}),
        "headers": list(headers),
        "headers_key": headers_key(headers),
        "owner": user,
    }
    is_chosen, profiles = name == file.options.get("profile"), Profile.objects
    keep = profiles.update_or_create if is_chosen else profiles.get_or_create
    with transaction.atomic():
        profile, is_new = keep(model=file.change.model, name=name, defaults=kept)
        if not (is_chosen or is_new):
            raise ValidationError(
                _("There is a profile “%s” already. Choose it first, or another name.") % name
            )
        now = ImportFile.objects.select_for_update().get(pk=file.pk)  # others choose as well
        file.options = {**now.options, "profile": name}
        file.save(update_fields=["options"])
    return profile


def _with_decided(
    values: Mapping[str, Mapping[str, str]] | None, decisions: Iterable[Decision]
) -> dict[str, dict[str, str]]:
    """`values` with what was decided about a value wherever it stands."""
    found = {field: dict(texts) for field, texts in (values or {}).items()}
    for decision in decisions:
        if decision.line is None and decision.field and not decision.code:
            found.setdefault(decision.field, {})[decision.value] = decision.text
    return found
