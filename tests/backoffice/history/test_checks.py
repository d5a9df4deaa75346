"""What undo and the pages of history can't do without is said before the server starts."""

from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.db.models import AutoField, BigAutoField, UUIDField

from backoffice.history import checks
from backoffice.history.checks import check_history
from library.models import Library
from tests.everything.models import histories, inheritance


def test_the_library_s_models_have_what_it_takes() -> None:
    assert check_history(Library) == []
    model_admin = admin.site.get_model_admin(Library)
    assert [e for e in model_admin.check() if e.id and e.id.startswith("backoffice.E03")] == []


@pytest.mark.parametrize("model", [histories.Unkept, inheritance.Cafe])
def test_a_model_without_history_is_refused(model: type) -> None:
    (error,) = check_history(model)
    assert (error.id, model._meta.label in error.msg) == ("backoffice.E030", True)


@pytest.mark.parametrize("is_link", [False, True])
def test_keys_that_end_at_2_147_483_647_are_refused(
    monkeypatch: pytest.MonkeyPatch, is_link: bool
) -> None:
    """Those of a history that somebody gave another key, and of the links that it keeps."""
    link = SimpleNamespace(model=SimpleNamespace(_meta=SimpleNamespace(pk=AutoField())))
    history = SimpleNamespace(
        _meta=SimpleNamespace(pk=BigAutoField() if is_link else AutoField()),
        _history_m2m_fields=[SimpleNamespace(name="books")] if is_link else [],
        books=link,
    )
    monkeypatch.setattr(checks, "history_model", lambda model: history)
    monkeypatch.setattr(checks, "names_change", lambda model: True)
    assert [error.id for error in check_history(Library)] == ["backoffice.E034"]


def test_a_history_that_names_no_change_or_counts_no_keys_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    history = SimpleNamespace(_meta=SimpleNamespace(pk=UUIDField(), concrete_fields=[]))
    monkeypatch.setattr(checks, "history_model", lambda model: history)
    monkeypatch.setattr(checks, "names_change", lambda model: False)
    assert [error.id for error in check_history(Library)] == [
        "backoffice.E031",
        "backoffice.E032",
    ]
