"""Backups without processes of their own; tests/faults has those that put one back."""

import io
import os
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from backoffice.backups import archive, restore
from backoffice.backups.archive import BackupError, reading
from backoffice.backups.backup import back_up
from backoffice.backups.databases import SQLite
from backoffice.changes.models import Change

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="a test's transaction hides it"),
]


def small_copy(self, target):
    with closing(sqlite3.connect(target)) as copy:
        copy.execute("CREATE TABLE small AS SELECT 1")
        copy.commit()
    return {"small": 1}


@pytest.fixture
def folder(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path / "data"
    (tmp_path / "data" / "imports" / "a").mkdir(parents=True)
    (tmp_path / "data" / "imports" / "a" / "upload").write_bytes(b"name")
    (tmp_path / "data" / "secret_key").write_text("key")
    # The tests' own is in memory, and in a transaction.
    monkeypatch.setattr(SQLite, "size", lambda self: 0)
    monkeypatch.setattr(SQLite, "copy", small_copy)
    return tmp_path / "backups"


@pytest.mark.skipif("IMPORTS_BUCKET" in os.environ, reason="see below")
def test_a_backup_has_rows_files_and_a_manifest(folder):
    path = back_up(folder)
    with reading(path) as backup:
        assert sorted(backup.names()) == ["data/imports/a/upload", "data/secret_key"]
        assert backup.manifest.rows == {"small": 1}
    assert restore.verify(path).vendor == "sqlite"
    assert [each.name for each in folder.iterdir()] == [path.name]


def test_rows_that_are_not_those_of_the_manifest_are_told(folder, monkeypatch):
    path = back_up(folder)
    monkeypatch.setattr(SQLite, "verify", lambda self, *_: dict.fromkeys(_[2], 7))
    with pytest.raises(BackupError, match="has 7 rows"):
        restore.verify(path)


def test_two_of_one_second_are_two_files(folder, monkeypatch):
    monkeypatch.setattr("backoffice.backups.backup.stamp", lambda: "20261127T023829Z")
    names = [back_up(folder).name for _number in range(3)]
    first = "backoffice-20261127T023829Z"
    assert names == [f"{first}.tar", f"{first}-2.tar", f"{first}-3.tar"]
    assert sorted(names) == sorted(path.name for path in folder.iterdir())


def test_what_does_not_fit_leaves_nothing(folder, monkeypatch):
    monkeypatch.setattr(SQLite, "size", lambda self: 10**18)
    with pytest.raises(BackupError, match="MB free"):
        back_up(folder)
    assert list(folder.iterdir()) == []


@pytest.mark.skipif("IMPORTS_BUCKET" in os.environ, reason="a bucket has no folders")
def test_uploads_that_can_t_be_read_are_not_left_out(folder, monkeypatch):
    scandir = os.scandir

    def refuse(path="."):
        if str(path).endswith("imports/a"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(BackupError, match="Permission denied"):
        back_up(folder)
    assert list(folder.iterdir()) == []


def test_what_was_going_on_stops(folder):
    undone = Change.objects.create(model="library.Library", title="a", status="undoing")
    undo = {"kind": "undo", "undoes": undone, "status": "checked"}
    changes = [
        Change.objects.create(model="library.Library", title="b", status="checking"),
        Change.objects.create(model="library.Library", title="c", waiting="checking"),
        Change.objects.create(model="library.Library", title="d", **undo),
    ]
    restore.settle()
    for change in [undone, *changes]:
        change.refresh_from_db()
    assert [change.status for change in changes] == ["failed", "uploaded", "failed"]
    assert (undone.status, changes[1].waiting) == ("done", "")


@pytest.mark.parametrize("why", [EOFError, KeyboardInterrupt])
def test_where_nobody_answers_nothing_is_restored(folder, monkeypatch, why):
    def nobody(question):
        raise why

    monkeypatch.setattr("builtins.input", nobody)
    with pytest.raises(CommandError, match="Nothing was restored"):
        call_command("restore", str(folder / "a.tar"))


def test_root_does_not_restore_what_the_user_of_the_site_could_not_read(
    folder, settings, monkeypatch
):
    path = back_up(folder)
    if os.geteuid() == 0:
        os.chown(settings.DATA_DIR, 7, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(BackupError, match=r"Restore as that user: sudo -u \S+ …"):
        restore.restore(path)


@pytest.mark.parametrize("content", [b"[]", b'{"format": 1}', b"\xff", b"[" * 5])
def test_a_manifest_that_is_none_is_told(folder, content):
    path = folder / "bad.tar"
    folder.mkdir()
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("manifest.json")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    with pytest.raises(BackupError, match="no whole backup"):
        restore.verify(path)


@pytest.mark.parametrize("name", ["data", "data/x", "/data/imports", "data/imports/../../a"])
def test_a_name_that_leads_elsewhere_is_refused(folder, monkeypatch, name):
    path = back_up(folder)
    of = archive.Manifest.of

    def altered(content):
        found = of(content)
        found.digests[name] = ""
        return found

    monkeypatch.setattr(archive.Manifest, "of", altered)
    with pytest.raises(BackupError, match="where none belongs"):
        restore.verify(path)


@pytest.fixture
def restorable(folder, monkeypatch):
    """A backup; the database is not replaced."""
    monkeypatch.setattr(SQLite, "demand_quiet", lambda self: None)
    monkeypatch.setattr(SQLite, "replace", lambda self, source: None)
    return back_up(folder)


@pytest.mark.skipif("IMPORTS_BUCKET" in os.environ, reason="a bucket has no half files")
def test_where_there_is_no_room_nothing_half_stays(restorable, settings, monkeypatch):
    def full(source, target):
        Path(target).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.move", full)
    there = sorted(Path(settings.DATA_DIR).rglob("*"))
    with pytest.raises(BackupError, match="No space left"):
        restore.restore(restorable, keep_present=False)
    assert sorted(Path(settings.DATA_DIR).rglob("*")) == there


def test_what_was_replaced_is_said_where_it_can_t_be_brought_up_to_date(
    restorable, monkeypatch
):
    def full(*words, **options):
        raise DatabaseError("could not extend file")

    monkeypatch.setattr(restore, "_behind", lambda: True)
    monkeypatch.setattr(restore, "call_command", full)
    with pytest.raises(BackupError, match=r"in its place, .* could not extend file\. Mend"):
        restore.restore(restorable, keep_present=False)


def test_the_command_says_where_the_backup_is_or_why_there_is_none(folder, monkeypatch):
    said = io.StringIO()
    call_command("backup", folder, verify=True, stdout=said)
    (path,) = folder.iterdir()
    assert said.getvalue() == f"Written: {path}\n"
    monkeypatch.setattr(SQLite, "size", lambda self: 10**18)
    with pytest.raises(CommandError, match="MB free"):
        call_command("backup", folder)


def test_what_is_no_address_of_a_database_is_refused():
    with pytest.raises(CommandError, match="no address of a database"):
        call_command("move_database", "nonsense:// x")


def test_uploads_in_a_bucket_are_backed_up_and_put_back(folder, bucket, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    one, two = "a" * 43, "b" * 43
    for name in (f"{one}/upload", f"{two}/upload", "another/file"):
        bucket.client.put_object(Bucket="uploads", Key=f"branch/{name}", Body=name.encode())
    path = back_up(folder)
    with reading(path) as backup:
        names = [f"data/imports/{n}/upload" for n in (one, two)] + ["data/secret_key"]
        assert sorted(backup.names()) == names
        settings.DATA_DIR = tmp_path / "another"
        bucket.client.delete_object(Bucket="uploads", Key=f"branch/{one}/upload")
        bucket.client.put_object(Bucket="uploads", Key=f"branch/{two}/upload", Body=b"as it is")
        for name in names[:2]:
            target = tmp_path / "own" / name
            target.parent.mkdir(parents=True)
            backup.extract(name, target)
    restore._put_files(tmp_path / "own" / "data")
    read = {
        key: bucket.client.get_object(Bucket="uploads", Key=key)["Body"].read()
        for key in bucket.listed()
    }
    assert read.pop("branch/another/file")
    own = f"{one}/upload"
    assert read == {f"branch/{own}": own.encode(), f"branch/{two}/upload": b"as it is"}


def test_a_bucket_that_does_not_answer_is_no_backup(folder, bucket, settings):
    settings.IMPORTS_BUCKET_ENDPOINT = "http://127.0.0.1:1"
    settings.STORAGES = {**settings.STORAGES}
    with pytest.raises(BackupError, match="Could not connect"):
        back_up(folder)
    assert list(folder.iterdir()) == []
