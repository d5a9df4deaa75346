"""The Resource that `library/resources.py` declares on: columns, keys and header spellings.

It is django-import-export's ModelResource, so its fields, widgets and Meta mean what its
documentation says. `import_id_fields` is the match key. References to other records are
written as people write them (see `references`), never as primary keys.
"""

import functools
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

from django.conf import settings
from django.db.models import GeneratedField, JSONField, Prefetch, QuerySet
from django.db.models.fields import NOT_PROVIDED
from django.utils import translation
from django.utils.text import capfirst
from django_stubs_ext import StrOrPromise
from import_export.declarative import ModelDeclarativeMetaclass
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.widgets import Widget

from backoffice.languages import offered
from backoffice.querysets.reach import EVERYTHING, Reach
from backoffice.resources.formulas import escape
from backoffice.resources.references import ReferencesWidget, ReferenceWidget
from backoffice.resources.registry import resources
from backoffice.resources.related import RelatedColumn
from backoffice.resources.widgets import widget_of


@dataclass(frozen=True)
class Repair:
    """A correction that staff can choose for an import: `function`, on the text of `field`."""

    field: str
    function: Callable[[str], str]
    label: StrOrPromise


class ResourceMetaclass(ModelDeclarativeMetaclass):
    """Registers a Resource for its model, and gives declared fields the widget they lack."""

    def __new__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> Any:
        declared: Any = super().__new__(cls, name, bases, attrs)
        if model := declared._meta.model:
            by_name = {f.name: f for f in (*model._meta.fields, *model._meta.many_to_many)}
            for field in declared.fields.values():
                if type(field.widget) is Widget and field.attribute in by_name:
                    field.widget = declared.widget_from_django_field(by_name[field.attribute])()
            resources.add(declared)
        return declared


class Resource(ModelResource, metaclass=ResourceMetaclass):
    #: Repairs that an import offers; off by default: `{"zip_zeros": Repair(…)}`.
    repairs: dict[str, Repair] = {}
    #: Texts that say nothing, and are read as blank: `("N/A", "-1")`.
    nothing: tuple[str, ...] = ()
    #: Header spellings other systems use, by field: `{"name": ("LIBNAME",)}`.
    synonyms: dict[str, tuple[str, ...]] = {}
    #: What a template to fill in has as an example, by field; else one for its kind.
    examples: dict[str, str] = {}
    #: Columns that exports offer beside the fields, of related records; no import reads them:
    #: `{"librarian": RelatedColumn("librarian__name", _("librarian"))}`.
    related: dict[str, RelatedColumn] = {}
    #: The records that references are written of, and are looked for among.
    reach = EVERYTHING

    class Meta:
        # django-import-export then gives the widget an object, not a primary key.
        use_natural_foreign_keys = True

    @classmethod
    def widget_from_django_field(cls, f: Any, default: type[Widget] = Widget) -> Any:
        """A callable that makes the widget of a model's field (see `widgets`)."""
        if f.many_to_many:
            return functools.partial(ReferencesWidget, model=f.related_model)
        if f.is_relation:
            return functools.partial(ReferenceWidget, model=f.related_model)
        return functools.partial(copy, widget_of(f) or default())

    @classmethod
    def widget_kwargs_for_field(cls, field_name: str, django_field: Any) -> dict[str, Any]:
        return {}  # our widgets take none; a check says so of `Meta.widgets`

    @classmethod
    def field_from_django_field(
        cls, field_name: str, django_field: Any, readonly: bool
    ) -> Field:
        """A blank cell means what a blank form input means: NULL or "", else the default."""
        readonly = readonly or isinstance(django_field, GeneratedField)
        field = super().field_from_django_field(field_name, django_field, readonly)
        if django_field.null or (django_field.blank and django_field.empty_strings_allowed):
            field.default = NOT_PROVIDED
        if isinstance(django_field, JSONField):
            field.empty_values = [None]  # "" is a value
        return field

    @classmethod
    def spellings(cls) -> dict[str, tuple[str, ...]]:
        """The headers of each field: its name, its column name, its label, its synonyms.

        Its label in the other languages of the site too: a file is read alike by all, whoever
        has it checked, and whoever has it written.
        """
        found = {
            name: dict.fromkeys(
                (
                    name,
                    field.column_name,
                    *cls._labels_in(settings.LANGUAGE_CODE, name),
                    *cls.synonyms.get(name, ()),
                    *(label for code in offered() for label in cls._labels_in(code, name)),
                )
            )
            for name, field in cls.fields.items()
            if not field.readonly
        }
        return {name: tuple(headers) for name, headers in found.items()}

    @classmethod
    def _labels_in(cls, language: str, name: str) -> list[str]:
        with translation.override(language):
            return cls.labels_of(name)

    @classmethod
    def labels_of(cls, name: str) -> list[str]:
        """The verbose name of the model's field in a list; empty if there is no such field."""
        fields = {f.name: f for f in cls._meta.model._meta.get_fields()}
        return [str(fields[name].verbose_name)] if name in fields else []

    @classmethod
    def titles(cls) -> dict[str, str]:
        """What the form calls each column, by its name."""
        opts = cls._meta.model._meta
        fields = {field.name: field for field in (*opts.fields, *opts.many_to_many)}
        return {
            name: str(capfirst(fields[field.attribute].verbose_name))
            if field.attribute in fields
            else field.column_name
            for name, field in cls().fields.items()
        }

    def get_queryset(self) -> QuerySet[Any]:
        """Upstream takes `objects`, which a model need not have."""
        rows: QuerySet[Any] = self._meta.model._default_manager.all()
        return rows

    def within(self, reach: Reach) -> Self:
        """The Resource itself, for those who may see no more than `reach` has."""
        self.reach = reach
        for field in self.fields.values():
            if isinstance(field.widget, ReferenceWidget | ReferencesWidget):
                field.widget.limit(reach)
        return self

    # Export -------------------------------------------------------------------------

    @classmethod
    def column_name(cls, name: str) -> str:
        """The header of a field's column, or of a related one."""
        return name if name in cls.related else str(cls.fields[name].column_name)

    def fetch_related(self, queryset: Any) -> Any:
        """`queryset` with the related rows that the columns read prefetched."""
        for field in self.fields.values():
            if isinstance(field.widget, ReferenceWidget | ReferencesWidget) and (
                self.reach.is_limited
            ):
                rows = self.reach.records(field.widget.model)
                if related := field.widget.key.select_related():
                    rows = rows.select_related(*related)
                queryset = queryset.prefetch_related(Prefetch(field.attribute, rows))
            elif isinstance(field.widget, ReferencesWidget):
                queryset = queryset.prefetch_related(field.attribute)
            elif isinstance(field.widget, ReferenceWidget):
                queryset = queryset.select_related(
                    *field.widget.key.select_related(field.attribute)
                )
        return queryset

    def export_field(self, field: Field, instance: Any, **kwargs: Any) -> Any:
        return escape(super().export_field(field, instance, **kwargs))
