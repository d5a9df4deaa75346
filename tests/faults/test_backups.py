"""A backup is whole whatever goes on meanwhile; what is put back is what was there."""

import os
import re
import secrets
import shutil
import signal
import sqlite3
import stat
import tarfile
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.faults.house import House

pytestmark = pytest.mark.slow

SQLITE = not os.environ.get("DATABASE_URL", "").startswith("postgres")
on_sqlite = pytest.mark.skipif(not SQLITE, reason="of SQLite's files")
on_postgresql = pytest.mark.skipif(SQLITE, reason="of PostgreSQL's roles and schemas")
#: Every row of the house, but sessions, and what goes on by itself.
ALL = """
import hashlib, json
from django.apps import apps
rows = {}
for model in apps.get_models(include_auto_created=True):
    opts = model._meta
    if opts.managed and not opts.proxy and opts.model_name not in ("worker", "shared"):
        found = sorted(map(repr, model._base_manager.values_list()))
        rows[opts.db_table] = [len(found), hashlib.sha256(repr(found).encode()).hexdigest()]
print(json.dumps(rows))
"""
WORKERS = """
from backoffice.jobs import workers
print(workers.alive())
"""
GONE = """
from backoffice.jobs.workers import Worker
print(Worker.objects.all().delete())
"""
JOB = """
import json
from backoffice.changes.models import Change
job = Change.objects.get(pk={pk})
print(json.dumps([job.status, job.error, job.waiting]))
"""
RUNS = """
from django.utils import timezone
from backoffice.changes.models import Change
Change.objects.filter(pk={pk}).update(
    status={status!r}, waiting="", claim="c", heartbeat=timezone.now()
)
print(1)
"""
TASKS = """
from django_tasks_db.models import DBTaskResult
print(DBTaskResult.objects.filter(status__in=["READY", "RUNNING"]).count())
"""
AGAIN = """
from backoffice.changes.models import Change
from backoffice.jobs import tasks
job = Change.objects.get(pk={pk})
assert job.status == "uploaded" or job.reopen()
tasks.start_check(job)
print(1)
"""


ENDED = """
import os
from pathlib import Path
from backoffice.backups import databases
from backoffice.backups.backup import back_up
def end(*arguments):
    os.kill(os.getpid(), {number})
databases._count_by = databases._count = end
back_up(Path({folder!r}))
"""


def back_up(house, folder):
    """The backup's path."""
    return house.run("backup", str(folder)).strip().rpartition(": ")[2]


def rewritten(backup, path, *, change):
    """The backup with each file as `change(name, content)` gives it; None leaves it out."""
    with tarfile.open(backup) as old, tarfile.open(path, "w") as new:
        for member in old:
            content = change(member.name, old.extractfile(member).read())
            if content is not None:
                member.size = len(content)
                (path.parent / "part").write_bytes(content)
                with (path.parent / "part").open("rb") as file:
                    new.addfile(member, file)
    return path


def test_what_was_backed_up_is_put_back(new_house, tmp_path):
    house = new_house(tmp_path / "one")
    house.run("loaddata", "-v0", "tutorial", "roles", "demo")
    before = house.json(ALL)
    upload = tmp_path / "one" / "imports" / "abc" / "deeper" / "upload"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"name")
    (tmp_path / "one" / "secret_key").write_text("one")
    backup = back_up(house, tmp_path / "backups")
    assert stat.S_IMODE(os.stat(backup).st_mode) == 0o600
    assert "is whole" in house.run("restore", backup, "--verify")
    house.shell("from library.models import Library; Library.objects.all().delete(); print(1)")
    shutil.rmtree(upload.parent)
    said = house.run("restore", backup, "--yes")
    assert "What was there is kept in" in said
    assert house.json(ALL) == before
    assert upload.read_bytes() == b"name"
    house.shell("from library.models import Library; print(Library.objects.create().pk)")

    other, key = new_house(tmp_path / "two", migrated=False), tmp_path / "two" / "secret_key"
    key.write_text("two")
    other.run("restore", backup, "--yes")
    assert other.json(ALL) == before
    assert key.read_text() == "one"
    assert [path.read_text() for path in key.parent.glob("secret_key.*")] == ["two"]


