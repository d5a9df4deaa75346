"""What a model rules beside its fields: constraints, `clean()`, defaults, keys, links."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models

from backoffice.changes.edits import Edit, Refused
from tests.everything import models as m
from tests.everything.factories import make_row
from tests.everything.running import counts, import_file, take_back, write_file

pytestmark = pytest.mark.django_db


def imported(tmp_path: Path, model: type[models.Model], *rows: str) -> dict[str, int]:
    """Rows of a file, "code a=1 b=2" each; how many were what."""
    cells = []
    for row in rows:
        code, *pairs = row.split(" ")
        cells.append({"code": code} | dict(pair.split("=") for pair in pairs))
    outcome = import_file(model, write_file(tmp_path / "rows.csv", cells))
    return {name: number for name, number in counts(outcome).items() if number}


#: A row that is there, one that may be, and one that may not, beside both.
RULES: list[tuple[type[models.Model], str, str, str]] = [
    (m.Unique, "A char=x or_null=", "B char=y or_null=", "C char=x or_null="),
    (m.Unique, "A char=x or_null=1", "B char=y or_null=2", "C char=z or_null=1"),
    (m.Together, "A left=1 right=2", "B left=1 right=3", "C left=1 right=2"),
    (m.Together, "A left=1 right=", "B left=1 right=", ""),
    (m.Pairs, "A left=1 right=2", "B left=2 right=2", "C left=1 right=2"),
    (m.Pairs, "A room=r closed=no", "B room=r closed=yes", "C room=r closed=no"),
    (m.Pairs, "A room= closed=no", "B room= closed=no", ""),
    (m.Expressed, "A name=X number=11", "B name=x number=2", "C name=x number=21"),
    (m.NullsAlike, "A room=r number=", "B room=s number=", "C room=r number="),
    (m.Deferred, "A place=1", "B place=2", "C place=1"),
    (m.Checked, "A low=1 high=2", "B low=3 high=", "C low=3 high=2"),
    (m.Refusing, "A low=1 high=2", "B low=2 high=2", "C low=3 high=2"),
]


@pytest.mark.parametrize(("model", "first", "second", "third"), RULES)
def test_a_row_that_breaks_a_rule_is_rejected(
    tmp_path: Path, model: type[models.Model], first: str, second: str, third: str
) -> None:
    """By a row that is there, and by another of the same file."""
    assert imported(tmp_path, model, first, second) == {"new": 2}
    if not third:
        return
    assert imported(tmp_path, model, third) == {"rejected": 1}
    model._base_manager.all().delete()
    assert imported(tmp_path, model, first, second, third) == {"new": 2, "rejected": 1}
    assert set(model._base_manager.values_list("code", flat=True)) == {"A", "B"}


@pytest.mark.parametrize("model", [m.Deferred, m.Unique])
def test_rows_that_change_places_do_so_or_are_rejected(
    tmp_path: Path, model: type[models.Model]
) -> None:
    name = "place" if model is m.Deferred else "or_null"
    needed = " char={}" if model is m.Unique else "{:.0}"
    a, b = (f"{code}{needed.format(code)}" for code in "AB")
    imported(tmp_path, model, f"{a} {name}=1", f"{b} {name}=2")
    outcome = imported(tmp_path, model, f"{a} {name}=2", f"{b} {name}=1")
    values = list(model._base_manager.order_by("code").values_list(name, flat=True))
    assert (outcome, values) in [({"updated": 2}, [2, 1]), ({"rejected": 2}, [1, 2])]


def edited(model: type[models.Model], **values: Any) -> None:
    fields = {model._meta.get_field(name): value for name, value in values.items()}
    Edit(model._base_manager.all(), fields).run(user=None, title="edit")


@pytest.mark.parametrize(
    ("model", "row", "values"),
    [
        (m.Checked, {"low": 0, "high": 5}, {"low": 9}),
        (m.Refusing, {"low": 0, "high": 5}, {"low": 9}),
    ],
)
def test_an_edit_that_breaks_a_rule_writes_nothing(
    model: type[models.Model], row: dict[str, Any], values: dict[str, Any]
) -> None:
    make_row(model, **row)
    with pytest.raises(Refused):
        edited(model, **values)
    assert model._base_manager.values(*row).get() == row


def test_clean_may_change_a_value(tmp_path: Path) -> None:
    assert imported(tmp_path, m.Warden, "A name=ann", "B name=bob") == {"new": 2}
    assert set(m.Warden.objects.values_list("initials", flat=True)) == {"A", "B"}
    assert imported(tmp_path, m.Warden, "A name=ann", "B name=zoe") == {
        "updated": 1,
        "unchanged": 1,
    }
    assert set(m.Warden.objects.values_list("initials", flat=True)) == {"A", "Z"}
    edited(m.Warden, name="max")
    assert set(m.Warden.objects.values_list("initials", flat=True)) == {"M"}


def test_what_a_file_lacks_gets_its_default_row_by_row(tmp_path: Path) -> None:
    rows = [{"code": f"G{n}"} for n in range(3)]
    outcome = import_file(m.Given, write_file(tmp_path / "rows.csv", rows))
    assert outcome["new"] == 3
    given = list(m.Given.objects.all())
    assert len({each.unlike for each in given}) == 3
    for each in given:
        assert (each.text, each.number, each.mapping) == ("given", 7, {})
        assert (each.by_database, each.text_by_database) == (42, "base")
        assert (each.digit, each.lowered) == (7, f"{each.code}given".lower())
        assert each.since
        assert each.at_by_database
        record = each.history.get()
        assert (record.unlike, record.by_database) == (each.unlike, 42)


def test_the_dates_of_a_row_are_kept_by_imports_and_edits(tmp_path: Path) -> None:
    imported(tmp_path, m.Moments, "A time=01:00", "B time=01:00")
    first, second = m.Moments.objects.order_by("code")
    assert first.changed_at == first.history.get().changed_at
    assert abs(first.changed_at - first.added_at) < datetime.timedelta(seconds=9)
    assert first.added_on == first.changed_on
    imported(tmp_path, m.Moments, "A time=02:00", "B time=01:00")
    changed = m.Moments.objects.get(code="A")
    assert changed.changed_at > first.changed_at
    assert changed.added_at == first.added_at
    assert m.Moments.objects.get(code="B").changed_at == second.changed_at
    edited(m.Moments, time=None)
    assert m.Moments.objects.get(code="B").changed_at > second.changed_at


@pytest.mark.parametrize(
    "model", [m.AutoKey, m.SmallKey, m.UuidKey, m.TextKey, m.NumberKey, m.DatabaseKey]
)
def test_keys_are_made_as_the_model_makes_them(
    tmp_path: Path, model: type[models.Model]
) -> None:
    """After an import as before, and no two alike."""
    earlier = make_row(model)
    codes = ["7001", "7002"] if model is m.NumberKey else ["A", "B"]
    assert imported(tmp_path, model, *codes) == {"new": 2}
    later = make_row(model)
    keys = list(model._base_manager.values_list("pk", flat=True))
    assert len(set(keys)) == 4
    assert {type(key) for key in keys} == {type(earlier.pk)}
    assert {earlier.pk, later.pk} <= set(keys)


def test_a_parent_stands_earlier_in_the_same_file(tmp_path: Path) -> None:
    rows = [{"code": "A", "parent": ""}, {"code": "B", "parent": "A"}]
    outcome = import_file(m.Pointing, write_file(tmp_path / "rows.csv", rows))
    assert outcome["new"] == 2
    assert m.Pointing.objects.get(code="B").parent == m.Pointing.objects.get(code="A")
    assert take_back(outcome["job"])["removed"] == 2


def test_a_symmetrical_link_has_two_ends(tmp_path: Path) -> None:
    """A friend is a friend in return, by a file as by a form; and so is the undo."""
    make_row(m.Linked, code="A")
    rows = [{"code": "B", "friends": "A"}]
    outcome = import_file(m.Linked, write_file(tmp_path / "rows.csv", rows))
    a, b = m.Linked.objects.order_by("code")
    assert (a.friends.get(), b.friends.get()) == (b, a)
    take_back(outcome["job"])
    assert not a.friends.exists()
    assert not m.Linked.friends.through.objects.exists()


def test_columns_of_a_link_are_kept_by_an_import_of_the_same_links(tmp_path: Path) -> None:
    member = make_row(m.Membership, role="chair")
    row = {"code": member.linked.code, "groups": member.group.code}
    path = tmp_path / "rows.csv"
    assert import_file(m.Linked, write_file(path, [row]))["unchanged"] == 1
    make_row(m.Group, code="other")
    outcome = import_file(
        m.Linked, write_file(path, [row | {"groups": f"{row['groups']}|other"}])
    )
    assert list(m.Membership.objects.order_by("pk").values_list("role", flat=True)) == [
        "chair",
        "member",
    ]
    take_back(outcome["job"])
    assert m.Membership.objects.get().role == "chair"


def test_a_reference_to_a_user_is_the_name_to_sign_in_with(tmp_path: Path) -> None:
    User.objects.create_user(username="ann")
    rows = [{"code": "A", "to_user": "ann"}]
    assert import_file(m.Pointing, write_file(tmp_path / "rows.csv", rows))["new"] == 1
