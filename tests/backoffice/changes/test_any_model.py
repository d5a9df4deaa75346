"""Edits, deletions and undos of models with every kind of key, constraint and history."""

import uuid
from typing import Any

import pytest
from django.db import models

from backoffice.changes.deletion import Deletion
from backoffice.changes.edits import Edit, Refused
from backoffice.changes.models import Change, JobStopped
from backoffice.changes.undo import Undo, refusal
from backoffice.history.records import Records, Signature
from backoffice.jobs.steps import create_undo, undo_job
from backoffice.querysets.reach import EVERYTHING
from backoffice.tables.table import Table
from tests.everything.factories import make_row
from tests.everything.models import constraints, histories, inheritance, keys, relations

pytestmark = pytest.mark.django_db

KEYS = [
    keys.AutoKey,
    keys.SmallKey,
    keys.UuidKey,
    keys.TextKey,
    keys.NumberKey,
    keys.DatabaseKey,
    keys.OneToOneKey,
]


def edit(queryset: models.QuerySet[Any], **values: Any) -> Change:
    fields = {queryset.model._meta.get_field(name): value for name, value in values.items()}
    return Edit(queryset, fields).run(user=None, title="an edit")


def created(*rows: models.Model) -> Change:
    """A change that says that it made the rows, as an import does."""
    model = type(rows[0])
    change = edit(model._base_manager.none())
    Change.objects.filter(pk=change.pk).update(kind="import", new=len(rows))
    model.history.filter(history_change=None).delete()
    records = Records(Table(model))
    records.write("1 = 1", history_type="+", signature=change.signature)
    return Change.objects.get(pk=change.pk)


def left(change: Change) -> list[tuple[str, str]]:
    with Undo(change) as undo:
        undo.plan()
        return [(text, why) for _model, _pk, text, why in undo.left(9, EVERYTHING)]


@pytest.mark.parametrize("model", KEYS)
def test_an_edit_is_undone_whatever_the_key_is(model: Any) -> None:
    rows = [make_row(model) for _ in range(2)]
    model._base_manager.update(name="before")
    change = edit(model._base_manager.all(), name="after")
    assert model.history.filter(history_change=change, name="after").count() == 2
    undo = undo_job(change)
    assert (undo.status, undo.updated) == ("done", 2)
    assert {row.name for row in model._base_manager.all()} == {"before"}
    assert {row.pk for row in model._base_manager.all()} == {row.pk for row in rows}


@pytest.mark.parametrize("model", KEYS)
def test_rows_that_were_created_go_whatever_the_key_is(model: Any) -> None:
    undo = undo_job(created(make_row(model), make_row(model)))
    assert (undo.status, undo.removed) == ("done", 2)
    assert not model._base_manager.exists()


@pytest.mark.parametrize("model", [keys.OneToOneKey, histories.Ordered, constraints.Unique])
def test_deleted_rows_come_back_whatever_the_key_is(model: Any) -> None:
    before = list(model._base_manager.filter(pk=make_row(model).pk).values())
    change = Deletion(model._base_manager.all()).run(title="all")
    assert not model._base_manager.exists()
    assert change is not None
    undo_job(change)
    assert list(model._base_manager.values()) == before


def test_an_inherited_row_is_edited_and_undone_in_both_tables() -> None:
    bistro = inheritance.Bistro.objects.create(code="b", name="Chez", stars=1, wine="red")
    change = edit(inheritance.Bistro.objects.all(), name="At", stars=2, wine="white")
    bistro.refresh_from_db()
    assert (bistro.name, bistro.stars, bistro.wine) == ("At", 2, "white")
    assert undo_job(change).status == "done"
    bistro.refresh_from_db()
    assert (bistro.name, bistro.stars, bistro.wine) == ("Chez", 1, "red")


def test_a_unique_value_under_a_condition_that_is_taken_leaves_the_row() -> None:
    first = constraints.Pairs.objects.create(code="1", room="A")
    change = edit(constraints.Pairs.objects.all(), closed=True)
    constraints.Pairs.objects.create(code="2", room="A")
    assert left(change) == [("1", "Another record now has its unique value.")]
    assert undo_job(change).status == "done"
    first.refresh_from_db()
    assert first.closed