def test_backups_during_an_import_are_whole_and_have_all_of_it_or_nothing(
    new_house, tmp_path, libraries, rows
):
    house, backups = new_house(tmp_path / "one"), []
    pk = house.start_import(libraries)
    house.start_worker()
    while house.state(pk, apply=True)[0] not in ("done", "failed"):
        backups.append(back_up(house, tmp_path / "backups"))
    house.kill_worker()
    for n, backup in enumerate(backups):
        other = new_house(tmp_path / f"other{n}", migrated=False)
        other.run("restore", backup, "--verify")
        other.run("restore", backup, "--yes")
        status, _error, *written = other.state(pk, apply=False)
        assert written == ([rows, rows] if status == "done" else [0, 0])
        assert status in ("done", "uploaded", "checked", "failed")


@pytest.mark.parametrize("status", ["uploaded", "checking", "applying"])
def test_what_was_going_on_asks_first(new_house, tmp_path, libraries, rows, status):
    house = new_house(tmp_path / "one")
    pk = house.start_import(libraries)  # it waits for a worker
    if status != "uploaded":
        house.shell(RUNS.format(pk=pk, status=status))
    backup = back_up(house, tmp_path / "backups")
    other = new_house(tmp_path / "two", migrated=False)
    assert "they wait to be asked for" in other.run("restore", backup, "--yes")
    found, error, waiting = other.json(JOB.format(pk=pk))
    assert (found, waiting) == ("uploaded" if status == "uploaded" else "failed", "")
    assert ("when the backup was made" in error) == (status != "uploaded")
    assert other.json(TASKS) == 0
    other.start_worker()
    other.shell(AGAIN.format(pk=pk))
    assert other.wait_for_the_end(pk, rows, minutes=2)[0] == "done"


def test_a_backup_of_an_older_version_is_brought_up_to_date(new_house, tmp_path):
    house = new_house(tmp_path / "one")
    house.run("migrate", "-v0", "backoffice", "0019")  # changes have fewer columns in it
    backup = back_up(house, tmp_path / "backups")
    other = new_house(tmp_path / "two", migrated=False)
    said = other.run("restore", backup, "--yes")
    assert "of an older version" in said
    assert "Everybody has to sign in again" in said
    other.run("migrate", "--check")


@on_sqlite
def test_the_log_of_a_killed_process_does_not_damage_what_is_put_back(new_house, tmp_path):
    house = new_house(tmp_path / "one")
    house.run("loaddata", "-v0", "tutorial")
    before = house.json(ALL)
    backup = back_up(house, tmp_path / "backups")
    killed = house.attempt(
        *("shell", "-v0", "-c"),
        "import os; from library.models import Library;"
        " Library.objects.update(address='x'); os.kill(os.getpid(), 9)",
    )
    assert killed.returncode == -9
    database = tmp_path / "one" / "db.sqlite3"
    assert (tmp_path / "one" / "db.sqlite3-wal").stat().st_size
    house.run("restore", backup, "--yes")
    assert house.json(ALL) == before

    database.write_bytes(b"not a database" * 1000)
    (tmp_path / "one" / "db.sqlite3-wal").write_bytes(b"nor a log" * 1000)
    refused = house.attempt("restore", backup, "--yes")
    assert "--without-backup" in refused.stderr
    house.run("restore", backup, "--yes", "--without-backup")
    assert house.json(ALL) == before


