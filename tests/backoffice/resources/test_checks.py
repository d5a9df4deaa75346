"""What imports and exports can't do right is refused before the server starts, by name."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.checks import run_checks
from django.db import models
from django.test.utils import isolate_apps
from import_export import fields, widgets

from backoffice.resources.checks import check_resources, resource_errors
from backoffice.resources.registry import match_key, resource_class_for
from backoffice.resources.related import RelatedColumn
from backoffice.resources.resource import Repair, Resource
from library.models import Book, Library, Patron

KEY = ("name", "zip_code")


def resource_of(model: type[models.Model], meta: Any = (), **body: Any) -> type[Resource]:
    options = {"model": model, "import_id_fields": KEY if model is Library else ("name",)}
    options |= dict(meta)
    body["Meta"] = type("Meta", (), options)
    return type("OddResource", (Resource,), body)


def errors_of(resource_class: type[Resource]) -> list[str]:
    errors = resource_errors(resource_class)
    for error in errors:
        assert resource_class.__name__ in error.msg
        assert error.hint
    return [f"{(error.id or '').removeprefix('backoffice.')} {error.msg}" for error in errors]


def test_the_resources_of_the_apps_are_right() -> None:
    assert check_resources() == []
    assert [e for e in run_checks() if (e.id or "").startswith("backoffice.E")] == []


def test_a_resource_with_nothing_odd_is_right() -> None:
    assert errors_of(resource_of(Library)) == []


class Odd(fields.Field):
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Never called."""


WRONG: list[tuple[str, type[models.Model], dict[str, Any], dict[str, Any]]] = [
    ("E010 .*zip_code", Library, {"import_id_fields": ("zip_code",)}, {}),
    ("E011 .*Meta.fields.*“nmae”", Library, {"fields": (*KEY, "nmae")}, {}),
    ("E011 .*export_order.*“x”", Library, {"export_order": ("x",)}, {}),
    ("E011 .*Meta.exclude.*“x”", Library, {"exclude": ("x",)}, {}),
    ("E011 .*synonyms.*“x”", Library, {}, {"synonyms": {"x": ("y",)}}),
    ("E011 .*repairs.*“x”", Library, {}, {"repairs": {"r": Repair("x", str.upper, "")}}),
    ("E011 .*more than one column.*“name”", Library, {},
     {"state": fields.Field("state", column_name="name")}),
    ("E020 .*“state”.*another column", Library, {},
     {"related": {"state": RelatedColumn("patron", "")}}),
    ("E020 .*“x”.*related field", Library, {}, {"related": {"x": RelatedColumn("y__z", "")}}),
    *((f"E020 .*“{name}”.*import takes", Patron, {"import_id_fields": ("name", "library")},
       {"synonyms": {"library": ("home branch",)},
        "related": {name: RelatedColumn("library__state", "")}})
      for name in ("library_name", "home_branch", "Name")),
    ("E012 .*“zip_code”", Library, {"exclude": ("zip_code",)}, {}),
    ("E012 .*“libraries”", Book, {"import_id_fields": ("libraries",)}, {}),
    ("E012 .*“name”", Library, {},
     {"name": fields.Field("name", column_name="name", readonly=True)}),
    ("E015 .*save.*“state”", Library, {}, {"state": Odd("state", column_name="state")}),
    ("E015 .*“state”.*m2m_add", Library, {}, {"state": fields.Field("state", m2m_add=True)}),
    ("E015 .*saves_null.*“state”", Library, {},
     {"state": fields.Field("state", saves_null_values=False)}),
    ("E015 .*default.*“state”", Library, {}, {"state": fields.Field("state", default="NY")}),
    ("E015 .*“street” is no field", Library, {}, {"street": fields.Field("address")}),
    ("E016 .*“library”.*ForeignKeyWidget", Patron, {"import_id_fields": ("name", "library")},
     {"library": fields.Field("library", widget=widgets.ForeignKeyWidget(Library, "name"))}),
    ("E016 .*“state”.*BooleanWidget", Library, {},
     {"state": fields.Field("state", widget=widgets.BooleanWidget())}),
    *((f"E014 .*Meta.{name}", Library, {name: value}, {}) for name, value in {
        "skip_unchanged": True, "use_bulk": True, "batch_size": 5, "widgets": {"name": {}},
        "store_instance": True, "clean_model_instances": True, "report_skipped": False,
        "import_order": ("name",), "force_init_instance": True, "import_id_field": "name",
        "use_natural_foreign_keys": False, "instance_loader_class": Odd}.items()),
    *((f"E013 .*`{name}`", Library, {}, {name: lambda *args: None}) for name in (
        "before_import", "after_import", "before_import_row", "after_import_row", "skip_row",
        "before_save_instance", "after_save_instance", "import_field", "import_instance",
        "get_instance", "init_instance", "save_instance", "get_queryset", "export_field",
        "before_export", "after_export", "for_delete", "validate_instance", "get_import_order",
        "import_row", "import_data", "get_export_headers", "handle_import_error")),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "model", "meta", "body"), WRONG)
