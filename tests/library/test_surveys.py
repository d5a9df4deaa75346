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
    """Per match key the values of the first good row; how many rows, and what of the others.

    They have no phone number, say what an earlier one says, or something else of its record.
    """
    rows, total, phones, repeats, differing = {}, 0, 0, 0, 0
    with path.open(encoding="cp1252", newline="") as file:
        for row in csv.DictReader(file):
            total += 1
            phone = PHONE.fullmatch(row["PHONE"])
            if not phone:
                phones += 1
                continue
            # Single blanks: two names that differ in white space alone are one library.
            key = (" ".join(row["LIBNAME"].split()), row["ZIP"])
            values = (" ".join(row["ADDRESS"].split()), row["STABR"], "-".join(phone.groups()))
            if key not in rows:
                rows[key] = values
            elif rows[key] == values:
                repeats += 1
            else:
                differing += 1
    return rows, total, phones, repeats, differing


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
    expected, total, phones, repeats, differing = accepted(path)
    rejects = tmp_path / "rejects.csv"

    outcome = run(path, "--rejects", str(rejects))

    assert counts(outcome) == (total, len(expected), 0, repeats, phones + differing)
    assert counts(outcome) == (17_478, 17_202, 0, 96, 180)
    assert (phones, repeats, differing) == (154, 96, 26)
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
    assert len(errors) == 180
    assert all(re.match(r"row \d+, ", error) for error in errors)
    assert sum("phone_number" in error for error in errors) == 154
    assert sum("Repeats row" in error for error in errors) == 26

    again = run(path)
    assert counts(again) == (17_478, 0, 0, 17_298, 180)
    assert Library.history.count() == 17_202


@pytest.mark.slow
def test_2018_after_2017(shared_data):
    before, *_ = accepted(shared_data / "imls_pls_fy2017_outlets.csv")
    after, _total, _phones, repeats, _differing = accepted(
        shared_data / "imls_pls_fy2018_outlets.csv"
    )
    run(shared_data / "imls_pls_fy2017_outlets.csv")
    assert table() == before

    outcome = run(shared_data / "imls_pls_fy2018_outlets.csv")

    new = len(after.keys() - before.keys())
    updated = sum(before[key] != after[key] for key in after.keys() & before.keys())
    unchanged = len(after) - new - updated + repeats
    assert counts(outcome) == (17_478, new, updated, unchanged, 180)
    assert counts(outcome) == (17_478, 293, 311, 16_694, 180)
    assert table() == before | after
    assert Library.objects.count() == 17_505
