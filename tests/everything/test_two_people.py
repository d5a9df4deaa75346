"""Two people at a form of each model: what only one changed stays, of both changed is asked."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import models
from django.test import Client
from django.utils.text import capfirst

from tests.backoffice.admin.pages import sent
from tests.everything.cases import Case
from tests.everything.running import shown, to_store
from tests.everything.test_matrix_pages import (
    MODELS,
    assert_has,
    fresh,
    is_in_forms,
    made,
    make_two,
    model_cells,
    page_of,
    put,
    typed,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.everything.urls")]


def values_of(model: type[models.Model]) -> list[dict[Case, Any]]:
    """Two rows of values, and a third of those that have one, none of them a link."""
    first, second = (
        # What is hidden can't be seen any more: see test_kept.py.
        {c: value for c, value in values.items() if is_in_forms(c) and c.name != "hidden"}
        for values in make_two(model)
    )
    third = {
        case: list(case.good.values())[2]
        for case in first
        # The third moment is one of the two 01:30 of a night: no form can tell them apart.
        if len(case.good) > 2
        and not case.field.is_relation
        and not isinstance(case.field, models.DateTimeField)
    }
    return [first, second, third]


@pytest.mark.parametrize("model", model_cells("two people", MODELS))
def test_two_people(admin_client: Client, model: type[models.Model]) -> None:
    first, second, third = values_of(model)
    row = made(model, first, 1)
    address = page_of(model, "change", row.pk)

    # Another gives all fields other values; I save the page as it was.
    data = sent(admin_client.get(address))
    put(row, second)
    done = admin_client.post(address, data)
    assert done.status_code == 302, done.context["adminform"].form.errors
    assert_has(row, second)
    told = " ".join(str(message) for message in get_messages(done.wsgi_request))
    for case in changed(first, second):
        label = capfirst(str(case.field.verbose_name))
        assert f"{label} is now" in told or f"{label}: " in told, (case, told)

    # Another changes them back; I type third values.
    data = sent(admin_client.get(address))
    put(row, first)
    asked = {case: value for case, value in third.items() if value != first[case]}
    for case, value in asked.items():
        data = without(data, case) | typed(case, to_store(case, value))
    page = admin_client.post(address, data)
    if not asked:
        return
    assert page.status_code == 200
    errors = page.context["adminform"].form.errors
    both = {case.name for case in asked if first[case] != second[case]}
    assert set(errors) == both, errors
    assert_has(row, first)

    # I take theirs; then, of a page that comes back, mine.
    choices = {f"{name}-take": "theirs" for name in both}
    done = admin_client.post(address, sent(page) | choices)
    assert done.status_code == 302, done.context["adminform"].form.errors
    assert {case.name: shown(case, fresh(row)) for case in asked if case.name in both} == {
        case.name: first[case] for case in asked if case.name in both
    }
    done = admin_client.post(address, sent(page))
    assert done.status_code == 302, done.context["adminform"].form.errors
    assert_has(row, first | asked)


def changed(first: dict[Case, Any], second: dict[Case, Any]) -> list[Case]:
    return [case for case in first if first[case] != second[case]]


def without(data: dict[str, Any], case: Case) -> dict[str, Any]:
    """The data without the inputs of a field."""
    names = {case.name, f"{case.name}_0", f"{case.name}_1"}
    return {name: value for name, value in data.items() if name not in names}
