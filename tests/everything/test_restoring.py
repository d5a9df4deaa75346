"""Deleted rows of every kind of model, relation and key come back, or it is said why not."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.test import Client
from django.urls import reverse

from backoffice.changes.deletion import Deletion
from backoffice.changes.models import Change
from backoffice.changes.restore import Restorable, Restore, is_restorable
from backoffice.history.records import names_change
from backoffice.jobs.steps import undo_job
from tests.everything.factories import make_row
from tests.everything.models import histories, inheritance, keys, relations
from tests.everything.resources import models_of_the_app

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.everything.urls")]


def delete(row: models.Model, *, by_script: bool = False) -> Any:
    """The record of the deletion, by our set operations or by Django's collector."""
    model, pk = type(row), row.pk
    deletion = Deletion(model._base_manager.filter(pk=pk))
    if by_script or not deletion.is_plain:
        row.delete()
    else:
        deletion.run(title="a row")
    history: Any = model.history  # type: ignore[attr-defined] # the manager
    return history.filter(**{model._meta.pk.attname: pk}).latest("history_id")


def restore(record: Any) -> Change:
    with Restore(record) as restoring:
        change, _parts = restoring.run(user=None)
    return change


def plan(record: Any) -> Restorable:
    with Restore(record) as restoring:
        return restoring.plan(sample=9)


def values(*of: type[models.Model]) -> list[Any]:
    return [list(model._base_manager.order_by("pk").values()) for model in of]


RESTORABLE = [model for model in models_of_the_app() if is_restorable(model)]


@pytest.fixture(params=[False, True], ids=["by the admin", "by a script"])
def by_script(request: Any) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("model", RESTORABLE, ids=lambda model: model._meta.model_name)
def test_a_row_comes_back_and_goes_again(model: Any) -> None:
    row = make_row(model)
    before, pk = values(model), row.pk
    record = delete(row)
    assert not model._base_manager.filter(pk=pk).exists()
    change = restore(record)
    assert values(model) == before
    assert undo_job(change).removed >= 1
    assert not model._base_manager.filter(pk=pk).exists()
    restore(model.history.filter(history_type="-").latest("history_id"))
    assert values(model) == before


def test_what_cascades_comes_back_at_any_depth(by_script: bool) -> None:
    pointing = relations.Pointing
    auto = keys.AutoKey.objects.create(code="a")
    parent = pointing.objects.create(code="p", to_auto=auto, one=auto)
    child = pointing.objects.create(code="c", parent=parent)
    pointing.objects.create(code="g", parent=child, limited=auto)
    before = values(keys.AutoKey, pointing)
    record = delete(auto, by_script=by_script)
    assert not pointing.objects.exists()
    change = restore(record)
    assert values(keys.AutoKey, pointing) == before
    assert change.new == 4
    undo_job(change)
    assert values(keys.AutoKey, pointing) == [[], []]


def test_a_reference_that_was_set_to_null_comes_back() -> None:
    target = keys.UuidKey.objects.create(code="t")
    rows = [relations.Deleting.objects.create(code=c, set_null=target) for c in "abc"]
    record = delete(target)
    other = keys.UuidKey.objects.create(code="o")
    relations.Deleting.objects.filter(code="b").update(set_null=other)
    relations.Deleting.objects.filter(code="c").delete()
    found = plan(record)
    assert [(part.key, part.number) for part in found.parts] == [("everything.Deleting~", 1)]
    assert [(text, why) for _m, _pk, text, why in found.left] == [
        ("b", "It refers to another record by now.")
    ]
    change = restore(record)
    now = dict(relations.Deleting.objects.values_list("code", "set_null__code"))
    assert now == {"a": "t", "b": "o"}
    assert rows[0].history.latest().history_change == change  # type: ignore[attr-defined]
    undo_job(change)
    assert relations.Deleting.objects.get(code="a").set_null is None


def test_links_of_every_kind_come_back_on_both_sides(by_script: bool) -> None:
    linked = relations.Linked
    first, second = (linked.objects.create(code=code) for code in "12")
    group = relations.Group.objects.create(code="g")
    auto = keys.AutoKey.objects.create(code="a")
    first.plain.add(auto)
    first.friends.add(second)
    second.follows.add(first)
    first.groups.add(group, through_defaults={"role": "chief"})
    first.scored.add(group, through_defaults={"score": 7})
    tables = [
        linked,
        linked.plain.through,
        linked.friends.through,
        linked.follows.through,
        relations.Membership,
        relations.Scored,
    ]

    def state() -> list[Any]:
        return [
            sorted(tuple(v for k, v in sorted(row.items()) if k != "id") for row in rows)
            for rows in values(*tables[1:])
        ]

    before = state()
    for row in (first, group, auto):
        again = type(row)._base_manager.get(pk=row.pk)
        restore(delete(again, by_script=by_script))
        assert state() == before, row


@pytest.mark.parametrize("later", ["taken", "lost"])
def test_what_can_not_come_back_is_named(later: str) -> None:
    auto = keys.AutoKey.objects.create(code="a")
    uuid = keys.UuidKey.objects.create(code="u")
    relations.Pointing.objects.create(code="p", to_auto=auto, to_uuid=uuid)
    record = delete(auto)
    if later == "taken":
        relations.Pointing.objects.create(code="p")
        why = "Another record now has its unique value."
    else:
        uuid.delete()
        why = "What it referred to no longer exists."
    assert [(text, said) for _m, _pk, text, said in plan(record).left] == [("p", why)]
    restore(record)
    assert keys.AutoKey.objects.get().code == "a"
    assert not relations.Pointing.objects.filter(to_auto__isnull=False).exists()


def test_tags_of_a_generic_relation_come_back() -> None:
    tagged = relations.Tagged.objects.create(code="t")
    kind = ContentType.objects.get_for_model(relations.Tagged)
    relations.Tag.objects.create(code="x", content_type=kind, object_id=tagged.pk)
    relations.Tag.objects.create(code="y", content_type=kind, object_id=tagged.pk + 1)
    before = values(relations.Tagged, relations.Tag)
    record = delete(tagged, by_script=True)
    assert list(relations.Tag.objects.values_list("code", flat=True)) == ["y"]
    restore(record)
    assert values(relations.Tagged, relations.Tag) == before


def test_what_has_no_history_or_keeps_not_all_is_not_offered() -> None:
    for model in (
        histories.Unkept,
        histories.PartlyKept,
        inheritance.Bistro,
        inheritance.Place,
    ):
        assert not is_restorable(model)


@pytest.mark.parametrize(
    "model",
    [model for model in models_of_the_app() if names_change(model)],
    ids=lambda model: model._meta.model_name,
)
def test_every_model_has_its_list_of_what_was_deleted(model: Any) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    name = f"everything:everything_{model._meta.model_name}"
    try:
        address = reverse(f"{name}_deleted")
    except Exception:  # its ModelAdmin shows no history
        pytest.skip("no list")
    row = make_row(model)
    text, pk = str(row), row.pk
    row.delete()
    page = client.get(address)
    assert page.status_code == 200
    assert [each["name"] for each in page.context["rows"]][:1] == [text]
    restored = client.get(reverse(f"{name}_restore", args=[pk]))
    assert restored.status_code == (200 if is_restorable(model) else 302)
    client.post(reverse(f"{name}_restore", args=[pk]))
    assert model._base_manager.filter(pk=pk).exists() == is_restorable(model)
