"""The Resource that `library/resources.py` declares on: columns, keys and header spellings.

It is django-import-export's ModelResource, so its fields, widgets and Meta mean what its
documentation says. `import_id_fields` is the match key. References to other records are
written as people write them (see `references`), never as primary keys.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from import_export.resources import ModelResource

from backoffice.resources.formulas import escape
from backoffice.resources.references import ReferencesWidget, ReferenceWidget


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


def resource_class_for(model):
    """The Resource that the model's ModelAdmin declares.

    Raises ImproperlyConfigured where there is none.
    """
    model_admin = admin.site._registry.get(model)
    classes = getattr(model_admin, "resource_classes", ())
    for resource_class in classes:
        if issubclass(resource_class, Resource):
            return resource_class
    raise ImproperlyConfigured(
        f"{model._meta.label} has no Resource: name one in its ModelAdmin's resource_classes."
    )


def resource_class_named(name):
    """The Resource of a model (`library.Library`) or at a dotted path.

    Raises LookupError where there is no such thing.
    """
    try:
        return resource_class_for(apps.get_model(name))
    except ImproperlyConfigured as error:
        raise LookupError(str(error)) from error
    except (LookupError, ValueError):
        pass
    try:
        resource_class = import_string(name)
    except ImportError:
        resource_class = None
    if not (isinstance(resource_class, type) and issubclass(resource_class, Resource)):
        raise LookupError(
            _("“%(name)s” is neither a model nor a Resource. Models: %(models)s.")
            % {
                "name": name,
                "models": ", ".join(
                    sorted(
                        model._meta.label
                        for model, model_admin in admin.site._registry.items()
                        if getattr(model_admin, "resource_classes", None)
                    )
                ),
            }
        )
    return resource_class
