"""System checks: what a Resource or its model asks for that imports and exports can't do right.

Each error names the Resource, what of it, and the remedy; docs/reference/errors.md lists them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps.config import AppConfig
from django.core.checks import CheckMessage, Error
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models
from django.db.models.fields import NOT_PROVIDED
from import_export import widgets as upstream
from import_export.fields import Field
from import_export.options import ResourceOptions
from import_export.resources import ModelResource

from backoffice.history.records import history_model
from backoffice.resources.references import ReferenceKey, ReferencesWidget, ReferenceWidget
from backoffice.resources.registry import resources
from backoffice.resources.related import REMEDY, wrong_columns
from backoffice.resources.resource import Resource
from backoffice.resources.widgets import widget_of

#: Methods of ModelResource that a Resource may override: they are called.
CALLED = frozenset(
    ("filter_export", "get_display_name", "get_export_order", "widget_from_django_field")
)
#: Options of `Meta` that are obeyed.
OBEYED = frozenset(
    ("model", "fields", "exclude", "import_id_fields", "export_order", "name", "abstract")
)
#: What to do instead of overriding a method; of the others the first is told.
INSTEAD = {
    "": "Imports work on many rows at once: read and check values in a widget's `clean`, the"
    " model's field or the model's `clean()`; mend text with `repairs`.",
    "get_queryset": "Which rows users see is decided by `get_queryset` of the ModelAdmin.",
    "export_field": "Give the field a `dehydrate_` method or a widget.",
    "get_export_headers": "Give the field a `column_name`.",
    "get_export_fields": "Name the fields in `Meta.fields` or `Meta.export_order`.",
    "get_import_id_fields": "Name the fields in `Meta.import_id_fields`.",
    "before_export": "Override `filter_export`.",
    "export_resource": "Give the fields `dehydrate_` methods.",
}
#: Widgets of django-import-export that take what they can't read for something else.
LENIENT = (
    upstream.BooleanWidget,
    upstream.IntegerWidget,
    upstream.DecimalWidget,
    upstream.FloatWidget,
    upstream.DurationWidget,
    upstream.SimpleArrayWidget,
    upstream.JSONWidget,
)


def check_resources(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Every Resource of the apps; registered by the AppConfig."""
    names = None if app_configs is None else {config.name for config in app_configs}
    errors: list[CheckMessage] = []
    for resource_class in resources.all():
        if names is None or resource_class._meta.model._meta.app_config.name in names:
            errors += resource_errors(resource_class)
    return errors


def resource_errors(resource_class: type[Resource]) -> list[CheckMessage]:
    """What is wrong with one Resource and with its model."""
    checks = (
        _keys_differ,
        _names,
        _match_key,
        _methods,
        _options,
        _fields,
        _model,
        _related,
        _links,
        _history,
    )
    return [error for check in checks for error in check(resource_class)]


def _error(resource_class: type[Resource], number: str, text: str, hint: str) -> Error:
    name = f"{resource_class.__module__}.{resource_class.__qualname__}"
    return Error(f"{name}: {text}", hint=hint, obj=resource_class._meta.model, id=number)


def _keys_differ(resource_class: type[Resource]) -> Iterator[Error]:
    first, *_others = resources.declared_for(resource_class._meta.model)
    key = resource_class._meta.import_id_fields
    if tuple(key) != tuple(first._meta.import_id_fields):
        yield _error(
            resource_class,
            "backoffice.E010",
            f"the match key ({', '.join(key)}) is not that of {first.__name__}, which is"
            f" another Resource of {resource_class._meta.model._meta.label}.",
            "References are written by the match key: give both the same import_id_fields.",
        )


def _names(resource_class: type[Resource]) -> Iterator[Error]:
    meta, known = resource_class._meta, set(resource_class.fields)
    given: dict[str, Any] = {
        "Meta.fields": meta.fields or (),
        "Meta.export_order": meta.export_order or (),
        "repairs": [repair.field for repair in resource_class.repairs.values()],
        "synonyms": resource_class.synonyms,
        "examples": resource_class.examples,
    }
    for where, names in given.items():
        for name in names:
            if name not in known:
                yield _error(
                    resource_class,
                    "backoffice.E011",
                    f"{where} names “{name}”, which is no field of it.",
                    f"Fields are: {', '.join(known)}.",
                )
    model_fields = {f.name for f in meta.model._meta.get_fields()}
    for name in meta.exclude or ():
        if name not in model_fields:
            yield _error(
                resource_class,
                "backoffice.E011",
                f"Meta.exclude names “{name}”, which is no field of {meta.model._meta.label}.",
                "Remove the name.",
            )
    headers = [field.column_name for field in resource_class.fields.values()]
    for header in sorted({header for header in headers if headers.count(header) > 1}):
        yield _error(
            resource_class,
            "backoffice.E011",
            f"more than one column is called “{header}”.",
            "Give each field a column_name of its own.",
        )


