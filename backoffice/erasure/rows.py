"""Where rows that say what was done name a person: the trail, logs, changes, sessions."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db.models import (
    CharField,
    JSONField,
    Model,
    Q,
    QuerySet,
    TextField,
    UniqueConstraint,
)
from django.db.models.functions import Cast

from backoffice.changes.decisions import Decision
from backoffice.erasure.names import MARK, Names
from backoffice.filters.models import SavedFilter
from backoffice.history.records import history_model

#: The apps whose rows say what was done. What the others' rows say is about the world: a book
#: about somebody is no record of theirs.
APPS = ("backoffice", "admin", "axes", "django_tasks_database")
#: These say nothing any more without the name.
DELETED = (SavedFilter, Decision)
CHUNK = 200


def places() -> Iterator[tuple[type[Model], list[Any]]]:
    """The models to look through, each with its fields of text."""
    for model in apps.get_models():
        if model._meta.proxy or issubclass(model, AbstractBaseSession):
            continue
        if model._meta.app_label in APPS:
            fields = [f for f in model._meta.concrete_fields if _is_text(f)]
            if fields:
                yield model, fields
        if (history := history_model(model)) and history.instance_type is model:
            yield history, [history._meta.get_field("history_change_reason")]


def _is_text(field: Any) -> bool:
    of_text = isinstance(field, CharField | TextField | JSONField)
    return of_text and not field.primary_key and not field.choices


def naming(model: type[Model], fields: list[Any], names: Names) -> Iterator[Any]:
    """The rows that name the person."""
    rows: QuerySet[Any] = QuerySet(model).order_by("pk")
    if names.words:
        texts = {f"_text_{field.name}": Cast(field.name, TextField()) for field in fields}
        rows = rows.alias(**texts).filter(
            Q.create(
                [(f"{name}__icontains", word) for name in texts for word in names.words], Q.OR
            )
        )
    for row in rows.only("pk", *(field.name for field in fields)).iterator(chunk_size=2000):
        if any(names.removed_from(v := getattr(row, f.attname)) != v for f in fields):
            yield row


def count(names: Names) -> dict[type[Model], int]:
    """How many rows of each model name the person."""
    found = {m: sum(1 for _row in naming(m, fields, names)) for m, fields in places()}
    return {model: number for model, number in found.items() if number}


def erase(names: Names) -> dict[type[Model], int]:
    """Take the name out of all rows that have it; the caller holds the transaction."""
    found = {}
    for model, fields in places():
        # Not by the model's manager: the trail's refuses it.
        every: QuerySet[Any] = QuerySet(model)
        keys = [row.pk for row in naming(model, fields, names)]
        if keys:
            found[model] = len(keys)
        for start in range(0, len(keys), CHUNK):
            chosen = every.filter(pk__in=keys[start : start + CHUNK]).order_by("pk")
            if model in DELETED:
                chosen.delete()
                continue
            # Read again, locked: all fields are written, also what others change meanwhile.
            rows = list(chosen.select_for_update())
            for row in rows:
                _clean(row, fields, names)
            every.bulk_update(rows, [field.name for field in fields])
    return found


def _clean(row: Any, fields: list[Any], names: Names) -> None:
    unique = {
        name
        for constraint in row._meta.constraints
        if isinstance(constraint, UniqueConstraint)
        for name in constraint.fields
    }
    for field in fields:
        value = getattr(row, field.attname)
        cleaned = names.removed_from(value)
        if cleaned != value and (field.unique or field.name in unique):
            cleaned = f"{MARK} {row.pk}"
        if isinstance(cleaned, str) and getattr(field, "max_length", None):
            cleaned = cleaned[: field.max_length]
        setattr(row, field.attname, cleaned)


def erase_from_sessions(names: Names) -> int:
    """Take the name out of what sessions keep, such as messages; return of how many."""
    number = 0
    for model in apps.get_models():
        if not issubclass(model, AbstractBaseSession):
            continue
        every: QuerySet[Any] = QuerySet(model)
        for row in every.order_by("pk").iterator(chunk_size=500):
            data = row.get_decoded()
            cleaned = names.removed_from(data)
            if cleaned != data:
                store = row.get_session_store_class()()
                every.filter(pk=row.pk).update(session_data=store.encode(cleaned))
                number += 1
    return number
