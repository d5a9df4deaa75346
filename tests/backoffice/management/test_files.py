import os
from contextlib import suppress
from pathlib import Path

from backoffice.management.files import replacing


def test_a_file_is_replaced_when_it_is_complete(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with suppress(ZeroDivisionError), replacing(path) as file:
        file.write(b"half")
        1 / 0  # noqa: B018
    assert path.read_text() == "old"
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_who_may_read_it_stays_as_it_was(tmp_path):
    path = tmp_path / "a.csv"
    path.touch(mode=0o600)
    with replacing(path) as file:
        file.write(b"new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_a_link_leads_to_is_replaced(tmp_path):
    path, link = tmp_path / "a.csv", tmp_path / "link"
    link.symlink_to(path)
    for text in (b"first", b"second"):
        with replacing(link) as file:
            file.write(text)
        assert link.is_symlink()
        assert path.read_bytes() == text


def test_a_device_is_written_to(tmp_path):
    reader, writer = os.pipe()
    with replacing(Path(f"/dev/fd/{writer}")) as file:
        file.write(b"text")
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        assert file.read() == b"text"
