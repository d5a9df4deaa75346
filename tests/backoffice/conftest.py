"""Files to import."""

import csv

import pytest


@pytest.fixture
def saved(tmp_path):
    """Writes text or bytes to a file and gives its path."""

    def save(content, name="branches.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return save


@pytest.fixture
def write_csv(tmp_path):
    """`write_csv(*rows)`: the path of a file that has them."""

    def write(*rows):
        path = tmp_path / "file.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        return path

    return write
