"""The form of an upload, and the one that says how a file is read."""

from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from backoffice.admin.pickers.keys import KeyField
from backoffice.changes.profiles import Profile
from backoffice.jobs.profiles import with_profile
from backoffice.querysets.scopes import within
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
TAB = {"tab": "\t"}


class FileForm(forms.Form):
    """A file to import."""

    import_file = forms.FileField(
        label=_("File"), help_text=_("CSV, TSV, or a spreadsheet: XLSX, XLS, XLSB, ODS; JSON.")
    )

    def say_too_large(self) -> None:
        """Add the error of a file that LimitUploadHandler dropped."""
        limit = filesizeformat(settings.IMPORT_MAX_BYTES)
        message = _("The file is larger than %s, the limit for uploads. Split it.")
        self.errors["import_file"] = self.error_class([message % limit])


class UploadForm(FileForm):
    """A file, the profile to import it with, and, where the file doesn't tell, its format."""

    profile = KeyField(
        Profile.objects.none(),
        label=_("Profile"),
        required=False,
        empty_label=_("The one for such a file, if there is one"),
    )
    format = forms.ChoiceField(label=_("Format"), choices=FORMATS, required=False)
    encoding = forms.ChoiceField(label=_("Encoding"), choices=ENCODINGS, required=False)
    delimiter = forms.ChoiceField(label=_("Between cells"), choices=DELIMITERS, required=False)

    def __init__(
        self, resource_class: type[Resource], *args: Any, user: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        profiles = within(Profile.objects.for_model(resource_class._meta.model), user)
        self.fields["profile"].queryset = profiles  # type: ignore[attr-defined] # it is a ModelChoiceField
        if not profiles.exists():
            del self.fields["profile"]

    @property
    def unfolded(self) -> list[forms.BoundField]:
        return [self[name] for name in ("import_file", "profile") if name in self.fields]

    @property
    def folded(self) -> list[forms.BoundField]:
        return [self[name] for name in ("format", "encoding", "delimiter")]

    def options(self) -> dict[str, Any]:
        """The options of `create_job`."""
        cleaned = self.cleaned_data
        options = {name: cleaned[name] for name in ("format", "encoding", "delimiter")}
        options["delimiter"] = TAB.get(options["delimiter"], options["delimiter"])
        profile = cleaned.get("profile")
        return with_profile(options, profile) if profile else options


class ReadingForm(forms.Form):
    """How the file is read; what is left blank is found out."""

    format = forms.ChoiceField(label=_("Format"), choices=FORMATS, required=False)
    encoding = forms.ChoiceField(label=_("Encoding"), choices=ENCODINGS, required=False)
    delimiter = forms.ChoiceField(label=_("Between cells"), choices=DELIMITERS, required=False)
    sheet = forms.CharField(label=_("Sheet"), max_length=200, required=False)
    header_row = forms.IntegerField(label=_("Row of the header"), required=False, min_value=1)

    def __init__(self, data: Any = None, *, options: dict[str, Any]) -> None:
        initial = {name: options.get(name) for name in self.base_fields}
        initial["delimiter"] = "tab" if initial["delimiter"] == "\t" else initial["delimiter"]
        super().__init__(data, prefix="reading", initial=initial)
        self._offer("encoding", initial["encoding"])
        self._offer("delimiter", initial["delimiter"])

    def _offer(self, name: str, value: Any) -> None:
        """Offer what a profile says, though it is none of the usual choices."""
        field: Any = self.fields[name]
        if value and value not in dict(field.choices):
            field.choices = [*field.choices, (value, value)]

    def show(self, source: Source) -> None:
        """Offer what there is in a file that could be read, and say what was found out."""
        if source.sheets:
            sheets = [("", source.sheet), *((name, name) for name in source.sheets)]
            sheet = forms.ChoiceField(label=_("Sheet"), choices=sheets, required=False)
            self.fields["sheet"] = sheet
            for name in ("encoding", "delimiter"):
                self.fields[name].widget = forms.HiddenInput()
        else:
            self.fields["sheet"].widget = forms.HiddenInput()
        if source.encoding is None and not source.sheets:  # JSON or YAML: of no rows
            self.fields["header_row"].widget = forms.HiddenInput()
        self.fields["header_row"].widget.attrs["placeholder"] = source.header_row

    def options(self) -> dict[str, Any]:
        options = dict(self.cleaned_data)
        options["delimiter"] = TAB.get(options["delimiter"], options["delimiter"])
        return options
