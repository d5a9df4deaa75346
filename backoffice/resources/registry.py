"""Which Resource and which FilterSet was declared for a model.

A class is known as soon as it is declared: no ModelAdmin and no AdminSite has to name it.
`BackofficeConfig.ready` imports the modules `resources` and `filtersets` of every app.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db.models import CharField, Model, TextField
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from backoffice.resources.resource import Resource

T = TypeVar("T")


class Registry(Generic[T]):
    """Classes with a `_meta.model`, in the order in which they were declared."""

    def __init__(self) -> None:
        self._declared: WeakKeyDictionary[type[T], None] = WeakKeyDictionary()

    def add(self, declared: type[T]) -> None:
        self._declared[declared] = None

    def all(self) -> list[type[T]]:
        """Those that name a model; a base class for others names none."""
        return [each for each in list(self._declared) if _model(each) is not None]

    def declared_for(self, model: type[Model]) -> list[type[T]]:
        return [each for each in self.all() if _model(each) is model]


def _model(declared: type[Any]) -> type[Model] | None:
    model: type[Model] | None = declared._meta.model
    return model


resources: Registry[Resource] = Registry()


def resource_class_for(model: type[Model]) -> type[Resource]:
    """The Resource that was declared first for a model; a proxy has its model's as well.

    Raises ImproperlyConfigured where there is none.
    """
    concrete = model._meta.concrete_model or model
    for declared in (*resources.declared_for(model), *resources.declared_for(concrete)):
        return declared
    raise ImproperlyConfigured(
        f"{model._meta.label} has no Resource: declare one in the app's resources.py."
    )


def resource_class_named(name: str) -> type[Resource]:
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
        found = import_string(name)
    except ImportError:
        found = None
    declared = resources.all()
    if found not in declared:
        models = sorted({each._meta.model._meta.label for each in declared})
        raise LookupError(
            _("“%(name)s” is neither a model nor a Resource. Models: %(models)s.")
            % {"name": name, "models": ", ".join(models)}
        )
    resource_class: type[Resource] = found
    return resource_class


def match_key(model: type[Model]) -> tuple[str, ...]:
    """The fields that tell the records of a model apart for people, label first.

    They are the match key of its Resource; without one, the user model's USERNAME_FIELD or
    the only unique text field. Raises ImproperlyConfigured where there is nothing of these.
    """
    try:
        return tuple(resource_class_for(model)._meta.import_id_fields)
    except ImproperlyConfigured:
        if username := getattr(model, "USERNAME_FIELD", None):
            return (username,)
        texts = [
            field.name
            for field in model._meta.concrete_fields
            if field.unique and isinstance(field, CharField | TextField)
        ]
        if len(texts) == 1:
            return (texts[0],)
        raise


def match_key_if_any(model: type[Model]) -> tuple[str, ...]:
    """As `match_key`; () where there is nothing of these."""
    try:
        return match_key(model)
    except ImproperlyConfigured:
        return ()
