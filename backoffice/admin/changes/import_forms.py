"""The import's two forms: the upload and the mapping."""

import hashlib
import json
from itertools import islice
from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from backoffice.changes.models import Change, ImportFile
from backoffice.imports.mapping import MappingError, map_columns, placed_headers
from backoffice.imports.twins import Alike
from backoffice.readers.source import Source
from backoffice.resources.resource import Resource

DETECT = ("", _("Find out from the file"))
FORMATS = [
    DETECT,
    *((name, name.upper()) for name in ("csv", "tsv", "xlsx", "xls", "xlsb", "ods", "json")),
    ("jsonl", _("JSON Lines")),
    ("yaml", _("YAML, as exported here")),
]
ENCODINGS = [
    DETECT,
    ("utf-8", "UTF-8"),
    ("cp1252", _("Windows-1252 (Western)")),
    ("mac-roman", _("Mac Roman")),
    ("utf-16", "UTF-16"),
    ("utf-8+cp1252", _("UTF-8 with some Windows-1252 between")),
]
DELIMITERS = [
    DETECT,
    (",", _("Comma")),
    (";", _("Semicolon")),
    ("tab", _("Tab")),
    ("|", _("Pipe")),
]
ALIKE = [
    (Alike.REJECT.value, _("Reject it, and name the record")),
    (Alike.SAME.value, _("It is the same record")),
    (Alike.NEW.value, _("It is a new record")),
]
SAMPLED = 3  # values shown for each column


class UploadForm(forms.Form):
    import_file = forms.FileField(
        label=_("File"), help_text=_("CSV, TSV, or a spreadsheet: XLSX, XLS, XLSB, ODS; JSON.")
    )
    format = forms.ChoiceField(label=_("Format"), choices=FORMATS, required=False)
    encoding = forms.ChoiceField(label=_("Encoding"), choices=ENCODINGS, required=False)
    delimiter = forms.ChoiceField(label=_("Between cells"), choices=DELIMITERS, required=False)
    sheet = forms.CharField(
        label=_("Sheet"),
        max_length=200,
        required=False,
        help_text=_("For spreadsheets; the first with data if left blank."),
    )
    header_row = forms.IntegerField(
        label=_("Row of the header"),
        required=False,
        min_value=1,
        help_text=_("Counted as in a spreadsheet; detected if left blank."),
    )
    alike = forms.ChoiceField(
        label=_("If a row looks like a record"),
        choices=ALIKE,
        required=False,
        help_text=_("Its key differs in case, quotes or dashes alone, or in ZIP+4."),
    )
    clear_blank = forms.BooleanField(
        label=_("A blank cell clears the present value"),
        required=False,
        help_text=_("Otherwise it leaves a record's value and links as they are."),
    )
    repairs = forms.MultipleChoiceField(
        label=_("Repairs"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, resource_class: type[Resource], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        repairs: Any = self.fields["repairs"]
        repairs.choices = [
            (name, repair.label) for name, repair in resource_class.repairs.items()
        ]
        if not resource_class.repairs:
            del self.fields["repairs"]

    def say_too_large(self) -> None:
        """Add the error of a file that LimitUploadHandler dropped."""
        limit = filesizeformat(settings.IMPORT_MAX_BYTES)
        message = _("The file is larger than %s, the limit for uploads. Split it.")
        self.errors["import_file"] = self.error_class([message % limit])

    def options(self) -> dict[str, Any]:
        """The options of `create_job`."""
        options = {
            name: self.cleaned_data[name] for name in self.fields if name != "import_file"
        }
        if options["delimiter"] == "tab":
            options["delimiter"] = "\t"
        return options


def _choices(headers: list[str]) -> list[tuple[str, str]]:
    """The headers of a file; those that stand twice together, and each by itself."""
    all_of = _("%s (all columns of that name, which must hold the same)")
    choices = {header: header for header in headers if header}
    for header, placed in zip(headers, placed_headers(headers), strict=True):
        if header and placed != header:
            choices |= {header: all_of % header, placed: placed}
    return list(choices.items())


class MappingForm(forms.Form):
    """A choice of column for each field of the Resource.

    `unused` are the headers that are mapped to no field.
    """

    def __init__(self, job: Change, source: Source, data: Any = None) -> None:
        self.job, self.source = job, source
        self.resource_class = job.file.resource_class
        self.suggested = self._suggestion()
        super().__init__(data)
        required = self.resource_class._meta.import_id_fields
        samples = self._samples()
        headers = _choices(source.headers)
        for name in self.resource_class.spellings():
            header = self.suggested.get(name, "")
            self.fields[name] = forms.ChoiceField(
                label=name,
                choices=[("", _("(not in the file)")), *headers],
                required=name in required,
                initial=header,
            )
            self.fields[name].samples = samples.get(header, [])  # type: ignore[attr-defined] # for the page
        self.samples = samples

    @property
    def unused(self) -> list[str]:
        used = {self[name].value() for name in self.fields}
        return [header for header in self.source.headers if header and header not in used]

    def overrides(self) -> dict[str, str]:
        return dict(self.cleaned_data)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                map_columns(
                    self.source.headers,
                    spellings=self.resource_class.spellings(),
                    overrides=cleaned,
                )
            except MappingError as error:
                raise forms.ValidationError(str(error)) from error
        return cleaned

    def headers_key(self) -> str:
        """The key under which the mapping for these headers is remembered."""
        return hashlib.sha256(json.dumps(self.source.headers).encode()).hexdigest()

    def _suggestion(self) -> dict[str, str]:
        """`{field: header}`: the last mapping of the same headers, else by spelling."""
        before: dict[str, str] | None = (
            ImportFile.objects.filter(
                change__model=self.job.model, options__headers_key=self.headers_key()
            )
            .exclude(pk=self.job.pk)
            .order_by("-pk")
            .values_list("options__overrides", flat=True)
            .first()
        )
        if before:
            return before
        try:
            return map_columns(
                self.source.headers, spellings=self.resource_class.spellings()
            ).as_dict()
        except MappingError:
            return {}

    def _samples(self) -> dict[str, list[str]]:
        """The first distinct values of each column, by header."""
        samples: dict[str, list[str]] = {header: [] for header in self.source.headers}
        for _line, cells, _problem in islice(next(self.source.chunks(100), []), 100):
            for header, cell in zip(self.source.headers, cells, strict=False):
                found = samples[header]
                if cell.strip() and cell not in found and len(found) < SAMPLED:
                    # Half a character, for which the row is rejected, can't be shown.
                    found.append(cell[:40].encode(errors="replace").decode())
        return samples