def test_what_has_no_effect_is_an_error(
    expected: str, model: type[models.Model], meta: dict[str, Any], body: dict[str, Any]
) -> None:
    errors = errors_of(resource_of(model, meta, **body))
    assert any(re.match(expected, error) for error in errors), errors


def test_what_is_obeyed_is_none() -> None:
    class Fine(Resource):
        label = fields.Field(readonly=True)
        state = fields.Field("state", column_name="STABR")
        address = fields.Field("address", dehydrate_method=lambda library: library.name)

        class Meta:
            model = Library
            fields = ("label", "name", "zip_code", "state", "address")
            export_order = ("zip_code", "name", "label")
            import_id_fields = KEY

        def dehydrate_label(self, library: Library) -> str:
            return f"{library.name}!"

        def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
            return queryset.filter(state="NY")

    assert errors_of(Fine) == []


def model(name: str, *bases: type[models.Model], **body: Any) -> type[models.Model]:
    """A model of an app `library` that is a test's own; it has a name."""
    meta = type("Meta", (), body.pop("meta", {}))
    if not bases:
        body["name"] = models.CharField(max_length=9)
    body |= {"__module__": "library.odd", "Meta": meta}
    return type(name, bases or (models.Model,), body)


class Exclusion(models.BaseConstraint):
    """As PostgreSQL has them."""


@isolate_apps("library")
def test_models_that_imports_can_t_write() -> None:
    parent = model("Parent")
    assert errors_of(resource_of(parent)) == []
    child = model("Child", parent)
    (error,) = errors_of(resource_of(child, {"exclude": ("parent_ptr",)}))
    assert error.startswith("E018")
    assert "library.Parent" in error
    both = model("Both", pk=models.CompositePrimaryKey("name", "no"), no=models.IntegerField())
    assert any("composite" in each for each in errors_of(resource_of(both)))
    ranges = model("Ranges", meta={"constraints": [Exclusion(name="nothing_twice")]})
    (error,) = errors_of(resource_of(ranges))
    assert "nothing_twice" in error


@isolate_apps("library")
def test_fields_that_a_cell_can_t_hold() -> None:
    photo = model(
        "Photo",
        file=models.FileField(),
        bytes=models.BinaryField(),
        kind=models.ForeignKey(ContentType, models.CASCADE, related_name="+"),
    )
    errors = errors_of(resource_of(photo))
    assert [error[:4] for error in errors] == ["E016", "E016", "E017"]
    assert "“file”, a FileField" in errors[0]
    assert "contenttypes.ContentType" in errors[2]
    assert errors_of(resource_of(photo, {"exclude": ("file", "bytes", "kind")})) == []


@isolate_apps("library")
def test_a_many_to_many_with_a_column_that_no_cell_gives() -> None:
    person = model("Person")
    person_resource = resource_of(person)
    club = model(
        "Club",
        members=models.ManyToManyField(person, through="library.Member", related_name="+"),
        guests=models.ManyToManyField(person, through="library.Guest", related_name="+"),
    )

    def ends() -> dict[str, Any]:
        return {
            "club": models.ForeignKey(club, models.CASCADE),
            "person": models.ForeignKey(person, models.CASCADE),
        }

    model("Member", models.Model, **ends(), fee=models.IntegerField())
    note = models.CharField(max_length=9, blank=True)
    model("Guest", models.Model, **ends(), note=note, on=models.DateField(auto_now_add=True))
    (error,) = errors_of(resource_of(club))
    assert error.startswith("E019")
    assert "“members”" in error
    assert "“fee”" in error
    assert errors_of(person_resource) == []


@isolate_apps("library")
def test_a_match_key_that_leads_back_to_itself() -> None:
    node = model("Node", parent=models.ForeignKey("self", models.CASCADE, null=True))
    errors = errors_of(resource_of(node, {"import_id_fields": ("name", "parent")}))
    assert any(error.startswith("E017") and "itself" in error for error in errors)


def test_a_model_without_a_resource_is_known_by_its_user_name_or_its_unique_text() -> None:
    assert match_key(apps.get_model("auth.User")) == ("username",)
    assert match_key(apps.get_model("auth.Group")) == ("name",)


def test_the_resource_of_a_model_is_the_one_declared_first() -> None:
    first = resource_class_for(Library)
    second = resource_of(Library)
    assert first is not second
    assert resource_class_for(Library) is first
