"""`manage.py undo_import`."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from backoffice.changes.models import Change
from library.models import Library
from tests.factories import make_patron

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(
        "name,address,state,phone_number,zip_code\nA,1 Street,NY,212-222-6559,10001\n"
    )
    call_command("import", "library.Library", str(path), json=True, stdout=io.StringIO())
    return Change.objects.get()


def undo(number, *options):
    out, code = io.StringIO(), 0
    try:
        call_command("undo_import", str(number), *options, "--json", stdout=out)
    except SystemExit as exit_:
        code = exit_.code
    return json.loads(out.getvalue()), code


def test_an_import_of_the_command_line_is_taken_back(job):
    outcome, code = undo(job.pk)
    assert isinstance(outcome.pop("seconds"), float)
    assert (outcome, code) == (
        {"job": job.pk, "removed": 1, "restored": 0, "left": 0, "gone": 0, "written": True},
        0,
    )
    assert not Library.objects.exists()


def test_what_is_left_alone_makes_it_exit_with_1(job):
    make_patron(library=Library.objects.get())
    outcome, code = undo(job.pk)
    assert (outcome["left"], code) == (1, 1)
    assert Library.objects.exists()


def test_an_import_that_is_not_there_or_undone_exits_with_2(job):
    undo(job.pk)
    for number in (job.pk, 999_999):
        with pytest.raises(CommandError) as error:
            undo(number)
        assert error.value.returncode == 2


@pytest.mark.parametrize(("answer", "left"), [("yes", 0), ("no", 1)])
def test_it_asks_first(job, monkeypatch, answer, left):
    monkeypatch.setattr("builtins.input", lambda _prompt: answer)
    try:
        call_command("undo_import", str(job.pk), stdout=io.StringIO())
    except CommandError:
        assert answer == "no"
    assert Library.objects.count() == left


def test_a_record_that_is_excepted_stays_and_is_no_failure(job):
    library = Library.objects.get()
    outcome, code = undo(job.pk, "--except", str(library.pk))
    assert (outcome["removed"], outcome["left"], code) == (0, 1, 0)
    assert Library.objects.get() == library


@pytest.mark.parametrize("key", ["999999", "x", ""])
def test_a_record_that_it_did_not_write_can_not_be_excepted(job, key):
    with pytest.raises(CommandError) as error:
        undo(job.pk, f"--except={key}")
    assert error.value.returncode == 2
    assert Library.objects.exists()
