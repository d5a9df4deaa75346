"""Profiles of imports: used where one fits, and made of what was chosen."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backoffice.changes.models import Change, ImportFile
from backoffice.changes.profiles import OPTIONS, Profile, headers_key

Options = Mapping[str, Any]


def chosen(options: Options) -> dict[str, Any]:
    """Those that say something: what stays blank is found out, or is as usual."""
    return {name: options[name] for name in OPTIONS if options.get(name)}


def with_profile(options: Options, profile: Profile) -> dict[str, Any]:
    """`options` completed by those of the profile, whose name they have then."""
    return {"overrides": {}, **profile.options, **chosen(options), "profile": profile.name}


def starting_options(job: Change, headers: Sequence[str]) -> dict[str, Any]:
    """The options of an import, completed until its columns have been chosen.

    By the profile for these headers; else by the columns chosen last for such a file.
    """
    options: dict[str, Any] = job.file.options
    if "overrides" in options:
        return options
    profiles = Profile.objects.for_model(job.model_class).for_headers(headers)
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


def save_profile(
    file: ImportFile, name: str, *, headers: Sequence[str], user: Any = None
) -> Profile:
    """Keep the options of an import, and what values are read as everywhere, under a name.

    The profile of that name, if there is one, gets them; it keeps its owner.
    """
    values: dict[str, dict[str, str]] = file.options.get("values") or {}
    for field, value, text in decided_values(file):
        values = {**values, field: {**values.get(field, {}), value: text}}
    options = {**chosen(file.options), **({"values": values} if values else {})}
    kept = {
        "resource": file.resource,
        "options": options,
        "headers": list(headers),
        "headers_key": headers_key(headers),
    }
    profile, _is_new = Profile.objects.update_or_create(
        model=file.change.model,
        name=name,
        defaults=kept,
        create_defaults={**kept, "owner": user},
    )
    file.options["profile"] = name
    file.save(update_fields=["options"])
    return profile


def decided_values(file: ImportFile) -> Iterator[tuple[str, str, str]]:
    """(field, value, text) of what staff decided about a value wherever it stands."""
    rules = file.decisions.filter(line=None, code="").exclude(field="")
    yield from rules.values_list("field", "value", "text")