def _match_key(resource_class: type[Resource]) -> Iterator[Error]:
    model = resource_class._meta.model
    concrete = {f.name for f in model._meta.concrete_fields}
    for name in resource_class._meta.import_id_fields:
        field = resource_class.fields.get(name)
        if field is None or field.readonly or name not in concrete:
            yield _error(
                resource_class,
                "backoffice.E012",
                f"the match key names “{name}”, which is no column to import into"
                f" {model._meta.label}.",
                "Name in Meta.import_id_fields the fields that tell its records apart.",
            )


def _methods(resource_class: type[Resource]) -> Iterator[Error]:
    for name in dir(ModelResource):
        if name.startswith("_") or name in CALLED or name in ("fields", "Diff"):
            continue
        own = inspect.getattr_static(resource_class, name)
        if own is not inspect.getattr_static(Resource, name):
            yield _error(
                resource_class,
                "backoffice.E013",
                f"it overrides `{name}`, which is never called.",
                INSTEAD.get(name, INSTEAD[""]),
            )


def _options(resource_class: type[Resource]) -> Iterator[Error]:
    for name, value in vars(resource_class._meta).items():
        if name in OBEYED or value == getattr(Resource._meta, name, None):
            continue
        if name == "instance_loader_class" and value.__module__.startswith("import_export."):
            continue
        known = hasattr(ResourceOptions, name)
        yield _error(
            resource_class,
            "backoffice.E014",
            f"Meta.{name} = {value!r} {'has no effect here' if known else 'is no option'}.",
            "Remove it." + (" " + INSTEAD[""] if known else ""),
        )


def _fields(resource_class: type[Resource]) -> Iterator[Error]:
    by_name = {
        f.name: f
        for f in (
            *resource_class._meta.model._meta.concrete_fields,
            *resource_class._meta.model._meta.many_to_many,
        )
    }
    for name, field in resource_class.fields.items():
        model_field = by_name.get(name)
        yield from _field_options(resource_class, name, field, model_field)
        if model_field is None:
            continue
        if model_field.is_relation:
            yield from _reference(resource_class, name, field, model_field)
        elif type(field.widget) in LENIENT or (
            widget_of(model_field) is None and type(field.widget) is upstream.Widget
        ):
            yield _error(
                resource_class,
                "backoffice.E016",
                f"“{name}”, a {type(model_field).__name__}, is not read and written faithfully"
                f" by {type(field.widget).__name__}.",
                "Leave the widget out, or give the field one of its own."
                if widget_of(model_field)
                else "Leave the field out with Meta.exclude, or declare it with a widget of"
                " your own whose `clean` reads what its `render` writes.",
            )


def _field_options(
    resource_class: type[Resource],
    name: str,
    field: Field,
    model_field: models.Field[Any, Any] | None,
) -> Iterator[Error]:
    if type(field).save is not Field.save:
        yield _error(
            resource_class,
            "backoffice.E015",
            f"`save` of “{name}” is never called.",
            INSTEAD[""],
        )
    if field.m2m_add:
        yield _error(
            resource_class,
            "backoffice.E015",
            f"“{name}” has m2m_add: a cell lists all links of a record, not those to add.",
            "Remove it.",
        )
    if not field.saves_null_values:
        yield _error(
            resource_class,
            "backoffice.E015",
            f"saves_null_values=False of “{name}” has no effect.",
            "Remove it: with --blank keep a blank cell keeps what is there.",
        )
    if field.readonly:
        return
    if model_field is None or field.attribute != name:
        yield _error(
            resource_class,
            "backoffice.E015",
            f"“{name}” is no field of {resource_class._meta.model._meta.label} to import into.",
            "Call it as the model's field is called (its header is its column_name), or declare"
            " it with readonly=True.",
        )
    elif field.default is not NOT_PROVIDED and field.default != model_field.default:
        yield _error(
            resource_class,
            "backoffice.E015",
            f"the default of “{name}” is not that of the model's field.",
            "Give the model's field the default.",
        )


def _related(resource_class: type[Resource]) -> Iterator[Error]:
    for problem in wrong_columns(resource_class):
        yield _error(resource_class, "backoffice.E020", problem, REMEDY)


