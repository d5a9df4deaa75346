"""What a decision may say, and that there is one of each."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from backoffice.changes.decisions import LONGEST, Decision
from backoffice.changes.models import Change, ImportFile
from library.models import Library

pytestmark = pytest.mark.django_db


@pytest.fixture
def file():
    change = Change.objects.create(model=Library._meta.label, title="branches.csv")
    return ImportFile.objects.create(change=change, resource="x.Y", name="b.csv", size=1)


@pytest.mark.parametrize(
    "fields",
    [
        {"line": 2, "field": "state", "answer": "text", "text": "NY"},
        {"line": 2, "field": "state", "answer": "blank"},
        {"line": 2, "answer": "skip"},
        {"line": 2, "answer": "same", "text": "7"},
        {"line": 2, "answer": "new"},
        {"field": "state", "value": "N/A", "answer": "blank"},
        {"field": "state", "value": "Calif.", "answer": "text", "text": "CA"},
        {"field": "state", "code": "invalid", "answer": "blank"},
        {"field": "name, zip_code", "code": "alike", "answer": "same"},
        {"code": "row", "answer": "skip"},
    ],
)
def test_what_can_be_decided(file, fields):
    Decision(file=file, **fields).full_clean()


@pytest.mark.parametrize(
    "fields",
    [
        {"answer": "skip"},
        {"line": 2, "field": "state", "answer": "skip"},
        {"line": 2, "answer": "text", "text": "NY"},
        {"field": "state", "value": "N/A", "answer": "same"},
        {"code": "row", "answer": "blank"},
        {"field": "state", "value": "x" * (LONGEST + 1), "answer": "blank"},
        {"line": 2, "field": "state", "answer": "text", "text": "N\0Y"},
        {"line": 2, "field": "state", "answer": "blank", "text": "NY"},
    ],
)
def test_what_can_not(file, fields):
    with pytest.raises(ValidationError):
        Decision(file=file, **fields).full_clean()


@pytest.mark.parametrize("line", [2, None])
def test_one_of_each(file, line):
    of = {"file": file, "line": line, "field": "state"}
    Decision.objects.create(**of, answer="text", text="NY")
    with pytest.raises(IntegrityError):
        Decision.objects.create(**of, answer="blank")
