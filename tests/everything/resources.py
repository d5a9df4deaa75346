"""A Resource for each model: every field that a form has, matched by `code`."""

from django.db import models

from backoffice.resources.resource import Resource
from tests.everything import models as everything

#: What no Resource has, and the check that would refuse it there.
REFUSED: dict[tuple[type[models.Model], str], str] = {
    (everything.Linked, "scored"): "backoffice.E019",
    (everything.Others, "binary"): "backoffice.E016",
    (everything.Others, "file"): "backoffice.E016",
    (everything.Tag, "content_type"): "backoffice.E017",
    (everything.PartlyKept, "secret"): "backoffice.E033",
    (everything.PartlyKept, "plain"): "backoffice.E033",
}
#: Models that no Resource is declared for, and the check that would refuse it.
REFUSED_MODELS: dict[type[models.Model], str] = {
    everything.Bistro: "backoffice.E018",
    everything.Cafe: "backoffice.E018",
    everything.Restaurant: "backoffice.E018",
}
#: Where `code` is not the match key.
KEYS: dict[type[models.Model], tuple[str, ...]] = {
    everything.OneToOneKey: ("text",),
    everything.Membership: ("linked", "group"),
    everything.Scored: ("linked", "group"),
}


def models_of_the_app() -> list[type[models.Model]]:
    """In the order of their names."""
    return [getattr(everything, name) for name in everything.__all__]


def columns_of(model: type[models.Model]) -> tuple[str, ...]:
    """The names of the fields that a form of the model has, its links last."""
    opts = model._meta
    names = [
        field.name
        for field in [*opts.concrete_fields, *opts.many_to_many]
        if field.editable
        and not (field.primary_key and field.auto_created)
        and not isinstance(field, models.AutoField)
        and not getattr(field.remote_field, "parent_link", False)
        and (model, field.name) not in REFUSED
    ]
    return tuple(names)


def resource_of(model: type[models.Model]) -> type[Resource]:
    meta = {
        "model": model,
        "fields": columns_of(model),
        "import_id_fields": KEYS.get(model, ("code",)),
    }
    name = f"{model.__name__}Resource"
    body = {"Meta": type("Meta", (), meta), "__module__": __name__}
    return type(name, (Resource,), body)


RESOURCES = {
    model: resource_of(model) for model in models_of_the_app() if model not in REFUSED_MODELS
}
# A Resource is found by its dotted path as well.
globals().update({resource.__name__: resource for resource in RESOURCES.values()})
