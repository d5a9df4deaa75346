import csv
import os
import uuid

import psycopg
import pytest

from tests.faults.house import House
from tests.faults.replicated import ann, bea, site
from tests.redis_server import RedisServer

__all__ = ["ann", "bea", "site"]

#: Of the file; the full run is FAULTS_KILLS=20 FAULTS_ROWS=200000.
ROWS = int(os.environ.get("FAULTS_ROWS", 30_000))


@pytest.fixture(scope="session")
def rows():
    return ROWS


@pytest.fixture
def libraries(tmp_path, rows):
    path = tmp_path / "libraries.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "address", "state", "phone_number", "zip_code"])
        writer.writerows(
            [f"Branch {i}", f"{i} Main Street", "NY", "212-222-6559", "10001"]
            for i in range(rows)
        )
    return path


@pytest.fixture
def new_house(tmp_path):
    """Makes houses on the tests' kind of database: SQLite, or PostgreSQL by DATABASE_URL."""
    server, names = os.environ.get("DATABASE_URL", ""), []
    server = server if server.startswith("postgres") else ""

    def new(folder=tmp_path, *, migrated=True):
        folder.mkdir(exist_ok=True)
        url = ""
        if server:
            names.append(f"faults_{uuid.uuid4().hex[:8]}")
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {names[-1]}")
            url = f"{server.rpartition('/')[0]}/{names[-1]}"
        houses.append(House(folder, url, migrated=migrated))
        return houses[-1]

    houses = []
    yield new
    for house in houses:
        house.kill_worker()
    for name in names:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def house(new_house):
    return new_house()


@pytest.fixture(params=["database", "redis"])
def queue(request, house):
    """The Redis that has the house's queue, or None where the database has it."""
    house.environment["TASKS_URL"] = ""
    if request.param == "database":
        yield None
        return
    server = RedisServer()
    house.environment["TASKS_URL"] = server.url
    yield server
    server.stop()
