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


@pytest.fixture(scope="session")
def _server():
    from tests.buckets import S3  # which takes seconds to load

    s3 = S3()
    yield s3
    s3.stop()


@pytest.fixture
def bucket(_server, settings, monkeypatch, tmp_path):
    """The storage of uploads is a bucket, which is empty."""
    from tests.buckets import STORAGE

    for name, value in _server.environment.items():
        monkeypatch.setenv(name, value)
        if name.startswith("IMPORTS"):
            setattr(settings, name, value)
    settings.IMPORTS_BUCKET_PREFIX = "branch"
    settings.STORAGES = {**settings.STORAGES, "imports": STORAGE}
    settings.DATA_DIR = tmp_path
    for key in _server.listed():
        _server.client.delete_object(Bucket="uploads", Key=key)
    return _server
