"""What the pages of a change have in common: finding it, and showing a page about it."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from backoffice.admin.changes.uploads import is_too_large
from backoffice.admin.pages import framed
from backoffice.admin.typing import ModelAdminBase
from backoffice.changes.limited import may_download, sees_all_of
from backoffice.changes.models import Change
from backoffice.jobs.missing import MISSING
from backoffice.jobs.steps import CHANGES, REJECTS
from backoffice.querysets.scopes import within


def downloads(
    job: Change, user: Any, sees_all: Callable[[Any, Any], bool] = sees_all_of
) -> list[str]:
    """The names of the files with what the check found, of those that have rows.

    A user with limits has those of his own imports, and of people whose limits are no wider.
    sees_all: as of `may_download`.
    """
    if not (job.is_import and job.file.folder and "store" in job.file.found):
        return []
    if not may_download(job, user, sees_all):
        return []
    rows = {
        REJECTS: job.rejected,
        MISSING: job.file.found.get("missing", {}).get("count"),
        CHANGES: job.new or job.updated,
    }
    return [name for name, number in rows.items() if number]


class ChangePages(ModelAdminBase):
    """For the mixins that have a page of a change."""

    has_import_permission: Any  # ImportMixin's
    has_view_history_permission: Any  # HistoryMixin's
    get_model_info: Any  # upstream's

    def _require_import_permission(self, request: HttpRequest) -> None:
        if not self.has_import_permission(request):
            raise PermissionDenied

    def may_go_on(self, request: HttpRequest, job: Change) -> bool:
        """Whether the user may do what such a change does, and so go on with this one."""
        if (job.undoes or job).is_import and not self.has_import_permission(request):
            return False
        return self.has_change_permission(request)

    def _get_job(self, request: HttpRequest, pk: int | str) -> Change:
        """The change, for whoever may go on with it. Raises PermissionDenied and Http404."""
        job = self._see_job(request, pk)
        if not self.may_go_on(request, job):
            raise PermissionDenied
        return job

    def _see_job(self, request: HttpRequest, pk: int | str) -> Change:
        """The change, for whoever may read of it: those who may view the history as well.

        Raises PermissionDenied and Http404.
        """
        sees_all = self.has_view_history_permission(request)
        if not sees_all and not self.has_change_permission(request):
            raise PermissionDenied
        changes = within(Change.objects.filter(model=self.opts.label), request.user)
        changes = changes.exclude(kind=Change.Kind.EXPORT)  # it is its user's alone
        job: Change = get_object_or_404(changes.select_related("undoes"), pk=pk)
        if not sees_all and not self.may_go_on(request, job):
            raise PermissionDenied
        return job

    def _redirect(self, job: Change) -> HttpResponse:
        return HttpResponseRedirect(self._url("import_job", job.pk))

    def _url(self, view: str, *args: Any) -> str:
        app_label, model_name = self.get_model_info()
        return reverse(f"{self.admin_site.name}:{app_label}_{model_name}_{view}", args=args)

    def _show(
        self, request: HttpRequest, job: Change, page: str, context: dict[str, Any]
    ) -> HttpResponse:
        template = f"admin/backoffice/import_{page}.html"
        may_go_on = self.may_go_on(request, job)
        files = downloads(job, request.user) if may_go_on else []
        context = {"job": job, "files": files, "may_go_on": may_go_on, **context}
        return self._respond(request, template, str(job), context)

    def _respond(
        self, request: HttpRequest, template: str, title: Any, context: dict[str, Any]
    ) -> HttpResponse:
        too_large = request.method == "POST" and is_too_large(request)
        status = 413 if too_large else 200
        return framed(self, request, template, {"title": title, **context}, status=status)
