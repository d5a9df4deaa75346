"""Field or model × page: forms, edits of many, history, deletion, inlines and pickers."""

import datetime
import html
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.management import CommandError
from django.db import models
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse

from backoffice.admin.base import TabularInline
from backoffice.admin.changes.edit_forms import ReplaceForm, titled
from backoffice.changes.edits import Edit
from backoffice.changes.models import Change
from backoffice.tables.texts import is_text
from tests.backoffice.admin.pages import form_data
from tests.everything import models as m
from tests.everything.admin import site
from tests.everything.cases import CASES, Case
from tests.everything.factories import make_row
from tests.everything.known import KNOWN
from tests.everything.models.base import Owned
from tests.everything.running import (
    as_list,
    assert_same,
    key_values,
    label,
    make_targets,
    shown,
    take_back,
    to_store,
)
from tests.everything.test_matrix import cells

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.everything.urls")]


# Edit of many -----------------------------------------------------------------------------


def page_of(model: type[models.Model], name: str, *args: Any) -> str:
    return reverse(f"everything:everything_{model._meta.model_name}_{name}", args=args)


def request() -> HttpRequest:
    made = RequestFactory().get("/")
    made.user = User(is_superuser=True, is_active=True)
    return made


def is_in_forms(case: Case) -> bool:
    """Django's forms have no field for a many-to-many with a model of its own."""
    field = case.field
    return not field.many_to_many or field.remote_field.through._meta.auto_created


def typed(case: Case, value: Any, prefix: str = "") -> dict[str, Any]:
    """What a browser sends of a form for a field with this value."""
    model_admin = site.get_model_admin(case.model)
    form_field = model_admin.formfield_for_dbfield(case.field, request=request())
    name = f"{prefix}{case.name}"
    if case.field.many_to_one or case.field.one_to_one:
        value = getattr(value, case.field.target_field.attname)
    value = form_field.prepare_value(value)
    widget = form_field.widget
    if isinstance(widget, forms.CheckboxInput):
        return {name: "on"} if value else {}
    if isinstance(widget, forms.MultiWidget):
        return {
            f"{name}_{n}": part.format_value(piece)
            for n, (part, piece) in enumerate(
                zip(widget.widgets, widget.decompress(value), strict=True)
            )
        }
    if isinstance(value, list):
        return {name: [getattr(row, "pk", row) for row in value]}
    if isinstance(value, datetime.date | datetime.time):
        value = widget.format_value(value)
    return {name: value}


def edit(case: Case, rows: list[Any], value: Any) -> int:
    """Give all rows that a list shows the value, by its form; the number of the change."""
    form_class = site.get_model_admin(case.model).get_edit_form(request(), [case.name])
    form = form_class(typed(case, value, "edit-"))
    assert form.is_valid(), form.errors
    listed = case.model._default_manager.filter(pk__in=[row.pk for row in rows])
    return Edit(listed, form.values()).run(user=None, title=titled(form)).pk


EDITED = [case for case in CASES if hasattr(case.model, "history")]


@pytest.mark.parametrize("case", cells("edit", EDITED))
def test_edit(case: Case) -> None:
    """Of many rows at once, and its undo."""
    make_targets(case)
    if case.field.many_to_many or case.field.unique:
        fields = site.get_model_admin(case.model).get_edit_fields(request())
        assert case.name not in fields
        return
    first, second = list(case.good.values())[:2]
    values = [first, second, first] if case.name != "hidden" else [False] * 3
    rows = [
        make_row(case.model, **key_values(case.model, n), **{case.name: to_store(case, value)})
        for n, value in enumerate(values, 1)
    ]
    for value in (second, first):
        change = edit(case, rows, to_store(case, value))
        assert [shown(case, fresh(row)) for row in rows] == [value] * 3
        take_back(change)
        assert [shown(case, fresh(row)) for row in rows] == values


LINKED = [case for case in EDITED if case.field.many_to_many]


@pytest.mark.parametrize("case", cells("edit", LINKED))
def test_edit_of_links(case: Case) -> None:
    """Added, set and taken away by the form; not those with a model of their own."""
    model_admin = site.get_model_admin(case.model)
    offered = model_admin.get_edit_links(request())
    kept = [field.name for field in case.model.history.model._history_m2m_fields]
    if not (is_in_forms(case) and case.name in kept):
        assert f"{case.name}-add" not in offered
        return
    make_targets(case)
    rows = [make_row(case.model, **key_values(case.model, n)) for n in (1, 2)]
    wanted = max(case.good.values(), key=len)
    keys = [row.pk for row in to_store(case, wanted)]
    listed = case.model._base_manager.filter(pk__in=[row.pk for row in rows])
    for how, expected in (("add", wanted), ("set", wanted[:1]), ("remove", [])):
        name = f"{case.name}-{how}"
        form_class = model_admin.get_edit_form(request(), [name])
        chosen = [row.pk for row in to_store(case, expected)] if how == "set" else keys
        form = form_class({f"edit-{name}": chosen})
        assert form.is_valid(), form.errors
        edit = Edit(listed, links=[*form.links().values()])
        change = edit.run(user=None, title=titled(form))
        for row in rows:
            assert shown(case, fresh(row)) == sorted(map(str, expected))
    take_back(change.pk)
    for row in rows:
        assert shown(case, fresh(row)) == sorted(map(str, wanted[:1]))


