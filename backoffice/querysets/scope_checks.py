"""The system check of what models declare as their `scope`."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import Error
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP

from backoffice.querysets.ordering import leads_index
from backoffice.querysets.relations import ManyToMany
from backoffice.querysets.scopes import DECLARATION, SELF, scoped_model

BACKEND = "backoffice.querysets.refusals.RefusalBackend"
DEEPEST = 10  # models that a path passes


def check_scopes(app_configs: Any = None, **kwargs: Any) -> list[Error]:
    declared = [model for model in apps.get_models() if hasattr(model, DECLARATION)]
    errors = [
        Error(
            f"`{DECLARATION}` of {model._meta.label} {problem}.",
            hint='As in `scope = "library"`: a path of foreign keys and many-to-many fields to'
            ' the model whose scope is "self", or None for what everybody sees.',
            obj=model,
            id="backoffice.E070",
        )
        for model in declared
        if (problem := _problem(model, getattr(model, DECLARATION)))
    ]
    if errors:
        return errors
    for model in declared:
        errors += _unindexed(model)
    root = scoped_model()
    if root is None:
        return errors
    for model in declared:
        if getattr(model, DECLARATION) == SELF and not issubclass(model, root):
            errors.append(
                Error(
                    f"Users can be limited to rows of one model; {root._meta.label} and"
                    f' {model._meta.label} both say `scope = "self"`.',
                    hint="Give one of them a path to the other, or None.",
                    obj=model,
                    id="backoffice.E072",
                )
            )
    if BACKEND not in settings.AUTHENTICATION_BACKENDS[:1]:
        errors.append(
            Error(
                "What belongs to no row that a user is limited to is not refused to them.",
                hint=f"Put “{BACKEND}” before the others in AUTHENTICATION_BACKENDS.",
                id="backoffice.E074",
            )
        )
    return errors


def _problem(model: type[Model], declared: Any) -> str:
    if declared is None or declared == SELF:
        return ""
    if not isinstance(declared, str) or not declared:
        return "is no path"
    passed = 0
    while declared != SELF:
        first, _separator, rest = declared.partition(LOOKUP_SEP)
        try:
            field: Any = model._meta.get_field(first)
        except FieldDoesNotExist:
            return f"refers to {first!r}, which is no field of {model._meta.label}"
        if not field.is_relation or not field.concrete or not field.related_model:
            return f"refers to {first!r}, which is no foreign key and no many-to-many"
        model, passed = field.related_model, passed + 1
        declared = rest or getattr(model, DECLARATION, None)
        if not isinstance(declared, str) or passed > DEEPEST:
            return f"ends at {model._meta.label}, which is no model that users are limited to"
    return ""


def _unindexed(model: type[Model]) -> Iterator[Error]:
    """An error if the path passes over a column by which the database can't find rows."""
    path = getattr(model, DECLARATION)
    if path in (None, SELF):
        return
    field: Any = model._meta.get_field(path.partition(LOOKUP_SEP)[0])
    fields = [field]
    if field.many_to_many:
        relation = ManyToMany.of(field)
        ends = (relation.source, relation.target)
        fields = [relation.through._meta.get_field(name) for name in ends]
    for each in fields:
        if not leads_index(each):
            yield Error(
                f"`{DECLARATION}` of {model._meta.label} goes by {each}, but no index begins"
                " with it: each list would read all rows.",
                hint="Give the field an index.",
                obj=model,
                id="backoffice.E071",
            )
