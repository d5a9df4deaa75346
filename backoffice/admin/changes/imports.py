"""Import in the admin: upload, mapping, check, preview, apply, undo.

The URL names and the permission hook are django-import-export's. Each page shows a `Change`;
`backoffice.jobs` does the work. Edits, deletions and undos have their pages here as well.
"""

import math
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from import_export.admin import ImportMixin as UpstreamImportMixin

from backoffice.admin.changes.import_forms import MappingForm, UploadForm
from backoffice.admin.changes.uploads import is_too_large
from backoffice.changes.models import Change, JobStopped
from backoffice.changes.undo import Undo, changed_models, refusal
from backoffice.history.records import history_model, names_change
from backoffice.jobs import tasks
from backoffice.jobs.steps import CHANGES, REJECTS, create_job, open_job, read_sample
from backoffice.readers.source import ReaderError

PER_PAGE = 50  # rows of a preview's page
LINKED = 20  # records that the page of a done import or of an undo links to
DOWNLOADS = (REJECTS, CHANGES)

Status = Change.Status
RUNNING = (Status.CHECKING, Status.APPLYING)


def downloads(job: Change) -> list[str]:
    """The names of the files that the check of the import wrote."""
    if not (job.is_import and job.file.folder):
        return []
    return [name for name in DOWNLOADS if (job.file.directory / name).exists()]


