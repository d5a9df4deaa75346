"""What is not in the matrix: refused by a system check, with model, field and remedy."""

from typing import Any

import pytest
from django.core.checks import Error
from django.db import models
from django.test.utils import isolate_apps

from backoffice.filters.checks import filterset_errors
from backoffice.filters.filterset import FilterSet, filtersets
from backoffice.resources.checks import check_resources, resource_errors
from backoffice.resources.registry import resources
from backoffice.resources.resource import Resource
from tests.everything import models as m
from tests.everything.models.base import Coded
from tests.everything.resources import (
    KEYS,
    REFUSED,
    REFUSED_MODELS,
    columns_of,
    models_of_the_app,
)


def errors_of(model: type[models.Model], *names: str) -> list[Any]:
    """Of a Resource with these fields."""
    key = KEYS.get(model, ("code",))
    meta = {"model": model, "fields": (*key, *names), "import_id_fields": key}
    name = f"{model.__name__}Resource"
    resource_class = type(name, (Resource,), {"Meta": type("Meta", (), meta)})
    errors = resource_errors(resource_class)
    resources._declared.pop(resource_class)  # no other test is to find it
    return errors


def assert_refused(errors: list[Any], number: str, *names: str) -> None:
    assert [error.id for error in errors] == [number]
    (error,) = errors
    assert isinstance(error, Error)
    assert error.hint
    assert all(name in error.msg for name in names)


def test_the_app_is_clean() -> None:
    assert check_resources() == []


@pytest.mark.parametrize(
    ("model", "name"), REFUSED, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_field_is_refused(model: type[models.Model], name: str) -> None:
    assert_refused(errors_of(model, name), REFUSED[model, name], model.__name__, name)


@pytest.mark.parametrize("model", REFUSED_MODELS)
def test_a_model_is_refused(model: type[models.Model]) -> None:
    assert_refused(errors_of(model), REFUSED_MODELS[model], model.__name__)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (model, field.name)
        for model in models_of_the_app()
        for field in model._meta.concrete_fields
        if isinstance(field, models.JSONField) and field.name in columns_of(model)
    ],
)
def test_a_filter_of_json_is_refused(model: type[models.Model], name: str) -> None:
    meta = type("Meta", (), {"model": model, "fields": [name]})
    filterset_class = type("Refused", (FilterSet,), {"Meta": meta})
    filtersets._declared.pop(filterset_class)
    errors = filterset_errors(filterset_class)
    assert_refused(errors, "backoffice.E040", name)


@isolate_apps("tests.everything")
def test_a_composite_key_is_refused() -> None:
    class Pair(models.Model):
        code = models.CharField(max_length=9)
        other = models.IntegerField()
        pk = models.CompositePrimaryKey("code", "other")

        class Meta:
            app_label = "everything"

        def __str__(self) -> str:
            return self.code

    assert_refused(errors_of(Pair), "backoffice.E018", "Pair")


@isolate_apps("tests.everything")
def test_an_image_is_refused() -> None:
    class Pictured(Coded):
        image = models.ImageField()

        class Meta:
            app_label = "everything"

    assert_refused(errors_of(Pictured, "image"), "backoffice.E016", "image", "ImageField")


@isolate_apps("tests.everything")
def test_a_constraint_of_another_kind_is_refused() -> None:
    class Odd(models.BaseConstraint):
        def constraint_sql(self, model: Any, schema_editor: Any) -> None: ...

    class Ruled(Coded):
        class Meta:
            app_label = "everything"
            constraints = [Odd(name="odd")]

    assert_refused(errors_of(Ruled), "backoffice.E018", "Ruled", "odd")


@isolate_apps("tests.everything")
def test_an_order_with_respect_to_another_row_is_refused() -> None:
    class Chapter(Coded):
        of = models.ForeignKey(m.Texts, models.CASCADE, related_name="+")

        class Meta:
            app_label = "everything"
            order_with_respect_to = "of"

    assert_refused(errors_of(Chapter, "of"), "backoffice.E018", "Chapter")
