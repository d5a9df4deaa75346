"""Redis is killed and comes back empty, and so do workers: all is done once."""

import time

import pytest

from tests.faults.house import House
from tests.redis_server import RedisServer

pytestmark = pytest.mark.slow

FILES, ROUNDS = 4, 4
START = """
from backoffice.jobs import tasks
from backoffice.jobs.steps import create_job
from library.resources import LibraryResource
for file in range({files}):
    lines = [b"name,address,state,phone_number,zip_code\\n"]
    lines += [
        f"Branch {{file}}-{{i}},{{i}} Main Street,NY,212-222-6559,10001\\n".encode()
        for i in range({rows})
    ]
    job = create_job(LibraryResource, lines, file_name=f"{{file}}.csv")
    tasks.start_check(job)
"""


@pytest.fixture
def redis():
    redis = RedisServer()
    yield redis
    redis.stop()


def test_nothing_is_lost_or_doubled(house, rows, redis):
    rows = rows // 5
    house.environment["TASKS_URL"] = redis.url
    other = House.__new__(House)  # a second machine: the same data, a worker of its own
    vars(other).update(vars(house))
    house.shell(START.format(files=FILES, rows=rows) + "print(1)")
    try:
        for round_ in range(ROUNDS):
            for each in (house, other):
                if each.worker is None:
                    each.start_worker()
            time.sleep(2.5)
            (house, other)[round_ % 2].kill_worker()
            redis.stop()
            house.imports()  # asks for what comes next while Redis is away
            redis.start()
        for each in (house, other):
            if each.worker is None:
                each.start_worker()
        end = time.monotonic() + 180
        while time.monotonic() < end:
            states, *found = house.imports()
            if set(states) <= {"done", "failed"}:
                break
            time.sleep(1)
    finally:
        other.kill_worker()
    assert states == ["done"] * FILES, house.log()
    assert found == [FILES * rows] * 3
