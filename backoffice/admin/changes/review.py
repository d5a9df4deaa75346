"""The review of a checked import: what would be written, and the buttons that decide."""

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.decorators import method_decorator
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backoffice.admin.changes.base import ChangePages, downloads
from backoffice.changes.models import Change
from backoffice.jobs import tasks
from backoffice.jobs.steps import create_job, download, read_sample
from backoffice.readers.source import ReaderError

PER_PAGE = 50  # rows of a page


class ReviewPages(ChangePages):
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
            tasks.start_apply(job, user=request.user)
        else:
            messages.error(request, _("Nothing was done: the import has moved on since."))
        return self._redirect(job)

    def import_file_view(
        self, request: HttpRequest, pk: int | str, name: str
    ) -> StreamingHttpResponse:
        """Download the rejects or the changes."""
        job = self._get_job(request, pk)
        if name not in downloads(job):
            raise Http404
        try:
            blocks = download(job, name)
        except ReaderError as error:
            raise Http404(str(error)) from error
        disposition = content_disposition_header(True, f"{Path(job.title).stem}-{name}")
        headers = {"Content-Disposition": disposition}
        return StreamingHttpResponse(blocks, content_type="text/csv", headers=headers)

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
