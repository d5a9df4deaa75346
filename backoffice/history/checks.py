"""System checks for what undo and the history pages need of a model's history."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import Error
from django.db.models import AutoField, BigAutoField, Model

from backoffice.history.records import history_model, names_change


def check_history(model: type[Model]) -> list[Error]:
    """Errors of a model whose ModelAdmin edits many records at once and undoes that."""
    history, label = history_model(model), model._meta.label
    if history is None:
        return [
            Error(
                f"{label} has no history, but its ModelAdmin shows it and uses it for undo.",
                hint="Give it `history = HistoricalRecords()` of backoffice.history, or use"
                " PlainModelAdmin.",
                obj=model,
                id="backoffice.E030",
            )
        ]
    errors = []
    if not names_change(model):
        errors.append(
            Error(
                f"The history of {label} does not say which change wrote a record.",
                hint="Take HistoricalRecords of backoffice.history.historical_records.",
                obj=model,
                id="backoffice.E031",
            )
        )
    if not isinstance(history._meta.pk, AutoField):
        errors.append(
            Error(
                f"The records of {label} have keys that don't increase, so `history_id`"
                " doesn't order them.",
                hint="Leave out `history_id_field` and SIMPLE_HISTORY_HISTORY_ID_USE_UUID.",
                obj=model,
                id="backoffice.E032",
            )
        )
    elif any(not isinstance(key, BigAutoField) for key in _keys(history)):
        errors.append(
            Error(
                f"The keys of the records of {label}, or of their links, end at 2,147,483,647.",
                hint="Leave out `history_id_field`, or take a BigAutoField; then run"
                " `makemigrations`.",
                obj=model,
                id="backoffice.E034",
            )
        )
    return errors


def _keys(history: Any) -> Iterator[Any]:
    """The primary keys of a history and of the links that it keeps."""
    yield history._meta.pk
    for field in getattr(history, "_history_m2m_fields", ()):
        yield getattr(history, field.name).model._meta.pk
