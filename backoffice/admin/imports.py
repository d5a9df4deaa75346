"""Import in the admin: upload, look at what would change, then write all of it or nothing.

The URL names and the permission hook are django-import-export's; the work is the engine's
(`backoffice.imports`).
"""

import secrets
import time
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from import_export.admin import ImportMixin as UpstreamImportMixin

from backoffice.imports.checks import Counts
from backoffice.imports.engine import DatabaseMoved, Import
from backoffice.imports.mapping import MappingError
from backoffice.imports.reader import ReaderError, open_source
from backoffice.imports.rejects import group_rejects, write_rejects

SHOWN = 100  # rows of a preview's tables
KEPT = 24 * 3600  # seconds that an upload waits to be confirmed

DETECT = ("", gettext_lazy("Find out from the file"))
FORMATS = [DETECT, *((name, name.upper()) for name in ("csv", "tsv", "xlsx", "xls", "ods"))]
ENCODINGS = [
    DETECT,
    ("utf-8", "UTF-8"),
    ("cp1252", gettext_lazy("Windows-1252 (Western)")),
    ("mac-roman", gettext_lazy("Mac Roman")),
    ("utf-16", "UTF-16"),
]
DELIMITERS = [
    DETECT,
    (",", gettext_lazy("Comma")),
    (";", gettext_lazy("Semicolon")),
    ("tab", gettext_lazy("Tab")),
    ("|", gettext_lazy("Pipe")),
]


class ImportForm(forms.Form):
    import_file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV, TSV, or a spreadsheet: XLSX, XLS, ODS."),
    )
    on_error = forms.ChoiceField(
        label=gettext_lazy("If rows are rejected"),
        choices=[
            ("abort", gettext_lazy("Stop, and write nothing")),
            ("skip", gettext_lazy("Import the good ones")),
        ],
    )
    format = forms.ChoiceField(
        label=gettext_lazy("Format"), choices=FORMATS, required=False
    )
    encoding = forms.ChoiceField(
        label=gettext_lazy("Encoding"), choices=ENCODINGS, required=False
    )
    delimiter = forms.ChoiceField(
        label=gettext_lazy("Between cells"), choices=DELIMITERS, required=False
    )


