"""The matrix is complete: nothing that Django has is left out."""

import inspect
from collections.abc import Iterator
from typing import Any

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.db import models
from django.db.models import Deferrable
from django.db.models.fields import related

from tests.everything import models as m
from tests.everything.cases import CASES
from tests.everything.resources import REFUSED, RESOURCES, columns_of, models_of_the_app

#: Fields that no model of the app has, each for a reason.
ELSEWHERE = {
    models.Field,  # the base of all
    related.RelatedField,
    models.ForeignObject,  # is no column: a ForeignKey is its use
    models.CommaSeparatedIntegerField,  # gone: Django's own check refuses these three
    models.IPAddressField,
    models.NullBooleanField,
    models.OrderWrt,  # tests/everything/test_refusals.py has the others
    models.CompositePrimaryKey,
    models.ImageField,
}


def exported() -> Iterator[type[models.Field[Any, Any]]]:
    for module in (models, related):
        for _name, each in inspect.getmembers(module, inspect.isclass):
            if issubclass(each, models.Field):
                yield each


def fields() -> Iterator[Any]:
    for model in models_of_the_app():
        yield from model._meta.local_fields
        yield from model._meta.local_many_to_many


def test_every_field_of_django_is_there() -> None:
    assert set(exported()) - ELSEWHERE == {
        type(field) for field in fields() if type(field).__module__.startswith("django.")
    }


def test_every_field_of_a_resource_has_cases() -> None:
    keys = {
        (model, name) for model in RESOURCES for name in RESOURCES[model]._meta.import_id_fields
    }
    columns = {(model, name) for model in RESOURCES for name in columns_of(model)}
    found = {(case.model, case.name) for case in CASES}
    # The rules of one module have tests of their own, and an owner is for inlines.
    columns = {
        (model, name)
        for model, name in columns
        if name != "owner" and not model.__module__.endswith("constraints")
    }
    assert columns - keys <= found
    assert not found & set(REFUSED)


def test_every_case_has_awkward_values() -> None:
    """Two at least, for a form; and something that is refused."""
    for case in CASES:
        assert len(case.good) >= 2, case
        assert case.bad or case.name == "whole", case


def test_every_relation_is_there() -> None:
    relations = [field for field in fields() if field.is_relation]
    on_delete = {field.remote_field.on_delete for field in relations if not field.many_to_many}
    rules = {
        *(models.CASCADE, models.PROTECT, models.RESTRICT, models.SET_NULL),
        *(models.SET_DEFAULT, models.DO_NOTHING),
    }
    assert rules <= on_delete
    assert any("lost" in repr(rule.deconstruct()) for rule in on_delete - rules)
    links = [field for field in relations if field.many_to_many]
    kinds = {
        (
            field.related_model is field.model,
            field.remote_field.symmetrical,
            bool(field.remote_field.through._meta.auto_created),
        )
        for field in links
    }
    assert kinds == {
        (True, True, True),  # to itself
        (True, False, True),  # and in one direction
        (False, False, True),
        (False, False, False),  # through a model
    }
    targets = {type(field.target_field) for field in relations if not field.many_to_many}
    assert {
        *(models.BigAutoField, models.AutoField, models.UUIDField, models.CharField),
        models.IntegerField,
    } <= targets
    assert any(field.remote_field.limit_choices_to for field in relations)
    assert any(not field.target_field.primary_key for field in relations if field.many_to_one)
    private = {
        type(each) for model in models_of_the_app() for each in model._meta.private_fields
    }
    assert {GenericForeignKey, GenericRelation} <= private


def test_every_constraint_is_there() -> None:
    constraints = [each for model in models_of_the_app() for each in model._meta.constraints]
    unique: list[Any] = [c for c in constraints if isinstance(c, models.UniqueConstraint)]
    assert any(isinstance(each, models.CheckConstraint) for each in constraints)
    assert any(len(each.fields) > 1 for each in unique)
    assert any(each.condition for each in unique)
    assert any(each.expressions for each in unique)
    assert any(each.nulls_distinct is False for each in unique)
    assert any(each.deferrable is Deferrable.DEFERRED for each in unique)
    assert any(each.include for each in unique)
    assert any(model._meta.unique_together for model in models_of_the_app())
    assert any(field.unique and field.null for field in fields())


def test_every_way_to_be_a_model_is_there() -> None:
    opts = [model._meta for model in models_of_the_app()]
    assert any(each.proxy for each in opts)
    assert any(each.parents and not each.proxy for each in opts)
    assert any(each.ordering for each in opts)
    assert any(each.default_manager_name for each in opts)
    assert any(not hasattr(each, "simple_history_manager_attribute") for each in opts)
    assert {"clean"} <= set(vars(m.Refusing)) & set(vars(m.Warden))
