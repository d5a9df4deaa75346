"""Field × operation: each cell is right in the database, or refused by name.

A field is a line in tests/everything/cases.py. An operation is a function here,
or in test_matrix_pages.py.
"""

import datetime
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import models
from django.http import QueryDict

from backoffice.tables import texts
from tests.everything.cases import CASES, REJECTED, Case
from tests.everything.factories import make_row
from tests.everything.filtersets import FILTERSETS
from tests.everything.known import KNOWN
from tests.everything.running import (
    assert_same,
    counts,
    import_file,
    key_cells,
    key_values,
    label,
    make_targets,
    needed_cells,
    shown,
    stored,
    take_back,
    to_store,
    write_file,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.everything.urls")]


def cells(operation: str, cases: list[Case] | None = None) -> list[Any]:
    """The parameters of an operation; those that are wrong as yet are marked."""
    found = []
    for case in CASES if cases is None else cases:
        reason = KNOWN.get(f"{case} {operation}")
        marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
        found.append(pytest.param(case, id=str(case), marks=marks))
    return found


def rows_of(case: Case, texts: list[str], first: int = 1) -> list[dict[str, str]]:
    """A row of a file for each text, numbered from `first` on."""
    return [
        key_cells(case.model, number) | needed_cells(case, number) | {case.name: text}
        for number, text in enumerate(texts, first)
    ]


def halves(case: Case) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values of new rows, and those that the same rows get: all once more, turned by one.

    Of a unique field, half of them each.
    """
    good = list(case.good_texts().items())
    if case.field.unique:
        half = len(good) // 2
        return dict(good[:half]), dict(good[half : 2 * half])
    return dict(good), dict([*good[1:], good[0]])


def as_written(case: Case, value: Any) -> Any:
    """What an import stores of a value: single lines are stored clean."""
    return texts.same(value) if isinstance(value, str) and texts.is_line(case.field) else value


# Import ---------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cells("import"))
def test_import(case: Case, tmp_path: Path) -> None:
    make_targets(case)
    (new, then), bad = halves(case), case.bad_texts()
    rows = rows_of(case, [*new, *bad, ""])
    rejects = len(bad) + (case.blank is REJECTED)
    taken = len(rows) - rejects
    path = tmp_path / "rows.csv"

    outcome = import_file(case.model, write_file(path, rows))
    assert counts(outcome) == {"new": taken, "updated": 0, "unchanged": 0, "rejected": rejects}
    for number, value in enumerate(new.values(), 1):
        assert_same(stored(case, number), as_written(case, value))
    if case.blank is not REJECTED:
        assert_same(stored(case, len(rows)), case.blank)

    outcome = import_file(case.model, write_file(path, rows_of(case, list(new))))
    assert counts(outcome) == {"new": 0, "updated": 0, "unchanged": len(new), "rejected": 0}

    changing = sum(repr(a) != repr(b) for a, b in zip(new.values(), then.values(), strict=True))
    outcome = import_file(case.model, write_file(path, rows_of(case, list(then))))
    assert (outcome["updated"], outcome["rejected"]) == (changing, 0)
    for number, value in enumerate(then.values(), 1):
        assert_same(stored(case, number), as_written(case, value))

    rows = rows_of(case, [""] * len(then))
    outcome = import_file(case.model, write_file(path, rows), blank="keep")
    assert counts(outcome) == {"new": 0, "updated": 0, "unchanged": len(then), "rejected": 0}


@pytest.mark.parametrize("case", cells("undo import"))
def test_undo_import(case: Case, tmp_path: Path) -> None:
    make_targets(case)
    new, then = halves(case)
    path = tmp_path / "rows.csv"
    before = case.model._base_manager.count()
    first = import_file(case.model, write_file(path, rows_of(case, list(new))))
    second = import_file(case.model, write_file(path, rows_of(case, list(then))))
    if not hasattr(case.model, "history"):
        with pytest.raises(CommandError, match="have no history, so the change can't be"):
            take_back(second["job"])
        return
    undone = take_back(second["job"])
    assert (undone["restored"], undone["left"]) == (second["updated"], 0)
    for number, value in enumerate(new.values(), 1):
        assert_same(stored(case, number), as_written(case, value))
    undone = take_back(first["job"])
    assert (undone["removed"], undone["left"]) == (len(new), 0)
    assert case.model._base_manager.count() == before


# Export ---------------------------------------------------------------------------------


def fill(case: Case) -> list[Any]:
    """A row for each value, from 1 on; the values."""
    make_targets(case)
    nothing = [None] if getattr(case.field, "null", False) and case.blank is None else []
    values = [*case.good_texts().values(), *case.stored, *nothing]
    for number, value in enumerate(values, 1):
        make_row(
            case.model, **key_values(case.model, number), **{case.name: to_store(case, value)}
        )
    return values


@pytest.mark.parametrize("case", cells("round trip"))
def test_round_trip(case: Case, tmp_path: Path) -> None:
    """Export → import changes nothing."""
    values = fill(case)
    rows = case.model._default_manager.count()
    names = [*key_cells(case.model, 1), case.name]
    for format in ("csv", "xlsx", "json"):
        path = tmp_path / f"rows.{format}"
        err = io.StringIO()
        call_command(
            "export",
            format,
            label(case.model),
            output=str(path),
            columns=",".join(names),
            stderr=err,
        )
        outcome = import_file(case.model, path)
        assert counts(outcome)["unchanged"] == rows, (format, outcome)
    for number, value in enumerate(values, 1):
        assert_same(stored(case, number), value)


# Filter ---------------------------------------------------------------------------------


def found_by(case: Case, text: str) -> set[int] | None:
    """The numbers of the rows that the filter finds; None where the text is an error."""
    data = QueryDict(mutable=True)
    data[case.name] = text
    bound = FILTERSETS[case.model](data, case.model._base_manager.all())
    if not bound.is_valid():
        assert not bound.qs.exists()
        assert case.name in bound.errors
        return None
    return set(bound.qs.values_list("pk", flat=True))


FILTERED = [case for case in CASES if not isinstance(case.field, models.JSONField)]


@pytest.mark.parametrize("case", cells("filter", FILTERED))
def test_filter(case: Case) -> None:
    fill(case)
    rows = list(case.model._base_manager.all())
    is_text = isinstance(
        case.field, models.CharField | models.TextField | models.GenericIPAddressField
    )
    for text, value in case.good_texts().items():
        found = found_by(case, text)
        exact, near = set(), set()
        for row in rows:
            has = shown(case, row)
            if case.field.many_to_many:
                if value[0] in has and len(value) == 1:
                    exact.add(row.pk)
            elif (type(has), has) == (type(value), value):
                exact.add(row.pk)
            if is_text and str(value).casefold() in str(has).casefold():
                near.add(row.pk)
        if case.field.many_to_many and len(value) > 1:
            continue  # one record at a time
        if isinstance(value, datetime.date) and value.year < 1000:
            assert found is None  # nobody means it
            continue
        assert found is not None, text
        assert exact <= found <= exact | near, text
    for text in case.bad_texts():
        assert not found_by(case, text), text