def test_a_unique_expression_that_is_taken_leaves_the_row() -> None:
    constraints.Expressed.objects.create(code="1", name="Ann", number=3)
    change = edit(constraints.Expressed.objects.all(), name="Bob")
    constraints.Expressed.objects.create(code="2", name="ANN", number=13)
    assert left(change) == [("1", "Another record now has its unique value.")]


def test_a_parent_that_came_with_its_child_goes_with_it() -> None:
    parent = relations.Pointing.objects.create(code="p")
    child = relations.Pointing.objects.create(code="c", parent=parent)
    change = created(parent, child)
    assert left(change) == []
    relations.Pointing.objects.create(code="later", parent=child)
    change = created(parent, child)
    relations.Pointing.history.filter(code="later").delete()
    assert left(change) == [
        ("p", "Other records now refer to it."),
        ("c", "Other records now refer to it."),
    ]


def test_a_row_that_another_follows_by_now_stays() -> None:
    ann, bob = (relations.Linked.objects.create(code=code) for code in "ab")
    ann.friends.set([bob])
    change = created(ann, bob)
    assert left(change) == []
    cat = relations.Linked.objects.create(code="c")
    cat.follows.set([ann])
    assert left(change) == [("a", "Other records now refer to it.")]


def test_columns_of_links_are_compared_and_return() -> None:
    group = relations.Group.objects.create(code="g")
    linked = relations.Linked.objects.create(code="l")
    membership = relations.Membership.objects.create(linked=linked, group=group, role="chair")
    change = edit(relations.Linked.objects.all(), code="m")
    assert left(change) == []
    relations.Membership.objects.filter(pk=membership.pk).update(role="guest")
    assert left(change) == [("m", "It was edited since.")]


def test_links_that_history_does_not_keep_are_named() -> None:
    row = histories.PartlyKept.objects.create(code="p", secret="s")
    row.plain.set([keys.AutoKey.objects.create(code="a")])
    change = edit(histories.PartlyKept.objects.all(), name="n")
    with Undo(change) as undo:
        undo.plan()
        (note,) = undo.notes()
    assert "does not keep secret, plain: these stay as they are" in note


def test_a_model_without_history_is_refused_with_a_sentence() -> None:
    change = Change.objects.create(model="everything.Unkept", title="f.csv", status="done")
    assert refusal(change) == "Unkepts have no history, so the change can't be undone."
    with pytest.raises(JobStopped):
        create_undo(change)
    assert Change.objects.get(pk=change.pk).status == "done"
    gone = Change.objects.create(model="gone.Model", title="f.csv", status="done")
    assert "no longer installed" in refusal(gone)


def test_an_edit_that_clean_refuses_writes_nothing() -> None:
    constraints.Refusing.objects.create(code="fine", high=9)
    constraints.Refusing.objects.create(code="low", high=3)
    wanted = {constraints.Refusing._meta.get_field("low"): 5}
    asked = Edit(constraints.Refusing.objects.all(), wanted)
    assert [(str(row), why) for row, why in asked.refused()] == [("low", "Low is above high.")]
    with pytest.raises(Refused, match="low was refused, so nothing was written: Low is above"):
        asked.run(user=None, title="Low: 5")
    assert {row.low for row in constraints.Refusing.objects.all()} == {0}
    assert not Change.objects.exists()


def test_what_clean_makes_of_a_row_is_written_with_it() -> None:
    constraints.Warden.objects.create(code="w", name="Ann Lee", initials="AL")
    change = edit(constraints.Warden.objects.all(), name="Bob Ray")
    assert constraints.Warden.objects.get().initials == "BR"
    assert constraints.Warden.history.get(history_change=change).initials == "BR"
    undo_job(change)
    assert constraints.Warden.objects.get().initials == "AL"


def test_a_record_is_signed_with_what_is_known() -> None:
    row = keys.UuidKey.objects.create(code="a")
    signature = Signature(reason="r" * 200, change_id=7)
    Records(Table(keys.UuidKey)).write("1 = 1", history_type="~", signature=signature)
    record = row.history.latest()
    assert (record.id, record.history_change_id) == (row.pk, 7)
    assert record.history_change_reason == "r" * 100
    assert isinstance(record.id, uuid.UUID)
