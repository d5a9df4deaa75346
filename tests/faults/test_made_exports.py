"""A real worker, killed while it writes an export: no half is offered, and it is made anew."""

import time

import pytest

pytestmark = pytest.mark.slow

ROWS = 200_000
ASK = f"""
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from backoffice.jobs.exports import create_export
from backoffice.jobs.tasks import check, enqueue
from library.models import Library
user = User.objects.create_superuser("ann")
Library.objects.bulk_create(
    (
        Library(name=f"B {{n}}", address=f"{{n}} St", state="NY", zip_code="10001")
        for n in range({ROWS})
    ),
    batch_size=5000,
)
form = {{"format": "0", "resource": "0"}}
form |= {{f"libraryresource_{{name}}": "on" for name in ("name", "number_of_patrons")}}
with transaction.atomic():
    made = create_export(
        Library, user=user, site="admin", query="o=-1", ticked=[], form=form, name="l.csv",
        content_type="text/csv",
    )
    enqueue(check, made.change)
print(made.pk)
"""
STATE = """
import json
from backoffice.changes import files
from backoffice.exports.made import ExportFile
made = ExportFile.objects.select_related("change").get()
kept = {path.name: path.stat().st_size for path in files.root().rglob("*") if path.is_file()}
print(json.dumps([made.change.status, made.change.error, made.file, kept, made.size]))
"""
LINES = """
from backoffice.exports.made import ExportFile
made = ExportFile.objects.get()
with made.fetch(made.file).open("rb") as file:
    lines = file.read().splitlines()
print(len(lines), lines[1].decode(), lines[-1].decode())
"""


def wait_until(house, reached, seconds=120):
    end = time.monotonic() + seconds
    while not reached(state := house.json(STATE)):
        assert time.monotonic() < end, (state, house.log())
        time.sleep(0.5)
    return state


def test_a_killed_worker_leaves_no_half_export_and_it_is_made_anew(house):
    house.shell(ASK)
    house.start_worker()
    files = house.folder / "imports"
    end = time.monotonic() + 120
    while not any(path.stat().st_size for path in files.rglob("*") if path.is_file()):
        assert time.monotonic() < end, house.log()
        time.sleep(0.01)
    house.kill_worker()
    status, _error, file, kept, _size = house.json(STATE)
    assert (status, file) == ("checking", "")
    (half,) = kept
    house.start_worker()
    status, error, file, kept, size = wait_until(house, lambda s: s[0] in ("done", "failed"))
    assert (status, error) == ("done", ""), house.log()
    wait_until(house, lambda s: list(s[3]) == [file])  # the half is removed after the end
    assert half != file
    assert kept[file] == size
    assert house.shell(LINES).split() == [str(ROWS + 1), "B", "99999,0", "B", "0,0"]
