"""A web server with another key than the others' on its database ends, and says why."""

import subprocess
import sys
import time

import pytest

from tests.browser.server import free_port
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
