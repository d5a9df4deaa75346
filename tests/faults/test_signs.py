"""Workers on SQLite are seen while one of them writes for long, and not when they are gone."""

import os
import sqlite3
import time
from contextlib import closing

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("DATABASE_URL", "").startswith("postgres"),
        reason="PostgreSQL lets many write",
    ),
]
LOOK = """
import json
from backoffice.health.checks import worker
from backoffice.jobs import workers
print(json.dumps([workers.ages(), workers.alive(), worker().problem]))
"""
LONG_AGO = "UPDATE backoffice_worker SET seen_at = '2026-01-01 00:00:00'"


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_worker_is_seen_while_the_database_takes_no_sign(house):
    def signs():
        return list(house.folder.glob("db.sqlite3-worker-*"))

    house.start_worker()
    wait_for(lambda: house.json(LOOK)[1])
    path = house.folder / "db.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as writer:
        writer.execute(LONG_AGO)
        writer.execute("BEGIN IMMEDIATE")
        writer.execute(LONG_AGO)  # for the sign that may have come between
        writer.execute("COMMIT")
        writer.execute("BEGIN IMMEDIATE")
        (sign,) = signs()
        begun = sign.stat().st_mtime
        wait_for(lambda: sign.stat().st_mtime > begun)
        (age,), alive, problem = house.json(LOOK)
        assert (alive, problem) == (1, "")
        assert age < 30

        house.kill_worker()
        os.utime(sign, (begun - 100, begun - 100))
        (age,), alive, problem = house.json(LOOK)
        assert alive == 0
        assert age > 100
        assert "No worker has been seen in the last" in problem
        writer.execute("ROLLBACK")
    house.start_worker()
    wait_for(lambda: house.json(LOOK)[1])
    (other,) = signs()  # that of the dead one is removed
    assert other != sign
    house.worker.terminate()
    house.worker.wait(30)
    assert signs() == []
    house.worker = None
