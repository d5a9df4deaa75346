"""Field × language: what is typed and what is in a file is the same in English and Spanish."""

import io
from pathlib import Path

import pytest
from django import forms
from django.core.management import call_command
from django.utils import translation

from tests.everything.admin import site
from tests.everything.cases import Case
from tests.everything.running import (
    counts,
    import_file,
    key_cells,
    label,
    make_targets,
    to_store,
)
from tests.everything.test_matrix import cells, fill
from tests.everything.test_matrix_pages import is_in_forms, request, typed

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.everything.urls")]

BOTH = [("en", "es"), ("es", "en")]


def sent(case: Case, inputs: dict[str, object]) -> object:
    """The value of the inputs of a form that a browser sends."""
    field = site.get_model_admin(case.model).formfield_for_dbfield(
        case.field, request=request()
    )
    form = type("Form", (forms.Form,), {case.name: field})(inputs)
    form.is_valid()
    errors = form.errors.get_json_data().get(case.name, ())
    return form.cleaned_data.get(case.name), [error["code"] for error in errors]


@pytest.mark.parametrize("case", cells("form"))
@pytest.mark.parametrize(("opened", "then"), BOTH)
def test_a_form_may_be_sent_in_another_language(case: Case, opened: str, then: str) -> None:
    """Such as after the button for the language was pressed on another page."""
    if not (is_in_forms(case) and case.field.editable):
        return
    make_targets(case)
    for value in case.good.values():
        with translation.override(opened):
            inputs = typed(case, to_store(case, value))
            meant = sent(case, inputs)
        with translation.override(then):
            assert repr(sent(case, inputs)) == repr(meant)


@pytest.mark.parametrize("case", cells("round trip"))
def test_files_are_the_same_in_each_language(case: Case, tmp_path: Path) -> None:
    fill(case)
    rows = case.model._default_manager.count()
    columns = ",".join([*key_cells(case.model, 1), case.name])
    for format in ("csv", "json"):
        files = {}
        for language in ("en", "es"):
            path = files[language] = tmp_path / f"{language}.{format}"
            with translation.override(language):
                call_command(
                    "export",
                    format,
                    label(case.model),
                    output=str(path),
                    columns=columns,
                    stderr=io.StringIO(),
                )
        assert files["en"].read_bytes() == files["es"].read_bytes()
        with translation.override("es"):
            outcome = import_file(case.model, files["es"])
        assert counts(outcome)["unchanged"] == rows, outcome
