"""A row of any model of this app, with what it must have."""

import datetime
import uuid
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

from django.db import models

from tests.everything import models as everything

Row = TypeVar("Row", bound=models.Model)
_numbers = count(1)


def number() -> int:
    return next(_numbers)


def code() -> str:
    return f"R{number()}"


#: What a row needs beside its code, by model: `{field: maker of a value}`.
NEEDS: dict[type[models.Model], dict[str, Callable[[], Any]]] = {
    everything.NumberKey: {"code": number},
    everything.OneToOneKey: {"text": lambda: make_row(everything.TextKey)},
    everything.Required: {
        "char": lambda: "needed",
        "integer": lambda: 1,
        "decimal": lambda: 1,
        "date": lambda: datetime.date(2026, 1, 2),
        "moment": lambda: datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        "uuid": lambda: uuid.UUID(int=1),
        "json": lambda: {"a": 1},
    },
    everything.Unique: {"char": code},
    everything.Membership: {
        "linked": lambda: make_row(everything.Linked),
        "group": lambda: make_row(everything.Group),
    },
    everything.Scored: {
        "linked": lambda: make_row(everything.Linked),
        "group": lambda: make_row(everything.Group),
        "score": lambda: 5,
    },
}


def make_row(model: type[Row], **fields: Any) -> Row:
    """A saved row; values of many-to-many fields are set as well."""
    needs = dict(NEEDS.get(model, {}))
    if any(field.name == "code" for field in model._meta.concrete_fields):
        needs.setdefault("code", code)
    links = {f.name: fields.pop(f.name) for f in model._meta.many_to_many if f.name in fields}
    made = {name: make() for name, make in needs.items() if name not in fields}
    row: Row = model._base_manager.create(**made | fields)
    for name, rows in links.items():
        getattr(row, name).set(rows)
    return row
