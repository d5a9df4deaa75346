import csv
import os

import pytest

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