def _reference(
    resource_class: type[Resource],
    name: str,
    field: Field,
    model_field: models.Field[Any, Any],
) -> Iterator[Error]:
    widget_class = ReferencesWidget if model_field.many_to_many else ReferenceWidget
    if not isinstance(field.widget, widget_class) and not field.readonly:
        yield _error(
            resource_class,
            "backoffice.E016",
            f"“{name}” is a reference, and {type(field.widget).__name__} is no"
            f" {widget_class.__name__}.",
            "Leave the widget out.",
        )
    related: Any = model_field.related_model
    try:
        paths = ReferenceKey(related).paths
        for path in paths:
            _follow(related, path)
    except (ImproperlyConfigured, FieldDoesNotExist):
        problem = "has no match key"
    except RecursionError:
        problem = "has a match key that leads back to itself"
    else:
        return
    yield _error(
        resource_class,
        "backoffice.E017",
        f"“{name}” refers to {related._meta.label}, which {problem}: its records can't be"
        " written in a cell.",
        "Declare a Resource for it with import_id_fields that name fields of its own, or leave"
        " the field out with Meta.exclude.",
    )


def _follow(model: Any, path: str) -> None:
    for name in path.split("__"):
        model = model._meta.get_field(name).related_model


def _model(resource_class: type[Resource]) -> Iterator[Error]:
    model = resource_class._meta.model
    opts = model._meta
    if isinstance(opts.pk, models.CompositePrimaryKey):
        yield _error(
            resource_class,
            "backoffice.E018",
            f"{opts.label} has a composite primary key, which imports don't write.",
            "Give the model a key of one column and a UniqueConstraint of these.",
        )
    if opts.order_with_respect_to:
        yield _error(
            resource_class,
            "backoffice.E018",
            f"{opts.label} has order_with_respect_to, whose numbers imports don't write.",
            "Give the model a field of its own to order by.",
        )
    if opts.concrete_model._meta.parents:
        parents = ", ".join(parent._meta.label for parent in opts.concrete_model._meta.parents)
        yield _error(
            resource_class,
            "backoffice.E018",
            f"{opts.label} has columns in the table of {parents} as well, and imports write"
            " one table.",
            "Make the parent abstract, or refer to it with a OneToOneField.",
        )
    for constraint in opts.constraints:
        if not isinstance(constraint, models.CheckConstraint | models.UniqueConstraint):
            yield _error(
                resource_class,
                "backoffice.E018",
                f"“{constraint.name}” of {opts.label} is a {type(constraint).__name__}, which"
                " imports don't check.",
                "Take a UniqueConstraint or a CheckConstraint, or declare no Resource.",
            )


def _links(resource_class: type[Resource]) -> Iterator[Error]:
    for field in resource_class._meta.model._meta.many_to_many:
        if (
            field.name not in resource_class.fields
            or resource_class.fields[field.name].readonly
        ):
            continue
        through: Any = field.remote_field.through
        ends = {field.m2m_field_name(), field.m2m_reverse_field_name()}
        for other in through._meta.concrete_fields:
            if other.name not in ends and not _fills_itself(other):
                yield _error(
                    resource_class,
                    "backoffice.E019",
                    f"“{field.name}” goes through {through._meta.label}, whose"
                    f" “{other.name}” a cell can't give.",
                    "Give that field a default, or leave the many-to-many out with Meta.exclude"
                    f" and declare a Resource for {through._meta.label}.",
                )


def _history(resource_class: type[Resource]) -> Iterator[Error]:
    """What an import writes and no history keeps, an undo could not bring back."""
    opts = resource_class._meta.model._meta
    history = history_model(resource_class._meta.model)
    if history is None:  # nothing is undone, which an undo says
        return
    kept = {field.name for field in (*history.tracked_fields, *history._history_m2m_fields)}
    for field in (*opts.concrete_fields, *opts.many_to_many):
        column = resource_class.fields.get(field.name)
        if column is None or column.readonly or field.name in kept:
            continue
        where = "put it into m2m_fields" if field.many_to_many else "keep it in the history"
        yield _error(
            resource_class,
            "backoffice.E033",
            f"the history of {opts.label} leaves out “{field.name}”: no undo brings it back.",
            f"In the model's HistoricalRecords {where}, or leave it out with Meta.exclude.",
        )


def _fills_itself(field: Any) -> bool:
    return bool(
        isinstance(field, models.AutoField | models.GeneratedField)
        or field.null
        or field.has_default()
        or field.has_db_default()
        or getattr(field, "auto_now", False)
        or getattr(field, "auto_now_add", False)
        or (field.blank and field.empty_strings_allowed)
    )
