"""Feeds while workers are killed: each file is imported once, whole, and moved."""

import os
import random
import time

import pytest

from tests.faults.house import House

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("FAULTS_KILLS", 3))
FILES, ROWS = 4, int(os.environ.get("FAULTS_ROWS", 30_000)) // 10
PROFILE = """
from django.contrib.auth.models import User
from backoffice.changes.profiles import Profile
owner = User.objects.create_superuser("owner", password="x")
Profile.objects.create(name="county", model="library.Library", owner=owner,
                       resource="library.resources.LibraryResource")
print("made")
"""
STATE = """
import json
from backoffice.changes.models import Change
from library.models import Library
statuses = sorted(Change.objects.values_list("status", flat=True))
print(json.dumps([statuses, Library.objects.count(), Library.history.count()]))
"""


def test_each_file_is_imported_once_while_workers_are_killed(house: House, tmp_path):
    folder = tmp_path / "feeds" / "county"
    folder.mkdir(parents=True)
    house.environment |= {
        "IMPORT_FOLDER": str(folder.parent),
        "IMPORT_FOLDER_QUIET_SECONDS": "1",
    }
    house.shell(PROFILE)
    header = "name,address,state,phone_number,zip_code\n"
    for number in range(FILES):
        rows = "".join(
            f"Branch {number} {row},1 Main Street,NY,212-222-6559,10001\n"
            for row in range(ROWS)
        )
        (folder / f"{number}.part").write_text(header + rows)
        (folder / f"{number}.part").rename(folder / f"{number}.csv")
    chance = random.Random(20261126)  # noqa: S311 -- the same moments at every run
    for _kill in range(KILLS):
        house.start_worker()
        time.sleep(7 + chance.random() * 10)
        house.kill_worker()
    house.start_worker()
    end = time.monotonic() + 300
    while time.monotonic() < end and list(folder.glob("*.csv")):
        time.sleep(2)
    statuses, libraries, records = house.json(STATE)
    assert statuses == ["done"] * FILES, house.log()
    assert (libraries, records) == (FILES * ROWS, FILES * ROWS)
    done = sorted(path.name for path in (folder / "done").iterdir())
    assert len(done) == 2 * FILES
    assert not (folder / "rejected").exists()
