"""Every value of every field comes back from a file as it went: beside itself, and anew."""

import datetime
import uuid
import zoneinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import models

from backoffice.exports.export import Export
from backoffice.exports.formats import FORMATS, Format
from backoffice.imports.engine import Import
from backoffice.readers.source import open_source
from backoffice.tables.texts import is_line, same
from tests.backoffice.imports.running import counted, run
from tests.everything.factories import make_row
from tests.everything.models import Chosen, Moments, Numbers, Others, Required, Texts
from tests.everything.resources import RESOURCES, columns_of

pytestmark = pytest.mark.django_db

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
TEXTS = [
    "",
    "''",
    "'''",
    "'",
    "two\r\nlines\rand\none",
    " edges ",
    "'=1+1",
    "-1",
    "null",
    "007",
]
MOMENTS = [
    datetime.datetime(2026, 12, 31, 23, 30, 15, 123456, datetime.UTC),
    *(datetime.datetime(2026, 11, 1, 1, 30, fold=fold, tzinfo=NEW_YORK) for fold in (0, 1)),
    datetime.datetime(26, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
    datetime.datetime(1850, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
]
VALUES: dict[type[models.Model], dict[str, list[Any]]] = {
    Texts: {
        "char": TEXTS,
        "char_or_null": [None, *TEXTS],
        "text": [*TEXTS, "\ttab\n", "\r\n"],
        "url": ["https://example.org/?a=b"],
    },
    Numbers: {
        "integer": [0, -1, 2**31 - 1],
        "big": [2**63 - 1, -(2**63)],
        "float": [0.0, -1.5, 1e300, 5e-324, 0.1],
        "decimal": [Decimal("1.500"), Decimal("-0.001"), Decimal("999999999.999")],
        "whole": [Decimal(10) ** 14, Decimal(-1)],
        "boolean": [True, False],
        "boolean_or_null": [True, False, None],
    },
    Moments: {
        "date": [datetime.date(26, 1, 2), datetime.date(9999, 12, 31)],
        "time": [datetime.time(0), datetime.time(23, 59, 59, 999999), datetime.time(9, 30)],
        "moment": MOMENTS,
        "duration": [
            datetime.timedelta(0),
            datetime.timedelta(days=-1, microseconds=1),
            datetime.timedelta(days=99999, hours=3),
        ],
    },
    Others: {
        "uuid": [uuid.UUID(int=7)],
        "json": ["", "text", 0, False, [], {}, {"a": [1, None, "é\n"]}, "''", "-1", 1.5],
        "address": ["::1", "10.0.0.1", "2001:db8::ff00:42:8329"],
    },
    Chosen: {"colour": ["r", "b"], "colour_or_null": [None, "b"], "size": [None, 0, 20]},
    Required: {"char": ["x", "'=1"], "json": [{"a": 1}, 0, "x"], "moment": MOMENTS},
}  # fmt: skip


def export(model: type[models.Model], file_format: Format, path: Path) -> Path:
    path = path / f"exported.{file_format.name}"
    with path.open("wb") as file:
        queryset = model._base_manager.all()
        file.writelines(Export(RESOURCES[model](), queryset, file_format).blocks())
    return path


def rows_of(model: type[models.Model]) -> list[tuple[Any, ...]]:
    return list(model._base_manager.order_by("code").values_list(*columns_of(model)))


def as_new(model: type[models.Model], row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The row as a new record has it: single lines are stored clean."""
    fields = map(model._meta.get_field, columns_of(model))
    return tuple(
        same(value) if is_line(field) and value else value
        for field, value in zip(fields, row, strict=True)
    )


def values_of(row: models.Model) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in columns_of(type(row)))


def make_rows(model: type[models.Model]) -> None:
    values = VALUES[model]
    make_row(model)
    for number in range(max(map(len, values.values()))):
        make_row(model, **{name: each[number % len(each)] for name, each in values.items()})


@pytest.mark.parametrize("file_format", FORMATS, ids=lambda each: each.name)
@pytest.mark.parametrize("model", VALUES)
def test_values_come_back(
    tmp_path: Path, model: type[models.Model], file_format: type[Format]
) -> None:
    make_rows(model)
    before = rows_of(model)
    path = export(model, file_format(), tmp_path)
    counts, rejects = run(RESOURCES[model], path)
    assert rejects == []
    assert counted(counts) == (0, 0, len(before), 0)
    model._base_manager.all().delete()
    counts, rejects = run(RESOURCES[model], path)
    assert rejects == []
    assert counted(counts) == (len(before), 0, 0, 0)
    after = rows_of(model)
    before = [as_new(model, row) for row in before]
    assert after == before
    assert list(map(repr, after)) == list(map(repr, before))


@pytest.mark.parametrize("model", VALUES)
def test_a_preview_shows_values_as_an_export_writes_them(
    tmp_path: Path, model: type[models.Model]
) -> None:
    make_rows(model)
    path = export(model, FORMATS[0](), tmp_path)
    shown = {row.pk: row for row in model._base_manager.all()}
    model._base_manager.all().delete()
    resource = RESOURCES[model]()
    with Import(RESOURCES[model], open_source(path)) as imported:
        imported.check()
        changes = {change.new[0]: change.new for change in imported.changes()}
    assert len(changes) == len(shown)
    names = [column.name for column in imported.columns]
    for row in shown.values():
        for name, value in zip(columns_of(model), as_new(model, values_of(row)), strict=True):
            setattr(row, name, value)
        texts = tuple(str(resource.fields[name].export(row)) for name in names)
        assert changes[row.code] == texts  # type: ignore[attr-defined]
