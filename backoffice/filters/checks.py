"""System checks: what a FilterSet can't filter by, or would take for no filter."""

from collections.abc import Sequence
from typing import Any

import django_filters
from django.apps.config import AppConfig
from django.core.checks import CheckMessage, Error

from backoffice.filters.filterset import FilterSet, filtersets
from backoffice.filters.values import NoFilter

#: Filters of django-filter that take what they can't read for something else, and ours.
LENIENT = {
    django_filters.BooleanFilter: "YesNoFilter",
    django_filters.NumberFilter: "ValueFilter",
}


def check_filtersets(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Every FilterSet of the apps; registered by the AppConfig."""
    names = None if app_configs is None else {config.name for config in app_configs}
    errors: list[CheckMessage] = []
    for filterset_class in filtersets.all():
        if names is None or filterset_class._meta.model._meta.app_config.name in names:
            errors += filterset_errors(filterset_class)
    return errors


def filterset_errors(filterset_class: type[FilterSet]) -> list[CheckMessage]:
    """What is wrong with one FilterSet."""
    name = f"{filterset_class.__module__}.{filterset_class.__qualname__}"
    model = filterset_class._meta.model
    errors: list[CheckMessage] = []
    for parameter, each in filterset_class.base_filters.items():
        if isinstance(each, NoFilter):
            errors.append(
                Error(
                    f"{name}: no text names a value of “{parameter}”, so no filter has it.",
                    hint="Leave it out of Meta.fields, or declare a filter for it.",
                    obj=model,
                    id="backoffice.E040",
                )
            )
        elif ours := LENIENT.get(type(each)):
            errors.append(
                Error(
                    f"{name}: the {type(each).__name__} “{parameter}” takes what it can't read"
                    " for something else.",
                    hint=f"Take {ours} of backoffice.filters.values.",
                    obj=model,
                    id="backoffice.E041",
                )
            )
    return errors
