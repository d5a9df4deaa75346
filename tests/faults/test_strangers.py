"""A web server with another key than the others' on its database ends, and says why."""

import subprocess
import sys
import time

import pytest

from backoffice.machines import Shared
from tests.browser.server import free_port, wait_for
from tests.faults.house import ROOT, servers

pytestmark = pytest.mark.slow

START = """
import time
from backoffice.machines import demand_same
time.sleep(max(0, {at} - time.time()))
demand_same()
"""
SET = """
import json
from django.conf import settings
from backoffice.machines import Shared
token = (settings.DATA_DIR / "store").read_text()
print(json.dumps([Shared.objects.count(), Shared.objects.get(name="data").value == token]))
"""


def test_of_many_that_start_at_once_one_is_the_first(house):
    command = [sys.executable, "manage.py", "shell", "-v0", "-c"]
    command.append(START.format(at=time.time() + 12))  # when all have begun
    started = [
        subprocess.Popen(command, cwd=ROOT, env=house.environment, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    said = [each.communicate(timeout=120)[1] for each in started]
    assert [each.returncode for each in started] == [0] * 4, said
    assert house.json(SET) == [2, True]


def test_a_stranger_does_not_serve_and_the_others_serve_on(house):
    with servers(house):
        pass  # the first
    command = [sys.executable, "-m", "gunicorn", "backoffice.wsgi"]
    environment = house.environment | {"PORT": str(free_port()), "SECRET_KEY": "another"}
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 3
    assert "The secret key of this machine is not the one that" in ended.stderr
    assert "Traceback" not in ended.stderr
    own = house.environment
    house.environment = environment
    refused = house.attempt("worker", "--batch")
    house.environment = own
    assert refused.returncode == 1
    assert "manage.py adopt key" in refused.stderr
    with servers(house):
        pass


RENAME = (
    "from django.db import connection as c; c.cursor().execute('ALTER TABLE {} RENAME TO {}')"
)


def test_a_stranger_that_began_without_the_database_ends_when_it_is_there(house):
    with servers(house):
        pass  # the first
    there, away = Shared._meta.db_table, "hidden"
    house.run("shell", "-v0", "-c", RENAME.format(there, away))
    port = str(free_port())
    command = [sys.executable, "-m", "gunicorn", "backoffice.wsgi"]
    environment = house.environment | {"PORT": port, "SECRET_KEY": "another"}
    log = house.folder / "stranger.log"
    with (
        log.open("w") as stream,
        subprocess.Popen(command, cwd=ROOT, env=environment, stderr=stream) as process,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/live", process, log)
            house.run("shell", "-v0", "-c", RENAME.format(away, there))
            assert process.wait(60) == 3
        finally:
            process.kill()
    said = log.read_text()
    assert "Not compared with other machines" in said
    assert "The secret key of this machine is not the one that" in said
