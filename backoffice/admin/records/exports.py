"""Exports that a worker makes: each user's own, how far they are, and their files."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.template.defaultfilters import filesizeformat
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.base import PlainModelAdmin, ReadOnlyMixin
from backoffice.admin.menu import WORK
from backoffice.admin.pages import framed, page_of
from backoffice.changes.models import Change
from backoffice.changes.undo import plural
from backoffice.exports.made import ExportFile
from backoffice.jobs.exports import RUNNING, goes_at, may_have
from backoffice.jobs.progress import progress_of
from backoffice.sessions.middleware import BY_ITSELF, asked_by_script
from backoffice.trail.record import record

Status = Change.Status
#: The words of a status, and the tone of its pill.
STATES = {
    Status.UPLOADED: (gettext_lazy("Waiting for the worker"), "info"),
    Status.CHECKING: (gettext_lazy("Being made"), "info"),
    Status.DONE: (gettext_lazy("Ready"), "ok"),
    Status.FAILED: (gettext_lazy("Failed"), "bad"),
    Status.CANCELLED: (gettext_lazy("Cancelled"), "mute"),
}


class ExportsAdmin(ReadOnlyMixin, PlainModelAdmin):
    """Nobody sees another's, not even a superuser: in it is what its user may see."""

    menu_title = gettext_lazy("Exports")
    menu_group = WORK
    in_search = False
    list_display = ("name", "what", "rows", "bytes", "state", "when")
    list_select_related = ("change",)
    search_fields = ("name",)
    ordering = ("-change__created_at",)
    actions = None

    # Which exports ------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(change__user=request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # of one's own

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the user may export anything."""
        site: Any = self.admin_site
        return any(
            model_admin.has_export_permission(request)
            for model_admin in site._registry.values()
            if hasattr(model_admin, "has_export_permission")
        )

    def _own(self, request: HttpRequest, object_id: str) -> ExportFile:
        made = self.get_object(request, unquote(object_id))
        if made is None:
            raise Http404
        made.change.user = request.user
        return made  # type: ignore[no-any-return] # the stubs have no model here

    # Pages --------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        return [
            path(
                f"<path:object_id>/{route}/",
                self.admin_site.admin_view(view),
                name=f"backoffice_exportfile_{route}",
            )
            for route, view in (("file", self.file_view), ("progress", self.progress_view))
        ] + super().get_urls()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """How far an export is, or its file; a form cancels it."""
        made = self._own(request, object_id)
        job = made.change
        if request.method == "POST":
            if not job.cancel():
                messages.error(request, _("Nothing was done: the export has ended since."))
            return HttpResponseRedirect(request.path)
        context = {
            "title": made.name,
            "made": made,
            "is_running": job.status in RUNNING,
            "may_have": made.is_kept and may_have(made),
            "goes_at": goes_at(job),
            "again": self._again(request, made),
            "address_again": f"?{BY_ITSELF}",
            **self._progress(made),
        }
        return framed(self, request, "admin/backoffice/export_made.html", context)

    def _again(self, request: HttpRequest, made: ExportFile) -> str:
        """The page on which it was asked for; "" for who may not export that any more."""
        try:
            model = made.change.model_class
            model_admin: Any = self.admin_site.get_model_admin(model)
        except (LookupError, NotRegistered):
            return ""
        page = page_of(self.admin_site, model, "export")
        return f"{page}?{made.query}" if model_admin.has_export_permission(request) else ""

    @asked_by_script
    def progress_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The same as JSON, for the page's script."""
        return JsonResponse(self._progress(self._own(request, object_id)))

    def _progress(self, made: ExportFile) -> dict[str, Any]:
        return progress_of(made.change, made.change.rows)

    def file_view(self, request: HttpRequest, object_id: str) -> Any:
        """The file, for whoever asked for it and may still have it."""
        made = self._own(request, object_id)
        if not may_have(made):
            raise PermissionDenied
        if not made.is_kept:
            raise Http404(_("The file is no longer kept. Ask for it again."))
        try:
            file = made.fetch(made.file)
            file.stat()
        except FileNotFoundError as error:
            raise Http404(_("The file is no longer kept. Ask for it again.")) from error
        record(
            "export",
            request=request,
            model=made.change.model_class,
            message=_("Fetched %s.") % made.name,
            count=made.change.rows,
        )
        return FileResponse(
            file.open("rb"),
            as_attachment=True,
            filename=made.name,
            content_type=made.content_type,
        )

    # Columns ------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("what"), ordering="change__model")
    def what(self, made: ExportFile) -> str:
        return plural(made.change.model)

    @admin.display(description=gettext_lazy("rows"), ordering="change__rows")
    def rows(self, made: ExportFile) -> str:
        rows = made.change.rows
        return "" if rows is None else number_format(rows, force_grouping=True)

    @admin.display(description=gettext_lazy("size"), ordering="size")
    def bytes(self, made: ExportFile) -> str:
        return filesizeformat(made.size) if made.size else ""

    @admin.display(description=gettext_lazy("status"), ordering="change__status")
    def state(self, made: ExportFile) -> SafeString:
        words, tone = STATES[Status(made.change.status)]
        if made.change.status == Status.DONE and not made.is_kept:
            words, tone = gettext_lazy("No longer kept"), "mute"
        return format_html('<span class="pill {}">{}</span>', tone, words)

    @admin.display(description=gettext_lazy("when"), ordering="change__created_at")
    def when(self, made: ExportFile) -> str:
        return date_format(timezone.localtime(made.change.created_at), "SHORT_DATETIME_FORMAT")
