"""PostgreSQL crashes during an import: everything or nothing is written, and it still ends."""

import os
import random
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.house import ROOT, House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("POSTGRES_CRASH"), reason="needs the server of .ci/with-postgres"
    ),
]
CRASHES = int(os.environ.get("FAULTS_KILLS", 3))


class Cluster:
    """A cluster that nothing else uses: other tests' is not for crashing."""

    def __init__(self):
        self.process = subprocess.Popen(
            [".ci/with-postgres", "sh", "-c", 'echo "$DATABASE_URL\n$POSTGRES_CRASH"; cat'],
            cwd=ROOT,
            # What was answered as saved is, whatever crashes but the machine.
            env=os.environ | {"POSTGRES_OPTIONS": "-c synchronous_commit=on"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self.process.stdout.readline().strip()
        self.crash_command = shlex.split(self.process.stdout.readline())

    def crash(self):
        subprocess.run(self.crash_command, cwd="/", check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        self._control("stop", "--mode", "immediate")

    def start(self):
        options = shlex.split((self.folder / "postmaster.opts").read_text())[3:]  # not -D
        self._control("start", "-o", shlex.join(options))

    def _control(self, what, *options):
        crash = self.crash_command
        before, place = crash[: crash.index("restart")], crash[crash.index("-D") :]
        command = [*before, what, "--silent", "--wait", *place, *options]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL)

    @property
    def folder(self):
        return Path(self.crash_command[self.crash_command.index("-D") + 1])

    def remove(self):
        self.process.communicate()


@pytest.fixture
def cluster():
    cluster = Cluster()
    yield cluster
    cluster.remove()


def test_a_crash_of_the_database_leaves_all_or_nothing_and_the_job_ends(
    cluster, tmp_path, libraries, rows
):
    chance = random.Random(20261125)  # noqa: S311 -- the same moments at every run
    house = House(tmp_path, cluster.url)
    try:
        pk = house.start_import(libraries)
        house.start_worker()
        for _crash in range(CRASHES):
            time.sleep(1 + chance.random() * max(1.0, rows / 20_000))
            cluster.crash()
            _status, _error, *written = house.state(pk, apply=True)
            assert written in ([0, 0], [rows, rows])
        assert house.worker.poll() is None, house.log()  # it outlives its database
        house.wait_for_the_end(pk, rows, minutes=2 + CRASHES)
    finally:
        house.kill_worker()
