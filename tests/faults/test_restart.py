"""PostgreSQL crashes during an import: everything or nothing is written, and it still ends."""

import os
import random
import shlex
import subprocess
import time
from collections import Counter
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


def test_crashes_of_the_database_leave_all_or_nothing_and_each_job_ends(
    cluster, tmp_path, libraries, rows
):
    """Another file is sent before each: whoever was cut off is taken up only after a while."""
    chance = random.Random(20261125)  # noqa: S311 -- the same moments at every run
    house = House(tmp_path, cluster.url)
    text, met, back = libraries.read_text(), [], []
    try:
        house.start_worker()
        for number in range(CRASHES):
            libraries.write_text(text.replace("Branch", f"Branch {number}"))
            house.start_import(libraries)
            time.sleep(chance.random() * max(2.0, rows / 10_000))
            states, *written = house.imports()
            assert_whole(written, rows)
            time.sleep(chance.random() / 2)
            met += [state for state in states if state in ("checking", "applying")]
            cluster.crash()
            crashed = time.monotonic()
            _states, *written = house.imports()
            back.append(time.monotonic() - crashed)
            assert_whole(written, rows)
        assert house.worker.poll() is None, house.log()  # it outlives its database
        end = time.monotonic() + 60 * (2 + CRASHES)
        while not {*states} <= {"done", "failed"}:
            assert time.monotonic() < end, (states, house.log())
            time.sleep(0.5)
            states, *written = house.imports()
    finally:
        house.kill_worker()
    print(f"{CRASHES} crashes met {Counter(met)}, back in {max(back):.1f} s: {Counter(states)}")  # noqa: T201
    assert "died" in house.log()
    assert written == [states.count("done") * rows] * 3


def assert_whole(written, rows):
    """All of some files, once: of libraries, of their names and of their history."""
    assert len({*written}) == 1, written
    assert written[0] % rows == 0
