import csv
import os
import uuid

import psycopg
import pytest

from tests.faults.house import House

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
def house(tmp_path):
    """On the database of the tests' own kind: SQLite, or PostgreSQL by DATABASE_URL."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield House(tmp_path, "")
        return
    name = f"faults_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield House(tmp_path, f"{server.rpartition('/')[0]}/{name}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
