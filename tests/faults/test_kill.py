"""A killed worker leaves everything or nothing written, and its import still ends.

A real worker process on a database of its own, killed at random moments of an import. A few
kills of a smaller file by default; the full run is FAULTS_KILLS=20 FAULTS_ROWS=200000. With
both queues: the database's, and a Redis that is killed too, and knows nothing when it is back.
"""

import os
import random
import time

import pytest

KILLS = int(os.environ.get("FAULTS_KILLS", 3))

pytestmark = pytest.mark.slow


def test_a_killed_worker_leaves_all_or_nothing_and_its_job_ends(house, libraries, rows, queue):
    chance = random.Random(20261124)  # noqa: S311 -- the same moments at every run
    pk = house.start_import(libraries)
    longest = max(1.0, rows / 20_000)  # seconds; about what a step takes
    for _kill in range(KILLS):
        house.start_worker()
        time.sleep(1 + chance.random() * longest)
        house.kill_worker()
        if queue:
            queue.stop()
        _status, _error, *written = house.state(pk, apply=True)
        assert written in ([0, 0], [rows, rows])
        if queue:
            queue.start()

    house.start_worker()
    status, error = house.wait_for_the_end(pk, rows, minutes=2)  # one for each of its steps
    assert status == "done" or "died" in error, house.log()
