"""The Resource that `library/resources.py` declares on: columns, keys and header spellings.

It is django-import-export's ModelResource, so its fields, widgets and Meta mean what its
documentation says. `import_id_fields` is the match key. References to other records are
written as people write them (see `references`), never as primary keys.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from import_export.resources import ModelResource

from backoffice.resources.formulas import escape
from backoffice.resources.references import ReferencesWidget, ReferenceWidget
from backoffice.resources.registry import resources


@dataclass(frozen=True)
class Repair:
    """A mending that staff can choose at an import: `function` on the text of `field`."""

    field: str
    function: Callable[[str], str]
    label: str


class Resource(ModelResource):
    #: Mendings offered, off unless chosen: `{"zip_zeros": Repair(…)}`.
    repairs: dict[str, Repair] = {}
    #: Header spellings other systems use, by field: `{"name": ("LIBNAME",)}`.
    synonyms: dict[str, tuple[str, ...]] = {}

    class Meta:
        clean_model_instances = True
        skip_unchanged = True
        report_skipped = False
        # Makes upstream hand the widget an object, not a primary key.
        use_natural_foreign_keys = True

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        resources.add(cls)

    @classmethod
    def get_fk_widget(cls, field):
        return functools.partial(ReferenceWidget, model=field.remote_field.model)

    @classmethod
    def get_m2m_widget(cls, field):
        return functools.partial(ReferencesWidget, model=field.remote_field.model)

    @classmethod
    def spellings(cls):
        """Per field, the headers that mean it: its own name, its label, the synonyms."""
        return {
            name: tuple(
                dict.fromkeys(
                    (name, field.column_name, *cls.labels_of(name), *cls.synonyms.get(name, ()))
                )
            )
            for name, field in cls.fields.items()
            if not field.readonly
        }

    @classmethod
    def labels_of(cls, name):
        """The label of the model's field in a list; empty for a column of another kind."""
        fields = {f.name: f for f in cls._meta.model._meta.get_fields()}
        return [str(fields[name].verbose_name)] if name in fields else []

    # Export -------------------------------------------------------------------------

    def filter_export(self, queryset, **kwargs):
        """`queryset` with what the columns read fetched along, in a stable order."""
        for field in self.fields.values():
            if isinstance(field.widget, ReferencesWidget):
                queryset = queryset.prefetch_related(field.attribute)
            elif isinstance(field.widget, ReferenceWidget):
                queryset = queryset.select_related(
                    *field.widget.key.select_related(field.attribute)
                )
        return queryset if queryset.ordered else queryset.order_by("pk")

    def export_field(self, field, instance, **kwargs):
        return escape(super().export_field(field, instance, **kwargs))
