"""A worker that is killed leaves all or nothing, and its job comes to an end.

A real worker process on a database of its own, killed at random moments of an import. A few
kills of a smaller file by default; the full run is FAULTS_KILLS=20 FAULTS_ROWS=200000.
"""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("FAULTS_KILLS", 3))
ROWS = int(os.environ.get("FAULTS_ROWS", 30_000))
MINUTE = 60

START = """
from pathlib import Path
from backoffice import tasks
from backoffice.imports.jobs import create_job
from library.resources import LibraryResource
path = Path({path!r})
with path.open("rb") as file:
    blocks = iter(lambda: file.read(1 << 20), b"")
    job = create_job(LibraryResource, blocks, file_name=path.name)
tasks.start_check(job)
print(job.pk)
"""
STATE = """
import json
from backoffice import tasks
from backoffice.models import ImportJob
from library.models import Library
job = ImportJob.objects.get(pk={pk})
if job.status == "checked" and {apply} and not job.runs:
    tasks.start_apply(job)
print(json.dumps([job.status, job.error, Library.objects.count(), Library.history.count()]))
"""


class House:
    """A database and a DATA_DIR of their own, and the processes on them."""

    def __init__(self, folder, database_url):
        self.environment = os.environ | {
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url or f"sqlite:///{folder / 'db.sqlite3'}",
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
            "EXTRA_APPS": "",
            "IMPORT_IMMEDIATE_ROWS": "0",
        }
        self.folder, self.worker = folder, None
        self.run("migrate", "-v0")

    def run(self, *arguments):
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shell(self, code):
        return self.run("shell", "-v0", "-c", code).strip().splitlines()[-1]

    def start_worker(self):
        with (self.folder / "worker.log").open("ab") as log:
            self.worker = subprocess.Popen(
                [sys.executable, "manage.py", "worker", "--no-startup-delay", "--interval=0.2"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def kill_worker(self):
        if self.worker:
            self.worker.send_signal(signal.SIGKILL)
            self.worker.wait(10)
            self.worker = None

    def state(self, pk, *, apply):
        return json.loads(self.shell(STATE.format(pk=pk, apply=apply)))


@pytest.fixture
def house(tmp_path):
    url, name = os.environ.get("DATABASE_URL", ""), f"faults_{uuid.uuid4().hex[:8]}"
    if not url.startswith("postgres"):
        url = ""
    server = url
    if server:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = f"{server.rpartition('/')[0]}/{name}"
    house = House(tmp_path, url)
    yield house
    house.kill_worker()
    if server:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def libraries(tmp_path):
    path = tmp_path / "libraries.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "address", "state", "phone_number", "zip_code"])
        writer.writerows(
            [f"Branch {i}", f"{i} Main Street", "NY", "212-222-6559", "10001"]
            for i in range(ROWS)
        )
    return path


def test_a_killed_worker_leaves_all_or_nothing_and_its_job_ends(house, libraries):
    chance = random.Random(20261124)  # noqa: S311 -- the same moments at every run
    pk = int(house.shell(START.format(path=str(libraries))))
    longest = max(1.0, ROWS / 20_000)  # seconds; about what a step takes
    for _kill in range(KILLS):
        house.start_worker()
        time.sleep(1 + chance.random() * longest)
        house.kill_worker()
        _status, _error, rows, history = house.state(pk, apply=True)
        assert (rows, history) in ((0, 0), (ROWS, ROWS))

    house.start_worker()
    end = time.monotonic() + 2 * MINUTE  # one for each of its two steps
    while time.monotonic() < end:
        status, error, rows, history = house.state(pk, apply=True)
        assert (rows, history) in ((0, 0), (ROWS, ROWS))
        if status in ("done", "failed"):
            break
        time.sleep(0.5)
    assert status == "done" or "died" in error, (house.folder / "worker.log").read_text()
    assert rows == (ROWS if status == "done" else 0)
