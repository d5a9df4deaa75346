"""`personal = ("name",)`: the fields of a model that name a person, and can be erased."""

from typing import Any

from django.apps import apps
from django.core.checks import Error
from django.core.exceptions import FieldDoesNotExist
from django.db.models import CharField, Model, TextField

DECLARATION = "personal"


def personal_fields(model: type[Model]) -> tuple[str, ...]:
    """The names of the fields; empty for a model that names nobody."""
    return tuple(getattr(model, DECLARATION, ()))


def personal_models() -> set[type[Model]]:
    return {model for model in apps.get_models() if personal_fields(model)}


def check_personal(app_configs: Any = None, **kwargs: Any) -> list[Error]:
    return [
        Error(
            f"`{DECLARATION}` of {model._meta.label} {problem}.",
            hint=f'As in `{DECLARATION} = ("name",)`: the fields of text that name a person.',
            obj=model,
            id="backoffice.E090",
        )
        for model in apps.get_models()
        if hasattr(model, DECLARATION)
        for problem in _problems(model, getattr(model, DECLARATION))
    ]


def _problems(model: type[Model], declared: Any) -> list[str]:
    if not isinstance(declared, tuple) or not declared:
        return ["is not a tuple of names of fields"]
    return [
        f"refers to {name!r}, which is no field of text of the model"
        for name in declared
        if not _is_text(model, name)
    ]


def _is_text(model: type[Model], name: str) -> bool:
    try:
        return isinstance(model._meta.get_field(name), CharField | TextField)
    except FieldDoesNotExist:
        return False
