"""What the cells of the matrix share: rows, files, and what is in the database."""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import models

from backoffice.resources.formulas import escape
from tests.everything import models as m
from tests.everything.cases import CASES, REJECTED, Case
from tests.everything.factories import make_row
from tests.everything.resources import KEYS
from tests.factories import make_user

Cells = dict[str, str]


# Rows -----------------------------------------------------------------------------------


def key_cells(model: type[models.Model], number: int) -> Cells:
    """The cells of the match key of row `number`; what they refer to is made."""
    if model is m.NumberKey:
        return {"code": str(number)}
    if model is m.OneToOneKey:
        m.TextKey.objects.get_or_create(code=f"R{number}")
        return {"text": f"R{number}"}
    if KEYS.get(model) == ("linked", "group"):
        m.Linked.objects.get_or_create(code=f"R{number}")
        m.Group.objects.get_or_create(code="G")
        return {"linked": f"R{number}", "group": "G"}
    return {"code": f"R{number}"}


def key_values(model: type[models.Model], number: int) -> dict[str, Any]:
    """Row `number`'s match key, as `make_row` and `filter` take it."""
    cells = key_cells(model, number)
    return {
        name: model._meta.get_field(name).related_model._base_manager.get(code=cell)  # type: ignore[union-attr]
        if model._meta.get_field(name).is_relation
        else cell
        for name, cell in cells.items()
    }


def needed_cells(case: Case, number: int) -> Cells:
    """Cells of the other fields that row `number` must have, if it is new."""
    return {
        other.name: f"U{number}" if other.field.unique else next(iter(other.good))
        for other in CASES
        if other.model is case.model
        and other is not case
        and other.blank is REJECTED
        and not other.field.has_db_default()
    }


def make_targets(case: Case) -> None:
    """The rows that a relation's good values lead to."""
    if not case.field.is_relation:
        return
    related = case.field.related_model
    for code in {code for value in case.good.values() for code in as_list(value)}:
        if related is User:
            User.objects.filter(username=code).exists() or make_user(username=code)
        elif not related._base_manager.filter(code=code).exists():
            make_row(related, code=int(code) if related is m.NumberKey else code)
    if case.name == "limited":
        related.objects.update(name="open")
        make_row(related, code="T3", name="closed")


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def to_store(case: Case, value: Any) -> Any:
    """A value of `case.good` as `make_row` takes it."""
    if not case.field.is_relation or value is None:
        return value
    related = case.field.related_model
    key = "username" if related is User else "code"
    found = list(related._base_manager.filter(**{f"{key}__in": as_list(value)}))
    return found if isinstance(value, list) else found[0]


def stored(case: Case, number: int) -> Any:
    """What row `number` has in the database: of relations, the codes."""
    row = case.model._base_manager.get(**key_values(case.model, number))
    return shown(case, row)


def shown(case: Case, row: Any) -> Any:
    value = getattr(row, case.name)
    if case.field.many_to_many:
        return sorted(map(str, value.all()))
    return str(value) if case.field.is_relation and value is not None else value


def assert_same(found: Any, expected: Any) -> None:
    """Of one type as well: 0 is not False, nor 1.0 a Decimal."""
    if expected is ...:
        assert found is not None
        return
    if isinstance(expected, list) and expected and isinstance(expected[0], str):
        expected = sorted(expected)
    assert (type(found), found) == (type(expected), expected)


# Files ----------------------------------------------------------------------------------


def write_file(path: Path, rows: Iterable[Cells]) -> Path:
    rows = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: escape(cell) for name, cell in row.items()} for row in rows)
    return path


def label(model: type[models.Model]) -> str:
    return str(model._meta.label)


def import_file(model: type[models.Model], path: Path, **options: Any) -> dict[str, Any]:
    """The object of `--json`; good rows are written where others are rejected."""
    out = io.StringIO()
    if path.suffix == ".csv":
        options = {"delimiter": ",", "encoding": "utf-8"} | options
    options = {"format": path.suffix[1:], "on_error": "skip", "json": True} | options
    call_command("import", label(model), str(path), stdout=out, **options)
    outcome: dict[str, Any] = json.loads(out.getvalue())
    return outcome


def counts(outcome: dict[str, Any]) -> dict[str, int]:
    return {name: outcome[name] for name in ("new", "updated", "unchanged", "rejected")}


def take_back(number: int) -> dict[str, Any]:
    """Undo a change; what was left alone is in `left`."""
    out = io.StringIO()
    call_command("undo_import", str(number), json=True, stdout=out)
    outcome: dict[str, Any] = json.loads(out.getvalue())
    return outcome
