"""The pages between a file and its check: the upload, and which column is which field."""

import io
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import FileResponse, HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backoffice.admin.changes.base import ChangePages
from backoffice.admin.changes.column_forms import ColumnsForm, shown
from backoffice.admin.changes.import_forms import FileForm, ReadingForm, UploadForm
from backoffice.admin.changes.uploads import is_too_large
from backoffice.admin.submissions.once import in_steps
from backoffice.changes.models import Change, JobStopped
from backoffice.changes.profiles import Profile, headers_key
from backoffice.exports.template import template_file
from backoffice.jobs import tasks
from backoffice.jobs.opening import open_job
from backoffice.jobs.profiles import save_profile, starting_options, with_profile
from backoffice.jobs.replace import Replaced, replace_file
from backoffice.jobs.steps import create_job, discarded_if_it_fails
from backoffice.querysets.counts import Count
from backoffice.querysets.scopes import within
from backoffice.readers.source import HeaderUnknown, ReaderError, Source
from backoffice.tables.texts import same

DROPPED = 5  # decisions that a message names

Status = Change.Status


class ColumnPages(ChangePages):
    import_template_name = "admin/backoffice/import_upload.html"

    get_import_resource_classes: Any  # upstream's
    _ended: Any  # UndoPages'

    @in_steps
    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the upload form, and create a job from a sent file."""
        self._require_import_permission(request)
        resource_class = self.get_import_resource_classes(request)[0]
        form = UploadForm(
            resource_class, request.POST or None, request.FILES or None, user=request.user
        )
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
                with discarded_if_it_fails(job):
                    job.file.lines = open_job(job, any_header=True).approximate_rows
                    job.file.save(update_fields=["lines"])
            except ReaderError as error:
                form.add_error("import_file", str(error))
            else:
                return self._redirect(job)
        spellings, titles = resource_class.spellings(), resource_class.titles()
        context = {
            "form": form,
            "columns": [(name, titles[name], spellings[name]) for name in spellings],
            "match": resource_class._meta.import_id_fields,
        }
        title = _("Import %s") % self.opts.verbose_name_plural
        return self._respond(request, self.import_template_name, title, context)

    @method_decorator(require_POST)
    def import_columns_view(self, request: HttpRequest, pk: int | str) -> HttpResponse:
        """Go back from the review to the columns: choices and decisions stay."""
        job = self._get_job(request, pk)
        if not job.reopen():
            messages.error(request, _("Nothing was done: the import has moved on since."))
        return self._redirect(job)

    @in_steps  # to read a large sheet takes longer than a transaction may stand still
    @method_decorator(require_POST)
    def import_profile_view(self, request: HttpRequest, pk: int | str) -> HttpResponse:
        """Keep the choices of an import, and how it reads values by now, as a profile."""
        job = self._get_job(request, pk)
        name = same(request.POST.get("name", ""))[:100]
        try:
            headers = open_job(job).headers
        except ReaderError as error:
            messages.error(request, str(error))
            return self._redirect(job)
        try:
            self._keep(request, job, name, headers)
        except ValidationError as error:
            messages.error(request, error.messages[0])
        return self._redirect(job)

    @in_steps
    def import_replace_view(self, request: HttpRequest, pk: int | str) -> HttpResponse:
        """Ask for another file, and import that with the same columns and decisions."""
        job = self._get_job(request, pk)
        if job.status not in (Status.UPLOADED, Status.CHECKED, Status.FAILED) or job.waiting:
            messages.error(request, _("Nothing was done: the import has moved on since."))
            return self._redirect(job)
        form = FileForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and is_too_large(request):
            form.say_too_large()
        elif request.method == "POST" and form.is_valid():
            uploaded = form.cleaned_data["import_file"]
            try:
                replaced = replace_file(
                    job, uploaded.chunks(), file_name=uploaded.name, user=request.user
                )
            except ReaderError as error:
                form.add_error("import_file", str(error))
            except JobStopped:
                messages.error(request, _("Nothing was done: the import has moved on since."))
                return self._redirect(job)
            else:
                self._say_replaced(request, replaced)
                if "overrides" in job.file.options:
                    self._check_if_alike(request, replaced.job)
                return self._redirect(replaced.job)
        return self._show(request, job, "replace", {"form": form})

    @staticmethod
    def _check_if_alike(request: HttpRequest, job: Change) -> None:
        """Check the new file at once where it has the headers of the one before."""
        try:
            headers = open_job(job).headers
        except ReaderError:
            return  # the columns page says what is wrong
        if headers_key(headers) == job.file.options.get("headers_key"):
            tasks.start_check(job, user=request.user)

    @staticmethod
    def _say_replaced(request: HttpRequest, replaced: Replaced) -> None:
        kept, dropped = Count(replaced.kept), replaced.dropped
        said = _("The file was replaced. Columns and choices are as before.")
        if replaced.kept:
            said += " " + _("Decisions that still hold: %s.") % kept
        messages.success(request, said)
        if dropped:
            rows = ", ".join(str(d) for d in dropped[:DROPPED])
            more = Count(len(dropped) - DROPPED)
            rows += _(" and %s more") % more if len(dropped) > DROPPED else ""
            said = _("Decisions that were dropped, for their rows are not the same: %s.")
            messages.warning(request, said % rows)

    def import_template_view(self, request: HttpRequest, kind: str) -> FileResponse:
        """Download a file to fill in: headers, an example, and in a workbook the choices."""
        self._require_import_permission(request)
        resource_class = self.get_import_resource_classes(request)[0]
        name = f"{self.opts.verbose_name_plural} template.{kind}"
        content = io.BytesIO(b"".join(template_file(resource_class, kind)))
        return FileResponse(content, as_attachment=True, filename=name)

    # The columns page ---------------------------------------------------------------

    def _map(self, request: HttpRequest, job: Change) -> HttpResponse:
        """Show the choices; keep them; and, unless more is asked for, check the file.

        Raises JobStopped if somebody has begun to check it meanwhile.
        """
        is_sent = request.method == "POST"
        reading = ReadingForm(request.POST if is_sent else None, options=job.file.options)
        options = {**job.file.options}
        if is_sent and reading.is_valid():
            options |= reading.options()
        try:
            source, problem = self._open(job, options)
            reading.show(source)
            form = self._columns_form(request, job, source, options)
        except ReaderError as error:
            if is_sent:  # and was read before, as it was said then
                reading.add_error(None, str(error))
                return self._show(request, job, "map", {"reading": reading})
            job.take(Status.UPLOADED, to=Status.CHECKING)
            job.finish(Status.FAILED, error=str(error))
            return self._show(request, job, "ended", self._ended(request, job))
        is_read = is_sent and not problem and reading.is_valid()
        is_good = is_read and form.is_bound and form.is_valid()
        if is_read and (is_good or "_show" in request.POST):
            job.file.choose({**options, **form.chosen()})
        if is_good and "_show" not in request.POST:
            if "_keep" not in request.POST:
                tasks.start_check(job, user=request.user)
                return self._redirect(job)
            try:
                name = form.cleaned_data["with-name"]
                self._keep(request, job, name, source.headers)
            except ValidationError as error:
                form.add_error("with-name", error)
            else:
                return self._redirect(job)
        sample = form.sample()
        context = {
            "form": form,
            "reading": reading,
            "problem": problem,
            "source": source,
            "first_rows": [(n, map(shown, cells)) for n, cells in source.first_rows],
            "rows": form.rows(sample),
            "keys": form.named(form.keys(sample)),
            "sampled": len(sample.rows) if sample else 0,
            "used": form.start.get("profile"),
        }
        return self._show(request, job, "map", context)

    @staticmethod
    def _open(job: Change, options: dict[str, Any]) -> tuple[Source, str]:
        """The file, and what has to be said of its header first, if anything."""
        try:
            return open_job(job, options), ""
        except HeaderUnknown as error:
            return open_job(job, options, any_header=True), str(error)

    def _columns_form(
        self, request: HttpRequest, job: Change, source: Source, options: dict[str, Any]
    ) -> ColumnsForm:
        """The form with what was sent, unless that was about other columns or a profile."""
        start = starting_options(job, source.headers, request.user)
        new_form = partial(
            ColumnsForm,
            job,
            source,
            user=request.user,
            may_delete=self.has_delete_permission(request),
        )
        sent = request.POST
        if request.method != "POST":
            return new_form(start)
        name = sent.get("with-profile", "")
        if name != start.get("profile", ""):
            profiles = within(Profile.objects.for_model(self.model), request.user)
            profiles = profiles.filter(name=name)
            reading = {key: options.get(key) for key in ReadingForm.base_fields}
            start = (
                with_profile(reading, profiles[0]) if profiles else {**reading, "overrides": {}}
            )
            return new_form(start)
        form = new_form(start, sent)
        if sent.get("with-headers") != form["with-headers"].initial:
            return new_form({**start, "overrides": {}})
        return form

    @staticmethod
    def _keep(request: HttpRequest, job: Change, name: str, headers: Sequence[str]) -> None:
        """Save the choices as a profile. Raises ValidationError if it can't have the name."""
        if not name:
            raise ValidationError(_("Name it, for example after the supplier."))
        save_profile(job.file, name, headers=headers, user=request.user)
        said = _("The choices are kept as the profile “%s”.") % name
        messages.success(request, f"{said} {owner_note()}".strip())


def owner_note() -> str:
    """What it means for whoever has changed a profile; "" where there are no feeds."""
    if not settings.IMPORT_FOLDER:
        return ""
    return _("You are its owner now: what its feed brings is written in your name.")
