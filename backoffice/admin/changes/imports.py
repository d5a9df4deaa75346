"""Import in the admin: upload, columns, check, review, writing, undo.

The URL names and the permission hook are django-import-export's. Each page shows a `Change`;
`backoffice.jobs` does the work. Edits, deletions and undos have their pages here as well.
"""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.translation import gettext as _
from import_export.admin import ImportMixin as UpstreamImportMixin

from backoffice.admin.changes.columns import ColumnPages
from backoffice.admin.changes.review import ReviewPages
from backoffice.admin.changes.undo import UndoPages
from backoffice.admin.submissions.once import in_steps
from backoffice.changes.models import Change, JobStopped
from backoffice.jobs.progress import RUNNING, progress_of
from backoffice.sessions.middleware import BY_ITSELF, asked_by_script

Status = Change.Status
ASKING = (Status.UPLOADED, Status.CHECKED)  # whose pages have a form


class ImportMixin(ColumnPages, ReviewPages, UndoPages, UpstreamImportMixin):
    # Upstream would replace the list's template; ours has the links in a block of its own.
    import_export_change_list_template = None

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Require the permissions to write, as an import does. Upstream allows anyone."""
        return (
            bool(self.resource_classes)
            and self.has_add_permission(request)
            and self.has_change_permission(request)
        )

    def get_urls(self) -> list[Any]:
        app_label, model_name = self.get_model_info()

        def view(route: str, function: Any, name: str) -> Any:
            name = f"{app_label}_{model_name}_{name}"
            return path(route, self.admin_site.admin_view(function), name=name)

        templates = [
            path(
                f"import/template.{kind}",
                self.admin_site.admin_view(self.import_template_view),
                {"kind": kind},
                name=f"{app_label}_{model_name}_import_template_{kind}",
            )
            for kind in ("csv", "xlsx")
        ]
        return [
            *templates,
            view("import/<int:pk>/", self.import_job_view, "import_job"),
            view("import/<int:pk>/progress/", self.import_progress_view, "import_progress"),
            view("import/<int:pk>/columns/", self.import_columns_view, "import_columns"),
            view("import/<int:pk>/profile/", self.import_profile_view, "import_profile"),
            view("import/<int:pk>/replace/", self.import_replace_view, "import_replace"),
            view("import/<int:pk>/undo/", self.import_undo_view, "import_undo"),
            view(
                "import/<int:pk>/undo/records/", self.undo_records_view, "import_undo_records"
            ),
            view("import/<int:pk>/<str:name>", self.import_file_view, "import_file"),
            *super().get_urls(),
        ]

    @in_steps
    def import_job_view(self, request: HttpRequest, pk: int | str) -> HttpResponse:
        """The page of a job, by its status."""
        job = self._see_job(request, pk)
        if request.method == "POST" and not self.may_go_on(request, job):
            raise PermissionDenied
        if request.method == "POST" and (job.waiting or job.status not in ASKING):
            messages.error(request, _("Nothing was done: the import has moved on since."))
            return self._redirect(job)
        if (
            job.waiting
            or job.status in RUNNING
            or (job.undoes and job.status == Status.CHECKED)
        ):
            again = {"address_again": f"?{BY_ITSELF}"}
            return self._show(request, job, "running", self._progress(job) | again)
        if job.status in ASKING and not self.may_go_on(request, job):
            return self._show(request, job, "unfinished", {})
        if job.status == Status.UPLOADED:
            try:
                return self._map(request, job)
            except JobStopped:
                messages.error(request, _("Nothing was done: the import has moved on since."))
                return self._redirect(job)
        if job.status == Status.CHECKED:
            return self._review(request, job)
        return self._show(request, job, "ended", self._ended(request, job))

    @asked_by_script
    def import_progress_view(self, request: HttpRequest, pk: int | str) -> HttpResponse:
        """The job's progress as JSON, for the page's script."""
        return JsonResponse(self._progress(self._see_job(request, pk)))

    def _progress(self, job: Change) -> dict[str, Any]:
        total = job.file.lines if job.status == Status.CHECKING else job.rows
        return progress_of(job, total)
