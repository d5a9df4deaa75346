"""Every queryset of a ModelAdmin, limited to what its user is limited to."""

from typing import Any

from django.contrib.admin.sites import all_sites
from django.core import checks
from django.db.models import QuerySet
from django.http import HttpRequest

from backoffice.admin.typing import ModelAdminBase
from backoffice.querysets.scopes import (
    is_declared,
    is_ruled,
    leads_within,
    scoped_model,
    within,
)


class ScopedMixin(ModelAdminBase):
    """For a ModelAdmin; all other mixins get their rows through it."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return within(super().get_queryset(request), request.user)

    def rows_led_to(self, request: HttpRequest, field: Any) -> QuerySet[Any]:
        """Those of `get_queryset` that `field` leads to, from rows that the user may see.

        They are not looked for among all that the user may see where they can't be others:
        of a million titles that takes a minute.
        """
        shown = getattr(self.get_queryset, "__func__", None)
        if shown is ScopedMixin.get_queryset and leads_within(field):
            return super().get_queryset(request)
        return self.get_queryset(request)

    def check(self, **kwargs: Any) -> list[Any]:
        """Say so where users with limits are refused the model, for want of a declaration."""
        messages = super().check(**kwargs)
        if scoped_model() is not None and not is_ruled(self.model):
            messages.append(
                checks.Warning(
                    f"{self.opts.label} does not say which of its rows users with limits may"
                    " see: they see none, and have no right on it.",
                    hint='Give the model `scope = "library"`, a path to the scoped model, or'
                    " `scope = None` if everybody may see every row.",
                    obj=self.model,
                    id="backoffice.W070",
                )
            )
        return messages


def check_sites(app_configs: Any = None, **kwargs: Any) -> list[checks.Error]:
    """A ModelAdmin that is not ours would show everything to everybody."""
    if scoped_model() is None:
        return []
    return [
        checks.Error(
            f"{type(model_admin).__name__} shows users all rows of {model._meta.label},"
            " whatever they are limited to.",
            hint="Derive it from `ModelAdmin` or `PlainModelAdmin` of backoffice.admin.base.",
            obj=type(model_admin),
            id="backoffice.E073",
        )
        for site in all_sites
        for model, model_admin in site._registry.items()
        if is_declared(model) and not isinstance(model_admin, ScopedMixin)
    ]