@on_sqlite
def test_a_database_behind_a_link_is_put_back_where_it_lies(new_house, tmp_path):
    house = new_house(tmp_path / "one")
    backup = back_up(house, tmp_path / "backups")
    link, database = tmp_path / "one" / "db.sqlite3", tmp_path / "disk" / "library"
    database.parent.mkdir()
    link.rename(database)
    link.symlink_to(database)
    said = house.run("restore", backup, "--yes")
    assert f"The database that was there lies in {database}.replaced-" in said
    assert link.is_symlink()
    assert database.stat().st_size == link.stat().st_size > 0


def test_what_is_no_whole_backup_is_refused_and_nothing_changes(new_house, tmp_path):
    house = new_house(tmp_path / "one")
    house.run("loaddata", "-v0", "tutorial")
    before = house.json(ALL)
    upload = tmp_path / "one" / "imports" / "a" / "upload"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"name")
    backup = back_up(house, tmp_path / "backups")

    def flipped(name, content):
        return content[:-1] + bytes([content[-1] ^ 1]) if name == "database" else content

    def moved(name, content):
        return content.replace(b"data/imports/a", b"data/imports/../../a")

    def newer(name, content):
        return content.replace(b"library.0001_initial", b"library.9999_tomorrow")

    def other_kind(name, content):
        return content.replace(b'"postgresql"' if not SQLITE else b'"sqlite"', b'"oracle"')

    def unfinished(name, content):
        return None if name == "manifest.json" else content

    for change, said in (
        (flipped, "is not what was written"),
        (moved, "where none belongs"),
        (newer, "of a newer version"),
        (other_kind, "The backup is of oracle"),
        (unfinished, "no whole backup"),
    ):
        bad = rewritten(backup, tmp_path / "bad.tar", change=change)
        refused = house.attempt("restore", str(bad), "--yes", "--without-backup")
        assert refused.returncode, change
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr
    short = tmp_path / "short.tar"
    short.write_bytes(Path(backup).read_bytes()[:100_000])
    for path in (short, tmp_path / "missing.tar"):
        refused = house.attempt("restore", str(path), "--yes", "--without-backup")
        assert refused.returncode
        assert "Traceback" not in refused.stderr
    assert house.json(ALL) == before


def test_a_site_that_runs_is_not_replaced(new_house, tmp_path):
    house = new_house(tmp_path / "one")
    backup = back_up(house, tmp_path / "backups")
    house.start_worker()
    while not house.json(WORKERS):
        pass
    for words in (["restore", backup, "--yes"], ["move_database", f"sqlite:///{tmp_path}/two"]):
        assert "A worker runs" in house.attempt(*words).stderr
    house.kill_worker()
    house.shell(GONE)
    if SQLITE:
        with closing(sqlite3.connect(tmp_path / "one" / "db.sqlite3")) as open_one:
            open_one.execute("SELECT * FROM library_library").fetchall()
            assert "in use" in house.attempt("restore", backup, "--yes").stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_backup_that_is_ended_leaves_nothing(new_house, tmp_path, number):
    house = new_house(tmp_path / "one")
    code = ENDED.format(folder=str(tmp_path / "backups"), number=int(number))
    assert house.attempt("shell", "-v0", "-c", code).returncode
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_database_that_is_away_or_damaged_is_told_in_a_sentence(new_house, tmp_path):
    house = new_house(tmp_path / "one")
    if SQLITE:
        (tmp_path / "one" / "db.sqlite3").write_bytes(b"not a database" * 1000)
    else:
        house.environment["DATABASE_URL"] += "_that_is_not_there"
    for words in (
        ["backup", str(tmp_path / "backups")],
        ["move_database", f"sqlite:///{tmp_path}/x"],
    ):
        refused = house.attempt(*words)
        assert refused.returncode == 1
        assert "CommandError: It could not be done" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_database_moves_to_another(new_house, tmp_path):
    house = new_house(tmp_path / "one")
    house.run("loaddata", "-v0", "tutorial", "roles", "demo")
    before = house.json(ALL)
    other = new_house(tmp_path / "two", migrated=False)
    house.run("move_database", other.environment["DATABASE_URL"])
    assert other.json(ALL) == before
    added = "from library.models import Library; print(Library.objects.create(name='x').pk)"
    assert int(other.shell(added)) == int(house.shell(added))
    again = house.attempt("move_database", other.environment["DATABASE_URL"])
    assert "is not empty" in again.stderr