TEXTS = [case for case in EDITED if is_text(case.field) and not case.field.primary_key]


@pytest.mark.parametrize("case", cells("edit", TEXTS))
def test_find_and_replace(case: Case) -> None:
    """In each field of text: valid values are written and come back, others are left alone."""
    model_admin = site.get_model_admin(case.model)
    values = [v for v in case.good.values() if v]
    if case.field not in model_admin.get_texts(request()) or not values:
        return
    row = make_row(case.model, **key_values(case.model, 1), **{case.name: values[0]})
    before = shown(case, fresh(row))
    data = {"replace-where": [case.name], "replace-find": before, "replace-put": values[-1]}
    replacing = ReplaceForm(model_admin.get_texts(request()), data)
    assert replacing.replacement, replacing.errors
    listed = case.model._base_manager.filter(pk=row.pk)
    found, fields = replacing.replacement, replacing.chosen
    with Edit(listed, replacement=found, fields=fields) as edit:
        change = edit.run(user=None, title=titled(replacing))
    after = shown(case, fresh(row))
    assert change.rejected or after == model_admin.get_texts(request())[case.field](values[-1])
    take_back(change.pk)
    assert shown(case, fresh(row)) == before


def fresh(row: Any) -> Any:
    return type(row)._base_manager.get(pk=row.pk)


# Whole rows: history, deletion, inlines ---------------------------------------------------

MODELS = list(dict.fromkeys(case.model for case in CASES))


def model_cells(operation: str, models: list[type[models.Model]]) -> list[Any]:
    found = []
    for model in models:
        reason = KNOWN.get(f"{model.__name__} {operation}")
        marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
        found.append(pytest.param(model, id=model.__name__, marks=marks))
    return found


def of(model: type[models.Model]) -> list[Case]:
    return [case for case in CASES if case.model is model]


def make_two(model: type[models.Model]) -> tuple[dict[Case, Any], dict[Case, Any]]:
    """What all fields of a row may hold, and what they hold then; targets are there."""
    for case in of(model):
        make_targets(case)
    first = {case: next(iter(case.good.values())) for case in of(model)}
    second = {case: list(case.good.values())[1] for case in of(model)}
    return first, second


def put(row: Any, values: dict[Case, Any]) -> None:
    """Save these values of a row."""
    for case, value in values.items():
        if not case.field.many_to_many:
            setattr(row, case.name, to_store(case, value))
    row.save()
    for case, value in values.items():
        if case.field.many_to_many:
            getattr(row, case.name).set(to_store(case, value))


def assert_has(row: Any, values: dict[Case, Any]) -> None:
    row = fresh(row)
    for case, value in values.items():
        assert_same(shown(case, row), value)


def made(model: type[models.Model], values: dict[Case, Any], number: int) -> Any:
    fields = {case.name: to_store(case, value) for case, value in values.items()}
    return make_row(model, **key_values(model, number), **fields)


@pytest.mark.parametrize(
    "model", model_cells("history", [each for each in MODELS if hasattr(each, "history")])
)
def test_history(admin_client: Client, model: type[models.Model]) -> None:
    """Every change is a record, and any of them can be gone back to."""
    first, second = make_two(model)
    row = made(model, first, 1)
    record = row.history.latest()
    put(row, second)
    latest = row.history.latest()
    for field in latest.tracked_fields:
        assert getattr(latest, field.attname) == getattr(fresh(row), field.attname)
    done = admin_client.post(page_of(model, "simple_history", row.pk, record.pk))
    assert done.status_code == 302
    assert_has(row, first)


#: Deletions that are no Change, so no undo is offered: by Django's collector, where rows of
#: the same model or of a child's go as well, or a reference is SET.
NOT_UNDONE: set[type[models.Model]] = {
    *(m.UuidKey, m.Place, m.QuietPlace),
}


