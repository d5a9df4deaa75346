"""The export's form: columns and their order, format, encoding; a profile to keep them in."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from django import forms
from django.db.models import Model
from django.utils.translation import gettext_lazy as _
from import_export.forms import SelectableFieldsExportForm

from backoffice.admin.lists.lines import LineField
from backoffice.exports.names import label_of
from backoffice.exports.profiles import ExportProfile

ENCODINGS = [
    ("utf-8", _("UTF-8")),
    ("utf-8-sig", _("UTF-8 with a byte order mark, for Excel")),
]

#: What each format is for; those that most want come first.
PURPOSES = {
    "xlsx": _("For Excel (XLSX)"),
    "csv": _("For another program, or to import again (CSV)"),
    "ods": _("For LibreOffice (ODS)"),
    "tsv": _("For another program, between tabs (TSV)"),
    "json": _("For a developer (JSON)"),
    "jsonl": _("For a developer, a record a line (JSON Lines)"),
    "yaml": _("For a developer (YAML)"),
}


MayView = Callable[[type[Model]], bool]  # whether the user may view a model's records


def everybody(model: type[Model]) -> bool:
    return True


class ExportForm(SelectableFieldsExportForm):
    """django-import-export's, with a position for each column.

    profile: what the form starts with; `lost` are its columns that are not offered, and
        `is_of_others` is said where those it was made with are not there under their name.
    is_own: whether it is the user's; a copy of another's is shared by who says so alone.
    """

    #: The checkboxes as they were shown: what a position moves depends on that.
    order = forms.CharField(widget=forms.HiddenInput, required=False)
    #: The key of the profile that the form started with.
    profile = forms.CharField(widget=forms.HiddenInput, required=False)
    profile_name = LineField(label=_("Name"), max_length=100, required=False)
    profile_shared = forms.BooleanField(label=_("Shared with all staff"), required=False)
    encoding = forms.ChoiceField(
        label=_("Encoding"),
        choices=ENCODINGS,
        required=False,
        help_text=_("For CSV and TSV; the other formats have their own."),
    )

    def __init__(
        self,
        formats: Any,
        resources: Any,
        *,
        may_view: MayView = everybody,
        profile: ExportProfile | None = None,
        is_own: bool = True,
        **kwargs: Any,
    ) -> None:
        self.related = {
            resource: [
                name
                for name, column in resource.related.items()
                if may_view(column.related_model(resource._meta.model))
            ]
            for resource in resources
        }
        super().__init__(formats, resources, **kwargs)
        del self.fields["export_items"]
        self.formats = formats
        self.lost: list[str] = []
        self.is_of_others = False
        order = self.data.get("order", "").split(",")
        self._put_in_order(self._start_with(profile, is_own) if profile else order)
        self._name_formats(formats)

    def _start_with(self, profile: ExportProfile, is_own: bool) -> list[str]:
        """Have the form start with a profile. Returns its columns' checkboxes, in order."""
        names = [format_class.name for format_class in self.formats]
        if profile.format in names:
            self.initial["format"] = str(names.index(profile.format))
        self.initial |= {
            "encoding": profile.encoding,
            "profile": profile.pk,
            "profile_name": profile.name,
            "profile_shared": profile.shared and is_own,
        }
        by_name = {resource.__name__: n for n, resource in enumerate(self.resources)}
        self.is_of_others = profile.resource not in by_name
        number = by_name.get(profile.resource, 0)
        self.initial["resource"] = str(number)
        resource = self.resources[number]
        boxes = [self.create_boolean_field_name(resource, name) for name in profile.columns]
        offered = self.resource_fields[resource.__name__]
        for box in offered:
            self.fields[box].initial = box in boxes
        self.lost = [
            label_of(resource, name) or name
            for name, box in zip(profile.columns, boxes, strict=True)
            if box not in offered
        ]
        return boxes

    def _put_in_order(self, boxes: Sequence[str]) -> None:
        """Sort the columns as these checkboxes are; the others come after them."""
        places = {box: place for place, box in enumerate(boxes)}
        for names in self.resource_fields.values():
            names.sort(key=lambda name: places.get(name, len(places)))
            for place, name in enumerate(names, 1):
                self.fields[f"position_{name}"] = forms.IntegerField(
                    label=_("Position of %s") % self.fields[name].label,
                    initial=place,
                    required=False,
                    widget=forms.NumberInput(attrs={"min": 1, "max": len(names)}),
                )
        self.initial["order"] = ",".join(chain(*self.resource_fields.values()))

    def _name_formats(self, formats: Any) -> None:
        file_format = self.fields["format"]
        file_format.label = _("What for")
        named = [(n, str(name)) for n, name in file_format.choices[1:]]  # the first is blank
        named.sort(key=lambda choice: [*PURPOSES, choice[1]].index(choice[1]))
        file_format.choices = [(n, PURPOSES.get(name, name)) for n, name in named]
        limits = [
            _("%(format)s takes %(most)s rows at most.")
            % {"format": f.name.upper(), "most": f"{f.most_rows:,}"}
            for f in (format_class() for format_class in formats)
            if f.most_rows
        ]
        file_format.help_text = " ".join(map(str, limits))

    def _get_field_label(self, resource: Any, field_name: Any) -> Any:
        usual = super()._get_field_label
        return label_of(resource, field_name) or usual(resource, field_name)

    def _create_boolean_fields(self, resource: Any, index: Any) -> Any:
        """Those of the Resource, then those of related records that the user may view."""
        names = super()._create_boolean_fields(resource, index)
        for column in self.related[resource]:
            name = self.create_boolean_field_name(resource, column)
            self.fields[name] = forms.BooleanField(
                label=self._get_field_label(resource, column),
                label_suffix="",
                initial=True,
                required=False,
                help_text=_("No import reads it."),
            )
            names.append(name)
        return names

    def _columns(self, resource: Any) -> list[str]:
        """The names of the columns as they were shown."""
        before = self.create_boolean_field_name(resource, "")
        return [box.removeprefix(before) for box in self.resource_fields[resource.__name__]]

    def _validate_any_field_selected(self, resource: Any) -> None:
        if not any(self.cleaned_data.get(name) for name in self._columns(resource)):
            raise forms.ValidationError(_("Tick a column at least."))

    def tables(self) -> Iterator[Any]:
        """`(resource's name, [(checkbox, position)])` for each resource."""
        for resource in self.resources:
            names = self.resource_fields[resource.__name__]
            yield resource.get_display_name(), [(self[n], self[f"position_{n}"]) for n in names]

    def file_fields(self) -> Any:
        return [self[name] for name in ("format", "encoding")]

    def get_selected_resource_export_fields(self) -> Any:
        """The chosen columns, sorted by position; a moved column shifts the others."""
        everything = self._columns(self.get_selected_resource())
        names = [name for name in everything if self.cleaned_data.get(name)]

        def key(name: str) -> Any:
            was = everything.index(name) + 1
            place = self.cleaned_data.get(f"position_{name}") or was
            return place, (place > was) - (place < was)

        return sorted(names, key=key)

    @property
    def sent(self) -> dict[str, str]:
        """What makes the same form again, but for the profile."""
        names = self.fields.keys() - {"profile", "profile_name", "profile_shared"}
        return {name: self.data[name] for name in sorted(names & self.data.keys())}

    def choices(self) -> dict[str, Any]:
        """What an ExportProfile keeps of the valid form."""
        return {
            "resource": self.get_selected_resource().__name__,
            "columns": self.get_selected_resource_export_fields(),
            "format": self.formats[int(self.cleaned_data["format"])].name,
            "encoding": self.cleaned_data["encoding"],
            "shared": self.cleaned_data["profile_shared"],
        }
