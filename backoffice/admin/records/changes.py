"""The list of changes: who wrote many rows at once, and the result."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base import PlainModelAdmin, ReadOnlyMixin
from backoffice.admin.lists.list_filters import InUseFilter
from backoffice.admin.records.names import USER_NAME


class ModelFilter(InUseFilter):
    def labels(self, counts: Any) -> dict[str, str]:
        return {label: named(label) for label in counts}


def named(label: str) -> str:
    """The rows of a model, as staff call them: "libraries" for "library.Library"."""
    try:
        return str(apps.get_model(label)._meta.verbose_name_plural)
    except (LookupError, ValueError):
        return label  # the app is no longer installed, or the label names none


class ChangeAdmin(ReadOnlyMixin, PlainModelAdmin):
    """Read-only; the page of a change belongs to the ModelAdmin of its model.

    Users who may import into a model see its changes.
    """

    list_display = (
        "title",
        "kind",
        "records",
        "status",
        "user",
        "created_at",
        "rows",
        "new",
        "updated",
        "removed",
        "unchanged",
        "rejected",
    )
    list_filter = [
        ("kind", InUseFilter),
        ("status", InUseFilter),
        ("model", ModelFilter),
        ("user", InUseFilter),
    ]
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    search_fields = ("title", USER_NAME)
    search_help_text = _("Title or user")
    ordering = ("-created_at",)
    actions = None

    @admin.display(description=_("records"), ordering="model")
    def records(self, job: Any) -> Any:
        return named(job.model)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(model__in=self._models(request))

    def _models(self, request: HttpRequest) -> list[str]:
        return [
            model._meta.label
            for model in filter(self.admin_site.is_registered, apps.get_models())
            for model_admin in [self.admin_site.get_model_admin(model)]
            if hasattr(model_admin, "has_import_permission")
            and model_admin.has_import_permission(request)
        ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self._models(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        job = self.get_object(request, unquote(object_id))
        if job is None:
            raise Http404
        opts = job.model_class._meta
        name = f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_import_job"
        return HttpResponseRedirect(reverse(name, args=[job.pk]))