@pytest.mark.parametrize("model", model_cells("deletion", MODELS))
def test_undo_deletion(admin_client: Client, model: type[models.Model]) -> None:
    """Deleted rows return with their keys and links; without history there is no way back."""
    first, second = make_two(model)
    rows = (
        [made(model, first, 1), made(model, second, 2)]
        if not unique(model)
        else [made(model, first, 1)]
    )
    listed = model._default_manager.filter(pk__in=[row.pk for row in rows])
    keys = list(listed.values_list("pk", flat=True))
    data = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}
    asked = admin_client.post(page_of(model, "changelist"), data | {"post": ""}).text
    is_undoable = hasattr(model, "history") and model not in {*NOT_UNDONE, m.PartlyKept}
    assert ("This deletion can't be undone." in html.unescape(asked)) != is_undoable
    done = admin_client.post(page_of(model, "changelist"), data)
    assert done.status_code == 302
    assert not model._base_manager.filter(pk__in=keys).exists()
    change = Change.objects.filter(model=label(model)).last()
    if not hasattr(model, "history"):
        with pytest.raises(CommandError, match="have no history, so the change can't be"):
            take_back(change.pk)
        return
    if model in NOT_UNDONE:
        assert change is None
        messages = map(str, get_messages(done.wsgi_request))
        assert not any("Undo" in message for message in messages)
        return
    assert change.kind == "deletion"
    if model is m.PartlyKept:  # its history does not keep all of a row
        with pytest.raises(SystemExit):
            take_back(change.pk)
        assert not model._base_manager.filter(pk__in=keys).exists()
        return
    undone = take_back(change.pk)
    assert undone["left"] == 0
    for row, values in zip(rows, (first, second), strict=False):
        assert_has(row, values)


def unique(model: type[models.Model]) -> bool:
    return any(case.field.unique for case in of(model))


@pytest.mark.parametrize(
    "model", model_cells("inline", [each for each in MODELS if issubclass(each, Owned)])
)
def test_inline(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, model: type[models.Model]
) -> None:
    """A row is added, changed and deleted on its owner's page."""
    first, second = (
        {case: values[case] for case in values if is_in_forms(case)}
        for values in make_two(model)
    )
    owner = make_row(m.Owner)
    inline = type("Inline", (TabularInline,), {"model": model, "extra": 1})
    monkeypatch.setattr(site.get_model_admin(m.Owner), "inlines", (inline,))
    page = page_of(m.Owner, "change", owner.pk)
    prefix = f"{model._meta.model_name}_set-0-"
    key = key_values(model, 1)
    rows = model._base_manager.filter(owner=owner)
    for values in (first, second):
        data = form_data(admin_client.get(page))
        for case, value in values.items():
            data = {
                name: old for name, old in data.items() if name != f"{prefix}{case.name}"
            } | typed(case, to_store(case, value), prefix)
        data |= {f"{prefix}{name}": getattr(value, "pk", value) for name, value in key.items()}
        done = admin_client.post(page, data)
        assert done.status_code == 302, formset_errors(done)
        assert_has(rows.get(), values)
    data = form_data(admin_client.get(page)) | {f"{prefix}DELETE": "on"}
    assert admin_client.post(page, data).status_code == 302
    assert not rows.exists()


# Pickers ----------------------------------------------------------------------------------


def formset_errors(page: Any) -> Any:
    return [each.formset.errors for each in page.context["inline_admin_formsets"]]


RELATIONS = [case for case in CASES if case.field.is_relation and is_in_forms(case)]


@pytest.mark.parametrize("case", cells("picker", RELATIONS))
def test_picker(admin_client: Client, case: Case) -> None:
    """It offers the rows that the field can lead to, and the form takes them."""
    first, second = make_two(case.model)
    row = made(case.model, first, 1)
    name = f"{case.model._meta.app_label}"
    value = second[case]
    for code in as_list(value):
        found = admin_client.get(
            reverse("everything:autocomplete"),
            {
                "app_label": name,
                "model_name": case.model._meta.model_name,
                "field_name": case.name,
                "term": code,
            },
        ).json()["results"]
        target = to_store(case, [code] if isinstance(value, list) else code)
        target = target[0] if isinstance(target, list) else target
        key = case.field.target_field.attname if not case.field.many_to_many else "pk"
        assert {"id": str(getattr(target, key)), "text": str(target)} in [
            {"id": each["id"], "text": each["text"]} for each in found
        ]
    if case.name == "limited":
        assert "T3" not in {each["text"] for each in found}
    page = page_of(case.model, "change", row.pk)
    data = form_data(admin_client.get(page)) | typed(case, to_store(case, value))
    done = admin_client.post(page, data)
    assert done.status_code == 302, done.context["errors"]
    assert_same(shown(case, fresh(row)), value)
