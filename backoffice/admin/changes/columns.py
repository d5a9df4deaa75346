"""The pages between a file and its check: the upload, and which column is which field."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from backoffice.admin.changes.base import ChangePages
from backoffice.admin.changes.import_forms import MappingForm, UploadForm
from backoffice.admin.changes.uploads import is_too_large
from backoffice.changes.models import Change
from backoffice.jobs import tasks
from backoffice.jobs.steps import create_job, open_job
from backoffice.readers.source import ReaderError

Status = Change.Status


class ColumnPages(ChangePages):
    import_template_name = "admin/backoffice/import_upload.html"

    get_import_resource_classes: Any  # upstream's
    _ended: Any  # UndoPages'

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
            tasks.start_check(job, user=request.user)
            return self._redirect(job)
        return self._show(request, job, "map", {"form": form, "source": form.source})
