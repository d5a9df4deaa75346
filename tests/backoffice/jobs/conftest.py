"""A folder of feeds."""

import pytest

from tests.backoffice.jobs.feeding import HEADER, make_profile


@pytest.fixture
def root(settings, tmp_path):
    settings.DATA_DIR, settings.IMPORT_FOLDER = tmp_path / "data", str(tmp_path / "feeds")
    settings.IMPORT_FOLDER_QUIET_SECONDS = 0
    return tmp_path / "feeds"


@pytest.fixture
def profile(root):
    return make_profile()


@pytest.fixture
def drop(root):
    """Puts a file into a profile's folder, and gives its path."""

    def drop(*rows, name="f.csv", profile="Supplier"):
        folder = root / profile
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(HEADER + "".join(rows))
        return folder / name

    return drop
