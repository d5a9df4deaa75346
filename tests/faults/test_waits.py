"""Imports over two web processes and two workers that are killed, stopped and cut off.

All of them end, nothing is lost or doubled, and whoever saves meanwhile is answered. With both
queues: the database's, and a Redis.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path

import psycopg
import pytest

from tests.faults.house import ROOT, servers
from tests.faults.proxy import Proxy
from tests.faults.test_once import SIGN_IN, Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("DATABASE_URL", "").startswith("postgres"),
        reason="several machines need PostgreSQL",
    ),
]
IMPORTS = int(os.environ.get("FAULTS_IMPORTS", 20))
ROWS = 10_000
FAULTS = 4  # of workers; each meets a part of the imports
LONGEST = 30  # seconds until a save is answered
AT_WORK = """
    SELECT count(*) FROM backoffice_change
    WHERE status IN ('checking', 'applying') AND heartbeat > now() - interval '3 s'
"""

QUEUE = """
from backoffice.jobs import tasks
from backoffice.jobs.steps import create_job
from library.resources import LibraryResource
for number in range({first}, {last}):
    rows = [f"N{{number}}-{{i}},1 Main Street,NY,212-222-6559,10001" for i in range({rows})]
    text = chr(10).join(["name,address,state,phone_number,zip_code", *rows])
    tasks.start_check(create_job(LibraryResource, [text.encode()], file_name=f"{{number}}.csv"))
print("queued")
"""
DRIVE = """
import json, time
from backoffice.changes.models import Change, JobStopped
from backoffice.jobs import tasks
from library.models import Library
end = time.monotonic() + 500
while time.monotonic() < end:
    for job in Change.objects.filter(status="checked", waiting="", new__gt=0):
        try:
            tasks.start_apply(job)
        except JobStopped:
            pass
    if Change.objects.filter(status__in=["done", "failed"]).count() == {imports}:
        break
    time.sleep(0.5)
names = Library.objects.filter(name__startswith="N").values_list("name", flat=True)
print(json.dumps([
    sorted(Change.objects.values_list("status", "error")),
    len(names),
    len(set(names)),
    Library.history.filter(name__startswith="N").count(),
]))
"""


class Saver(threading.Thread):
    """Adds libraries one by one, and notes how long each takes to be answered."""

    def __init__(self, url, session):
        super().__init__(daemon=True)
        self.browser = Browser(url, session)
        self.answers, self.done = [], threading.Event()

    def run(self):
        while not self.done.wait(0.5):
            begun = time.monotonic()
            status = self.save()
            self.answers.append((status, time.monotonic() - begun))

    def save(self):
        """The status of the answer; what a killed process takes with it, another gets."""
        address = "/admin/library/library/add/"
        values = {"address": "1", "state": "NY", "phone_number": "212-222-6559"}
        values |= {"name": f"Saved {len(self.answers)}", "zip_code": "10001"}
        while not self.done.is_set():
            try:
                data = self.browser.form(address, "library_form", **values)
                return self.browser.post(address, data)[0]
            except (OSError, HTTPException):
                time.sleep(0.2)
        return None


def start_worker(house, proxy):
    with (house.folder / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "manage.py", "worker", "--no-startup-delay", "--interval=0.2"],
            cwd=ROOT,
            env=house.environment | {"DATABASE_URL": proxy.url},
            stdout=log,
            stderr=log,
        )


def kill_web(url):
    """Kill a process of this server that answers requests; its parent makes another."""
    port = url.rpartition(":")[2].encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"\0PORT=" + port + b"\0" in b"\0" + (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    # The first is the parent, then come the two that began with it.
    os.kill(sorted(found)[1], signal.SIGKILL)


def wait_for_work(house, number):
    """Send a fault its part of the imports, and wait until both workers are at it."""
    part = IMPORTS // FAULTS
    first = number * part
    house.shell(QUEUE.format(first=first, last=first + part, rows=ROWS))
    end = time.monotonic() + 60
    with psycopg.connect(house.environment["DATABASE_URL"], autocommit=True) as connection:
        while connection.execute(AT_WORK).fetchone()[0] < 2:
            assert time.monotonic() < end, house.log()
            time.sleep(0.05)


def test_imports_end_once_whatever_dies_stops_or_is_cut_off(house, queue):
    session = house.shell(SIGN_IN)
    proxies = [Proxy(house.environment["DATABASE_URL"]) for _ in range(2)]
    with ExitStack() as stack:
        url = stack.enter_context(servers(house, IMPORT_IMMEDIATE_ROWS="0"))
        for proxy in proxies:
            stack.callback(proxy.close)
        saver = Saver(url, session)
        saver.start()
        stack.callback(saver.done.set)
        workers = [start_worker(house, proxy) for proxy in proxies]
        stack.callback(lambda: [worker.kill() or worker.wait(10) for worker in workers])
        driver = subprocess.Popen(
            [
                *(sys.executable, "manage.py", "shell", "-v0", "-c"),
                DRIVE.format(imports=IMPORTS),
            ],
            cwd=ROOT,
            env=house.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(driver.wait, 10)
        stack.callback(driver.kill)
        for number in range(2):
            wait_for_work(house, number)
            workers[number].kill()
            workers[number].wait(10)
            workers[number] = start_worker(house, proxies[number])
            kill_web(url)
        wait_for_work(house, 2)
        workers[0].send_signal(signal.SIGSTOP)
        time.sleep(30)
        workers[0].send_signal(signal.SIGCONT)
        wait_for_work(house, 3)
        proxies[1].freeze()
        time.sleep(30)
        proxies[1].thaw()
        told, _errors = driver.communicate(timeout=500)
        saver.done.set()
        saver.join(60)
        took = [seconds for _status, seconds in saver.answers]
        print(f"{len(took)} saves, the longest {max(took):.1f} s")  # noqa: T201
        changes, *numbers = json.loads(told.splitlines()[-1])
        log = house.log()
        assert [status for status, _error in changes] == ["done"] * IMPORTS, (changes, log)
        assert numbers == [IMPORTS * ROWS] * 3, log
        assert {status for status, _seconds in saver.answers} <= {302, 503, None}, saver.answers
        assert len(saver.answers) > 10
        assert max(took) < LONGEST, saver.answers
        assert all(worker.poll() is None for worker in workers), log
