"""Filters read a value as an import reads a cell; what no filter does right is an error."""

from typing import Any

import django_filters
import pytest
from django.db import models
from django.http import QueryDict

from backoffice.filters.checks import check_filtersets, filterset_errors
from backoffice.filters.filterset import FilterSet
from tests.everything.factories import make_row
from tests.everything.filtersets import FILTERSETS
from tests.everything.models import Moments, Numbers, Others
from tests.everything.resources import RESOURCES

pytestmark = pytest.mark.django_db

UUID = "123e4567-e89b-42d3-a456-426614174000"
WRITTEN: list[tuple[type[models.Model], str, str, str]] = [
    (Numbers, "integer", "-1234", "-1,234"),
    (Numbers, "big", "9223372036854775807", "9,223,372,036,854,775,807"),
    (Numbers, "float", "1.5", "1.5e0"),
    (Numbers, "decimal", "1.500", "1.5"),
    (Numbers, "boolean_or_null", "yes", "yes"),
    (Moments, "date", "2026-12-31", "12/31/2026"),
    (Moments, "time", "23:30:00.000001", "23:30:00.000001"),
    (Moments, "moment", "2026-11-01T01:30:00-05:00", "2026-11-01T06:30Z"),
    (Moments, "duration", "P3DT1H", "3 01:00:00"),
    (Others, "uuid", UUID, UUID.replace("-", "").upper()),
    (Others, "address", "::ffff:10.0.0.1", "::ffff:a00:1"),
]  # fmt: skip


def bound(model: type[models.Model], parameter: str, text: str) -> FilterSet:
    data = QueryDict(mutable=True)
    data[parameter] = text
    return FILTERSETS[model](data, model._base_manager.all())


@pytest.mark.parametrize(("model", "name", "text", "other"), WRITTEN)
def test_a_filter_reads_what_an_import_reads(
    model: type[models.Model], name: str, text: str, other: str
) -> None:
    widget = RESOURCES[model].fields[name].widget
    row = make_row(model, **{name: widget.clean(text)})
    make_row(model)
    for each in (text, other):
        assert list(bound(model, name, each).qs) == [row]


@pytest.mark.parametrize(
    ("model", "name", "text"),
    [
        (Numbers, "integer", "1.5"),
        (Numbers, "integer", "9" * 30),
        (Numbers, "decimal", "NaN"),
        (Numbers, "boolean_or_null", "maybe"),
        (Moments, "date", "12/31/26"),
        (Moments, "moment", "2026-11-01 01:30"),
        (Others, "uuid", "1"),
        (Others, "address", "10.0.0"),
    ],
)
def test_what_can_t_be_a_value_is_an_error(
    model: type[models.Model], name: str, text: str
) -> None:
    filterset = bound(model, name, text)
    assert name in filterset.errors
    assert not filterset.qs.exists()


def test_the_filtersets_of_the_apps_are_right() -> None:
    assert check_filtersets() == []


def test_what_no_filter_does_right_is_refused() -> None:
    class Odd(FilterSet):
        yes = django_filters.BooleanFilter("boolean")
        number = django_filters.NumberFilter("integer")

        class Meta:
            model = Numbers
            fields = ("decimal",)

    class Json(FilterSet):
        class Meta:
            model = Others
            fields = ("json", "file", "uuid")

    found: list[Any] = [(error.id, error.msg) for error in filterset_errors(Odd)]
    assert [number for number, _text in found] == ["backoffice.E041"] * 2
    assert "“yes”" in found[0][1]
    found = [(error.id, error.msg) for error in filterset_errors(Json)]
    assert [number for number, _text in found] == ["backoffice.E040"] * 2
    assert "“json”" in found[0][1]
