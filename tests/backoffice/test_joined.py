"""Static files that are joined of others."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from backoffice.joined import JOINED, JoinedFinder


@pytest.mark.parametrize("name", JOINED)
def test_a_joined_file_has_all_of_its_parts(name):
    text = Path(finders.find(name)).read_text()
    for part in JOINED[name]:
        own = Path(finders.find(part)).read_text()
        assert re.sub(r"@import .*", "", own).strip() in text
        # Addresses in it are of the folder that it is in.
        assert "url(" not in own or part.rpartition("/")[0] == name.rpartition("/")[0]
    assert "@import" not in text


def test_a_part_that_changes_changes_what_is_joined(settings, tmp_path):
    part = tmp_path / "own" / "backoffice" / "menu.css"
    part.parent.mkdir(parents=True)
    settings.STATICFILES_DIRS = [str(tmp_path / "own")]
    settings.DATA_DIR = tmp_path
    for text in ("body { color: red; }", "body { color: blue; }"):
        part.write_text(text)
        finders.get_finder.cache_clear()
        ((name, storage),) = [
            found for found in JoinedFinder().list([]) if found[0].endswith("/backoffice.css")
        ]
        with storage.open(name) as joined:
            assert text.encode() in joined.read()
    finders.get_finder.cache_clear()