class ImportMixin(UpstreamImportMixin):
    # Upstream would replace the list's template; ours has the links in a block of its own.
    import_export_change_list_template = None
    import_template_name = "admin/backoffice/import_upload.html"

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

        return [
            view("import/<int:pk>/", self.import_job_view, "import_job"),
            view("import/<int:pk>/progress/", self.import_progress_view, "import_progress"),
            view("import/<int:pk>/undo/", self.import_undo_view, "import_undo"),
            view("import/<int:pk>/<str:name>", self.import_file_view, "import_file"),
            *super().get_urls(),
        ]

    # Views --------------------------------------------------------------------------

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the upload form, and create a job from a sent file."""
        self._require_import_permission(request)
        resource_class = self.get_import_resource_classes(request)[0]
        form = UploadForm(resource_class, request.POST or None, request.FILES or None)
        if request.method == "POST" and is_too_large(request):
            form.say_too_large()
        elif request.method == "POST" and form.is_valid():
            uploaded = form.cleaned_data["import_file"]
            job = create_job(
                resource_class,
                uploaded.chunks(),
                file_name=uploaded.name,
                user=request.user,
                **form.options(),
            )
            try:
                job.file.lines = open_job(job).approximate_rows
                job.file.save(update_fields=["lines"])
            except ReaderError as error:
                job.file.remove()
                job.delete()
                form.add_error("import_file", str(error))
            else:
                return self._redirect(job)
        context = {
            "form": form,
            "spellings": resource_class.spellings(),
            "match": resource_class._meta.import_id_fields,
        }
        title = _("Import %s") % self.opts.verbose_name_plural
        return self._respond(request, self.import_template_name, title, context)

    def import_job_view(self, request: HttpRequest, pk: int | str) -> HttpResponse:
        """The page of a job, by its status."""
        job = self._get_job(request, pk)
        if (
            job.waiting
            or job.status in RUNNING
            or (job.undoes and job.status == Status.CHECKED)
        ):
            return self._show(request, job, "running", self._progress(job))
        if job.status == Status.UPLOADED:
            return self._map(request, job)
        if job.status == Status.CHECKED:
            return self._show(request, job, "preview", self._preview(request, job))
        return self._show(request, job, "ended", self._ended(request, job))

    @method_decorator(require_POST)
    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Apply, cancel or check again, by the button that was pressed."""
        number = request.POST.get("job", "")
        if not number.isdecimal():
            raise Http404
        job = self._get_job(request, number)
        if "_cancel" in request.POST:
            if not job.cancel():
                messages.error(request, _("It can no longer be cancelled."))
        elif "_again" in request.POST:
            job = self._again(request, job)
        elif job.may_apply:
            tasks.start_apply(job)
        else:
            messages.error(request, _("Nothing was done: the import has moved on since."))
        return self._redirect(job)

    def import_progress_view(self, request: HttpRequest, pk: int | str) -> HttpResponse:
        """The job's progress as JSON, for the page's script."""
        return JsonResponse(self._progress(self._get_job(request, pk)))

    def import_file_view(self, request: HttpRequest, pk: int | str, name: str) -> FileResponse:
        """Download the rejects or the changes."""
        job = self._get_job(request, pk)
        if name not in downloads(job):
            raise Http404
        return FileResponse(
            (job.file.directory / name).open("rb"),
            as_attachment=True,
            filename=f"{Path(job.title).stem}-{name}",
            content_type="text/csv",
        )

    def import_undo_view(self, request: HttpRequest, pk: int | str) -> HttpResponse:
        """Show what an undo would change and what it would leave alone; undo on POST."""
        job = self._get_job(request, pk)
        if job.status != Status.DONE or job.waiting:
            return self._redirect(job)
        if problem := refusal(job):
            messages.error(request, problem)
            return self._redirect(job)
        if not self._may_undo(request, job):
            problem = _(
                "Nothing was undone: it wrote records that you may not see. Ask whoever"
                " made it, or a superuser."
            )
            messages.error(request, problem)
            return self._redirect(job)
        if request.method == "POST":
            try:
                return self._redirect(tasks.start_undo(job, user=request.user))
            except JobStopped:
                return self._redirect(job)
        with Undo(job) as undo:
            context = {"counts": undo.plan(), "notes": undo.notes()}
            left = undo.left(LINKED)
        own = [pk for model, pk, *_rest in left if model is self.model]
        unseen = set(self._unseen(request).filter(pk__in=own).values_list("pk", flat=True))
        context["left"] = [
            (self._history_page(model, pk), text, why)
            for model, pk, text, why in left
            if model is not self.model or pk not in unseen
        ]
        return self._show(request, job, "undo", context)

    # Steps --------------------------------------------------------------------------

    def _map(self, request: HttpRequest, job: Change) -> HttpResponse:
        try:
            form = MappingForm(job, open_job(job), request.POST or None)
        except ReaderError as error:
            job.take(Status.UPLOADED, to=Status.CHECKING)
            job.finish(Status.FAILED, error=str(error))
            return self._show(request, job, "ended", self._ended(request, job))
        if request.method == "POST" and form.is_valid():
            job.file.options |= {
                "overrides": form.overrides(),
                "headers_key": form.headers_key(),
            }
            job.file.save(update_fields=["options"])
            tasks.start_check(job)
            return self._redirect(job)
        return self._show(request, job, "map", {"form": form, "source": form.source})

    def _again(self, request: HttpRequest, job: Change) -> Change:
        """Create a new job with the same file and options; the old one keeps its status."""
        if not (job.is_import and job.file.folder):
            messages.error(request, _("The file is no longer kept. Choose it again."))
            return job
        options = {k: v for k, v in job.file.options.items() if k != "headers_key"}
        with (job.file.directory / "upload").open("rb") as file:
            blocks = iter(lambda: file.read(1 << 20), b"")
            return create_job(
                job.file.resource_class,
                blocks,
                file_name=job.file.name,
                user=request.user,
                **options,
            )

    def _progress(self, job: Change) -> dict[str, Any]:
        seconds = (timezone.now() - job.started_at).total_seconds() if job.started_at else 0
        rate = job.progress / seconds if seconds > 0 else 0
        total = job.file.lines if job.status == Status.CHECKING else job.rows
        left = max(total - job.progress, 0) if total else None
        return {
            "status": "waiting" if job.waiting else job.status,
            "running": bool(job.waiting) or job.status in RUNNING,
            "rows": job.progress,
            "total": total or None,
            "rate": round(rate),
            "seconds_left": math.ceil(left / rate) if rate and left else None,
            "is_read": bool(job.progress) and left == 0,
            "worker_is_missing": bool(job.waiting) and tasks.worker_is_missing(),
        }

    def _preview(self, request: HttpRequest, job: Change) -> dict[str, Any]:
        sample = read_sample(job)
        kinds = [
            ("new", _("New"), job.new),
            ("updated", _("Updated"), job.updated),
            ("rejected", _("Rejected"), job.rejected),
            ("repaired", _("Repaired"), job.file.found.get("repaired")),
        ]
        kinds = [kind for kind in kinds if kind[2]]
        totals = {kind: total for kind, _label, total in kinds}
        shown = request.GET.get("show")
        if shown not in totals:
            shown = kinds[0][0] if kinds else ""
        rows = sample.get(shown, [])
        page = Paginator(rows, PER_PAGE).get_page(request.GET.get("p"))
        return {
            "kinds": kinds,
            "shown": shown,
            "sampled": len(rows),
            "total": totals.get(shown, 0),
            "page": page,
            "columns": list(job.file.found.get("mapping", {})),
            "same_file": job.file.same_file.first(),
        }

    def _ended(self, request: HttpRequest, job: Change) -> dict[str, Any]:
        records = []
        if job.applied_at:
            written = self._written(job).exclude(self._is_unseen(request))
            found = written.order_by("history_id")[:LINKED]
            key = self.opts.pk.attname
            records = [
                (self._history_page(self.model, getattr(record, key)), str(record.instance))
                for record in found
            ]
        can_undo = job.status == Status.DONE and not refusal(job)
        return {
            "records": records,
            "can_undo": can_undo,
            "undo": job.undo,
            "restored": (job.updated or 0) + (job.new or 0),
        }

    # What a job wrote ---------------------------------------------------------------

    def _written(self, job: Change) -> QuerySet[Any]:
        """The history records of this model that the job wrote; empty if none has it."""
        if not names_change(self.model):
            nothing: QuerySet[Any] = self.model._base_manager.none()
            return nothing
        records: QuerySet[Any] = history_model(self.model)._base_manager.all()
        return records.filter(history_change=job)

    def _unseen(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows that exist, but that this user can't see."""
        rows: QuerySet[Any] = self.model._base_manager.all()
        seen = self.get_queryset(request).order_by()
        if not seen.query.has_filters():
            return rows.none()
        return rows.filter(~Exists(seen.filter(pk=OuterRef("pk"))))

    def _is_unseen(self, request: HttpRequest) -> Exists:
        return Exists(self._unseen(request).filter(pk=OuterRef(self.opts.pk.attname)))

    def _may_undo(self, request: HttpRequest, job: Change) -> bool:
        """Whether the user made the change, or can see all its rows: an undo has no parts.

        Undoing a deletion requires the permissions to add and change for all its models.
        """
        if job.kind == Change.Kind.DELETION:
            for opts in (model._meta for model in changed_models(job)):
                for action in ("add", "change"):
                    codename = get_permission_codename(action, opts)
                    if not request.user.has_perm(f"{opts.app_label}.{codename}"):
                        return False
        if request.user.is_superuser or job.user_id == request.user.pk:
            return True
        return not self._written(job).filter(self._is_unseen(request)).exists()

    # Pages --------------------------------------------------------------------------

    def _require_import_permission(self, request: HttpRequest) -> None:
        if not self.has_import_permission(request):
            raise PermissionDenied

    def _get_job(self, request: HttpRequest, pk: int | str) -> Change:
        if not self.has_change_permission(request):
            raise PermissionDenied
        changes = Change.objects.filter(model=self.opts.label).select_related("undoes")
        job = get_object_or_404(changes, pk=pk)
        if (job.undoes or job).is_import:
            self._require_import_permission(request)
        return job

    def _redirect(self, job: Change) -> HttpResponse:
        return HttpResponseRedirect(self._url("import_job", job.pk))

    def _url(self, view: str, *args: Any) -> str:
        app_label, model_name = self.get_model_info()
        return reverse(f"{self.admin_site.name}:{app_label}_{model_name}_{view}", args=args)

    def _history_page(self, model: type[Model], pk: int | str) -> str | None:
        """The URL of a row's history; None if this site has no such page."""
        name = (
            f"{self.admin_site.name}:{model._meta.app_label}_{model._meta.model_name}_history"
        )
        try:
            return reverse(name, args=[quote(pk)])
        except NoReverseMatch:
            return None

    def _show(
        self, request: HttpRequest, job: Change, page: str, context: dict[str, Any]
    ) -> HttpResponse:
        template = f"admin/backoffice/import_{page}.html"
        context = {"job": job, "files": downloads(job), **context}
        return self._respond(request, template, str(job), context)

    def _respond(
        self, request: HttpRequest, template: str, title: Any, context: dict[str, Any]
    ) -> HttpResponse:
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            **context,
        }
        return TemplateResponse(request, template, context)