class ImportMixin(UpstreamImportMixin):
    import_export_change_list_template = None
    import_template_name = "admin/backoffice/import_form.html"
    import_preview_template_name = "admin/backoffice/import_preview.html"

    def has_import_permission(self, request):
        """An import writes, so it takes what writing takes. Upstream lets anyone."""
        return (
            bool(self.resource_classes)
            and self.has_add_permission(request)
            and self.has_change_permission(request)
        )

    # Views --------------------------------------------------------------------------

    def import_action(self, request, **kwargs):
        """The upload's form, and the preview of what was uploaded."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = ImportForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            upload = self._store(request, form)
            try:
                with self._open(request, upload) as imported:
                    return self._preview(request, imported, upload)
            except (ReaderError, MappingError) as error:
                upload_path(upload).unlink(missing_ok=True)
                form.add_error("import_file", str(error))
        resource_class = self.get_import_resource_classes(request)[0]
        context = {
            "form": form,
            "spellings": resource_class.spellings(),
            "match": resource_class._meta.import_id_fields,
        }
        return self._respond(request, self.import_template_name, _("Import"), context)

    @method_decorator(require_POST)
    def process_import(self, request, **kwargs):
        """Write what the preview showed; or hand out what it rejected."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        upload = self._load(request)
        if upload is None:
            messages.error(
                request, _("That upload is no longer here. Choose the file again.")
            )
            return HttpResponseRedirect(self._url("import"))
        if "_rejects" in request.POST:
            return self._rejects_file(request, upload)
        return self._write(request, upload)

    def _write(self, request, upload):
        try:
            with self._open(request, upload) as imported:
                counts = imported.apply(
                    expected=Counts(**upload["counts"]),
                    may_write=lambda c: not c.rejected or upload["on_error"] == "skip",
                )
        except (DatabaseMoved, ReaderError, MappingError) as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(self._url("import"))
        upload_path(upload).unlink(missing_ok=True)
        if counts.rejected and upload["on_error"] != "skip":
            messages.error(request, _("Nothing was written: some rows were rejected."))
        else:
            messages.success(
                request,
                _(
                    "Imported %(name)s: %(new)d new, %(updated)d updated,"
                    " %(unchanged)d unchanged, %(rejected)d rejected."
                )
                % {"name": upload["name"], **counts.as_dict()},
            )
        return HttpResponseRedirect(self._url("changelist"))

    def _preview(self, request, imported, upload):
        counts = imported.check()
        may_write = not counts.rejected or upload["on_error"] == "skip"
        context = {
            "counts": counts,
            "may_write": may_write and bool(counts.new or counts.updated),
            "upload": upload,
            "token": signing.dumps(upload | {"counts": asdict(counts)}, salt=self._salt()),
            "source": imported.source,
            "mapping": imported.mapping,
            "columns": [c.name for c in imported.columns],
            "changes": list(islice(imported.changes(), SHOWN)),
            "rejects": list(imported.rejects(limit=SHOWN)),
            "causes": group_rejects(imported.checks),
            "shown": SHOWN,
        }
        template = self.import_preview_template_name
        return self._respond(request, template, _("Check the import"), context)

    def _rejects_file(self, request, upload):
        path = upload_path(upload).with_suffix(".rejects")
        with self._open(request, upload) as imported:
            imported.check()
            encoding = imported.source.encoding or "utf-8-sig"
            with path.open("w", encoding=encoding, newline="") as file:
                write_rejects(imported, file)
        file = path.open("rb")
        path.unlink()  # the open file stays readable until it is sent
        name = f"{Path(upload['name']).stem}-rejects.csv"
        return FileResponse(file, as_attachment=True, filename=name, content_type="text/csv")

    # Uploads ------------------------------------------------------------------------

    def _store(self, request, form):
        """Keep the upload under a name that can't be guessed; what the form said of it."""
        remove_old_uploads()
        uploaded = form.cleaned_data["import_file"]
        upload = {
            "token": secrets.token_urlsafe(32),
            "name": get_valid_filename(uploaded.name) or "file",
            "user": request.user.pk,
            **{key: form.cleaned_data[key] for key in form.fields if key != "import_file"},
        }
        with upload_path(upload).open("xb") as file:
            file.writelines(uploaded.chunks())
        return upload

    def _load(self, request):
        """What the preview signed, if it is this user's, for this model, and still here."""
        try:
            upload = signing.loads(
                request.POST.get("token", ""), salt=self._salt(), max_age=KEPT
            )
        except signing.BadSignature:
            return None
        if upload["user"] != request.user.pk or not upload_path(upload).exists():
            return None
        return upload

    def _salt(self):
        return f"backoffice.import.{self.opts.label_lower}"

    def _open(self, request, upload):
        delimiter = "\t" if upload["delimiter"] == "tab" else upload["delimiter"]
        source = open_source(
            upload_path(upload),
            file_name=upload["name"],
            format=upload["format"] or None,
            encoding=upload["encoding"] or None,
            delimiter=delimiter or None,
        )
        return Import(
            self.get_import_resource_classes(request)[0],
            source,
            user=request.user,
            reason=_("import of %s") % upload["name"],
        )

    # Pages --------------------------------------------------------------------------

    def _url(self, view):
        return reverse(
            f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{view}"
        )

    def _respond(self, request, template, title, context):
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            **context,
        }
        return TemplateResponse(request, template, context)


def uploads_dir():
    path = settings.DATA_DIR / "uploads"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def upload_path(upload):
    return uploads_dir() / upload["token"]


def remove_old_uploads():
    """Uploads that nobody confirmed in a day go when the next one comes."""
    for path in uploads_dir().iterdir():
        if path.stat().st_mtime < time.time() - KEPT:
            path.unlink(missing_ok=True)
