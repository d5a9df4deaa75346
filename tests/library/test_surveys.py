"""The Public Libraries Survey's outlet files import as they come.

What is expected is computed here a second time, by plain Python over the files.
"""

import csv
import io
import json
import re

import pytest
from django.core.management import call_command

from library.models import Library

pytestmark = pytest.mark.django_db

PHONE = re.compile(r"([2-9]\d\d)([2-9]\d\d)(\d{4})")


def accepted(path):
    """Per match key the values of the first good row; how many rows, and why others fail."""
    rows, total, phones, repeats = {}, 0, 0, 0
    with path.open(encoding="cp1252", newline="") as file:
        for row in csv.DictReader(file):
            total += 1
            phone = PHONE.fullmatch(row["PHONE"])
            key = (row["LIBNAME"], row["ZIP"])
            if not phone:
                phones += 1
            elif key in rows:
                repeats += 1
            else:
                rows[key] = (row["ADDRESS"], row["STABR"], "-".join(phone.groups()))
    return rows, total, phones, repeats


def run(path, *args):
    out = io.StringIO()
    call_command(
        "import",
        "library.Library",
        str(path),
        "--on-error",
        "skip",
        "--json",
        *args,
        stdout=out,
    )
    return json.loads(out.getvalue())


def counts(outcome):
    return tuple(outcome[name] for name in ("rows", "new", "updated", "unchanged", "rejected"))


def table():
    rows = Library.objects.values_list("name", "zip_code", "address", "state", "phone_number")
    return {row[:2]: row[2:] for row in rows}


def test_2018_into_an_empty_database_and_again(shared_data, tmp_path):
    path = shared_data / "imls_pls_fy2018_outlets.csv"
    expected, total, phones, repeats = accepted(path)
    rejects = tmp_path / "rejects.csv"

    outcome = run(path, "--rejects", str(rejects))

    assert counts(outcome) == (total, len(expected), 0, 0, phones + repeats)
    assert counts(outcome) == (17_478, 17_202, 0, 0, 276)
    assert (phones, repeats) == (154, 122)
    assert outcome["encoding"] == "cp1252"
    assert outcome["mapping"] == {
        "name": "LIBNAME",
        "address": "ADDRESS",
        "state": "STABR",
        "phone_number": "PHONE",
        "zip_code": "ZIP",
    }
    assert table() == expected
    assert Library.objects.filter(zip_code__startswith="0").count() == 1906
    assert Library.history.count() == 17_202

    with rejects.open(encoding="cp1252", newline="") as file:
        errors = [row["error"] for row in csv.DictReader(file)]
    assert len(errors) == 276
    assert all(re.match(r"row \d+, ", error) for error in errors)
    assert sum("phone_number" in error for error in errors) == 154
    assert sum("Repeats row" in error for error in errors) == 122

    again = run(path)
    assert counts(again) == (17_478, 0, 0, 17_202, 276)
    assert Library.history.count() == 17_202


def test_2018_after_2017(shared_data):
    before, *_ = accepted(shared_data / "imls_pls_fy2017_outlets.csv")
    after, *_ = accepted(shared_data / "imls_pls_fy2018_outlets.csv")
    run(shared_data / "imls_pls_fy2017_outlets.csv")
    assert table() == before

    outcome = run(shared_data / "imls_pls_fy2018_outlets.csv")

    new = len(after.keys() - before.keys())
    updated = sum(before[key] != after[key] for key in after.keys() & before.keys())
    assert counts(outcome) == (17_478, new, updated, len(after) - new - updated, 276)
    assert counts(outcome) == (17_478, 297, 311, 16_594, 276)
    assert table() == before | after
    assert Library.objects.count() == 17_509