@on_postgresql
def test_an_sqlite_site_moves_to_postgresql(new_house, tmp_path):
    (tmp_path / "small").mkdir()
    small = House(tmp_path / "small", "")
    small.run("loaddata", "-v0", "tutorial", "roles", "demo")
    other = new_house(tmp_path / "two", migrated=False)
    small.run("move_database", typed=other.environment["DATABASE_URL"])
    assert other.json(ALL) == small.json(ALL)


@pytest.fixture
def role():
    """Of PostgreSQL, for databases that are dropped before it."""
    name = f"role_{secrets.token_hex(4)}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f"CREATE ROLE {name} LOGIN CREATEDB PASSWORD 'giraffe'")
    yield name
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f"DROP ROLE {name}")


@on_postgresql
def test_what_others_have_in_the_database_is_left_alone(role, new_house, tmp_path):
    """The site's role has a schema of its own, as administrators make one."""
    house = new_house(tmp_path / "one", migrated=False)
    url = house.environment["DATABASE_URL"]
    house.environment["DATABASE_URL"] = re.sub("//[^@]*@", f"//{role}:giraffe@", url)
    with psycopg.connect(url, autocommit=True) as another:
        another.execute(f"CREATE SCHEMA {role} AUTHORIZATION {role}")
        another.execute("CREATE EXTENSION pg_trgm")
        another.execute("CREATE SCHEMA audit")
        another.execute("CREATE TABLE audit.kept AS SELECT 7 AS number")
        house.run("migrate", "-v0")
        house.run("loaddata", "-v0", "tutorial")
        before, backup = house.json(ALL), back_up(house, tmp_path / "backups")
        house.run("restore", backup, "--verify")
        refused = house.attempt("restore", backup, "--yes")
        assert "The database is in use, by 1 connections" in refused.stderr
    house.run("restore", backup, "--yes")
    assert house.json(ALL) == before
    with psycopg.connect(url, autocommit=True) as another:
        assert another.execute("SELECT * FROM audit.kept").fetchall() == [(7,)]
        another.execute(f"CREATE VIEW audit.books AS TABLE {role}.library_book")
    refused = house.attempt("restore", backup, "--yes")
    assert "view audit.books depends on" in refused.stderr

    other = new_house(tmp_path / "two", migrated=False)
    with psycopg.connect(other.environment["DATABASE_URL"], autocommit=True) as another:
        another.execute(f"CREATE SCHEMA {role}")
    refused = other.attempt("restore", backup, "--yes")
    assert "set its search_path" in refused.stderr


@on_postgresql
def test_the_database_of_something_else_is_not_emptied(new_house, tmp_path):
    backup = back_up(new_house(tmp_path / "one"), tmp_path / "backups")
    other = new_house(tmp_path / "two", migrated=False)
    with psycopg.connect(other.environment["DATABASE_URL"], autocommit=True) as another:
        another.execute("CREATE TABLE accounts AS SELECT 7 AS number")
    for options in (["--yes"], ["--yes", "--without-backup"]):
        refused = other.attempt("restore", backup, *options)
        assert "has tables of something else" in refused.stderr
    with psycopg.connect(other.environment["DATABASE_URL"], autocommit=True) as another:
        assert another.execute("SELECT * FROM accounts").fetchall() == [(7,)]
        another.execute("CREATE TABLE django_migrations AS SELECT 'accounts' AS app")
    assert (
        "has tables of something else"
        in other.attempt("restore", backup, "--yes", "--without-backup").stderr
    )
