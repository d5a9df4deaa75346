"""A database and a DATA_DIR of their own, and the processes on them."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from tests.browser.server import free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]

START = """
from pathlib import Path
from backoffice.jobs import tasks
from backoffice.jobs.steps import create_job
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
from backoffice.jobs import tasks
from backoffice.changes.models import Change
from library.models import Library
job = Change.objects.get(pk={pk})
if job.status == "checked" and {apply} and not job.runs and not job.waiting:
    tasks.start_apply(job)
print(json.dumps([job.status, job.error, Library.objects.count(), Library.history.count()]))
"""
IMPORTS = """
import json
from django.db import connection
from backoffice.changes.models import Change
from backoffice.jobs import tasks
for job in Change.objects.filter(status="checked", waiting="", runs=0):
    tasks.start_apply(job)
with connection.cursor() as cursor:
    cursor.execute(  # at one moment
        "SELECT (SELECT count(*) FROM library_library),"
        " (SELECT count(DISTINCT name) FROM library_library),"
        " (SELECT count(*) FROM library_historicallibrary)"
    )
    written = cursor.fetchone()
states = list(Change.objects.order_by("pk").values_list("status", flat=True))
print(json.dumps([states, *written]))
"""


class House:
    def __init__(self, folder, database_url, *, migrated=True):
        self.environment = os.environ | {
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url or f"sqlite:///{folder / 'db.sqlite3'}",
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
            "EXTRA_APPS": "",
            "IMPORT_IMMEDIATE_ROWS": "0",
        }
        self.folder, self.worker = folder, None
        if migrated:
            self.run("migrate", "-v0")

    def run(self, *arguments, typed=None):
        done = self.attempt(*arguments, typed=typed)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def attempt(self, *arguments, typed=None):
        """The process of a command that may fail; `typed` is read by it."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
        )

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

    def json(self, code):
        """What the code prints last, read as JSON."""
        return json.loads(self.shell(code))

    def state(self, pk, *, apply):
        return self.json(STATE.format(pk=pk, apply=apply))

    def imports(self):
        """The statuses of all, and how many libraries there are, names of them and records.

        What is checked is written next.
        """
        return self.json(IMPORTS)

    def start_import(self, path):
        """Upload the file and have it checked; the job's key."""
        return int(self.shell(START.format(path=str(path))))

    def wait_for_the_end(self, pk, rows, minutes):
        """The status and error that the job comes to; all or nothing on the way."""
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            status, error, libraries, history = self.state(pk, apply=True)
            assert (libraries, history) in ((0, 0), (rows, rows))
            if status in ("done", "failed"):
                break
            time.sleep(0.5)
        assert status in ("done", "failed"), self.log()
        assert libraries == (rows if status == "done" else 0)
        return status, error

    def log(self):
        return (self.folder / "worker.log").read_text()


@contextmanager
def servers(house, **variables):
    """The address of gunicorn with two processes, until the block ends."""
    port = free_port()
    environment = house.environment | {
        "DEBUG": "on",  # so that static files need no collecting
        "IMPORT_IMMEDIATE_ROWS": "1000",
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        **variables,
    }
    log = house.folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "backoffice.wsgi"],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=out,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/admin/login/", process, log, seconds=120)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
        print(log.read_text()[-3000:])  # noqa: T201 -- shown where a test fails
