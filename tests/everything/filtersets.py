"""A FilterSet for each model: every field that its Resource has."""

from django.db import models

from backoffice.filters.filterset import FilterSet
from tests.everything.resources import RESOURCES, columns_of

#: What no FilterSet has: a system check refuses it there.
REFUSED = (models.JSONField,)


def filterset_of(model: type[models.Model]) -> type[FilterSet]:
    opts = model._meta
    names = [
        name for name in columns_of(model) if not isinstance(opts.get_field(name), REFUSED)
    ]
    meta = type("Meta", (), {"model": model, "fields": names})
    return type(f"{model.__name__}FilterSet", (FilterSet,), {"Meta": meta})


FILTERSETS = {model: filterset_of(model) for model in RESOURCES}
