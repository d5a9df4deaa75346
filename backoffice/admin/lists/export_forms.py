"""The export's form: columns and their order, format, encoding."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from import_export.forms import SelectableFieldsExportForm

ENCODINGS = [
    ("utf-8", _("UTF-8")),
    ("utf-8-sig", _("UTF-8 with a byte order mark, for Excel")),
]

FORMATS_FOR = _("For spreadsheets: csv, tsv, xlsx, ods. For programs: json, jsonl, yaml.")


class ExportForm(SelectableFieldsExportForm):
    """django-import-export's, with a position for each column."""

    encoding = forms.ChoiceField(
        label=_("Encoding"),
        choices=ENCODINGS,
        required=False,
        help_text=_("For CSV and TSV; the other formats have their own."),
    )

    def __init__(self, formats: Any, resources: Any, **kwargs: Any) -> None:
        super().__init__(formats, resources, **kwargs)
        del self.fields["export_items"]
        self.fields["format"].choices = self.fields["format"].choices[1:]  # no blank choice
        limits = [
            _("%(format)s takes %(most)s rows at most.")
            % {"format": f.name, "most": f"{f.most_rows:,}"}
            for f in (format_class() for format_class in formats)
            if f.most_rows
        ]
        self.fields["format"].help_text = " ".join(map(str, [FORMATS_FOR, *limits]))
        for names in self.resource_fields.values():
            for place, name in enumerate(names, 1):
                self.fields[f"position_{name}"] = forms.IntegerField(
                    label=_("Position of %s") % self.fields[name].label,
                    initial=place,
                    required=False,
                    widget=forms.NumberInput(attrs={"min": 1, "max": len(names)}),
                )

    def _get_field_label(self, resource: Any, field_name: Any) -> Any:
        labels = resource.labels_of(field_name)
        return capfirst(labels[0]) if labels else super()._get_field_label(resource, field_name)

    def tables(self) -> Iterator[Any]:
        """`(resource's name, [(checkbox, position)])` for each resource."""
        for resource in self.resources:
            names = self.resource_fields[resource.__name__]
            yield resource.get_display_name(), [(self[n], self[f"position_{n}"]) for n in names]

    def file_fields(self) -> Any:
        return [self[name] for name in ("format", "encoding")]

    def get_selected_resource_export_fields(self) -> Any:
        """The chosen columns, sorted by position; a moved column shifts the others."""
        names = super().get_selected_resource_export_fields()
        everything = list(self.get_selected_resource()().get_export_order())

        def key(name: str) -> Any:
            was = everything.index(name) + 1
            place = self.cleaned_data.get(f"position_{name}") or was
            return place, (place > was) - (place < was)

        return sorted(names, key=key)
