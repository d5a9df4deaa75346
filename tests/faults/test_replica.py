"""Lists and exports from a replica: what it lacks, or ends, comes from the primary at once."""

import os
import re
import shutil
import signal
import threading
import time
from contextlib import contextmanager

import psycopg
import pytest

from tests.faults.house import servers
from tests.faults.replicated import LIST, add, exported, is_read, names, times_asked
from tests.faults.standby import pooled, statements, wait_for
from tests.faults.test_cut_exports import begun, read_to_the_end
from tests.faults.test_database_gone import Staff

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("POSTGRES_CRASH"), reason="needs the server of .ci/with-postgres"
    ),
]
LIMIT = """
from django.contrib.auth.models import User
from library.models import Library
from tests.factories import limit
limit(User.objects.get(username="bea"), *Library.objects.filter(name__in=[{names}]))
"""
AT_ONCE = """
import json
from django.db import connections
from backoffice.tables.replica import look
primary, copy, found = connections["default"], connections["replica"], []
with primary.cursor() as writer, copy.cursor() as reader:
    writer.execute("SET synchronous_commit = off")
    for zip_code in map(str, range(20_000, 20_040)):
        writer.execute("UPDATE library_library SET zip_code = %s WHERE id = 4", [zip_code])
        if look(primary, copy, 2.0) == "replica":
            reader.execute("SELECT zip_code FROM library_library WHERE id = 4")
            found.append(reader.fetchone() == (zip_code,))
print(json.dumps(found))
"""
WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    " AND query LIKE '%library_library%' AND backend_type = 'client backend'"
)
READING = (
    "SELECT pid FROM pg_stat_activity WHERE xact_start IS NOT NULL"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
ASK = """
from django.contrib.auth.models import User
from django.db import transaction
from backoffice.jobs.exports import create_export
from backoffice.jobs.tasks import check, enqueue
from library.models import Library
form = {"format": "0", "resource": "0", "libraryresource_name": "on"}
form |= {"libraryresource_address": "on", "libraryresource_state": "on"}
with transaction.atomic():
    made = create_export(
        Library, user=User.objects.get(username="ann"), site="admin", query="", ticked=[],
        form=form, name="l.csv", content_type="text/csv",
    )
    enqueue(check, made.change)
print(made.pk)
"""
MADE = """
import json
from backoffice.exports.made import ExportFile
from library.models import Library
made = ExportFile.objects.select_related("change").latest("pk")
lines = made.file and made.fetch(made.file).read_bytes().splitlines()
whole = bool(lines) and len({*lines}) == len(lines) == Library.objects.count() + 1
print(json.dumps([made.change.status, whole]))
"""
TRAIL = """
from backoffice.trail.models import Entry
print(Entry.objects.filter(action="export").latest("pk").message)
"""


def test_lists_and_exports_are_read_there_and_nothing_else(site, ann):
    replica = site.pair.standby
    before = len(replica.statements())
    page = ann.ask("GET", f"{LIST}?q=0000&state=NY")
    assert names(page) == [f"L {n:05}" for n in (1, 3, 5, 7, 9)]
    assert len(exported(ann)) == 30_000
    add(ann, "New 0")
    asked = replica.statements()[before:]
    assert any("DECLARE" in each for each in asked)
    tables = {name for each in asked for name in re.findall(r'FROM "([a-z]\w+)"', each)}
    assert tables <= {
        "library_library", "library_patron", "library_librarian", "library_book_libraries",
        "library_historicallibrary",
    }, tables  # fmt: skip
    assert not re.search(r"\b(INSERT|UPDATE|DELETE|CREATE|FOR SHARE)\b", " ".join(asked))


def test_a_list_costs_one_statement_more_on_each(site, ann):
    log = site.pair.primary.folder.parent / "log"
    site.pair.on_primary("ALTER SYSTEM SET log_statement = 'all'")
    site.pair.on_primary("SELECT pg_reload_conf()")
    wait_for(lambda: site.pair.on_primary("SHOW log_statement") == [("all",)])
    counted = {}
    try:
        with servers(
            site, WEB_CONCURRENCY="1", WEB_THREADS="1", DATABASE_REPLICA_URL=""
        ) as alone:
            one = Staff(alone, site.sessions[0])
            for staff in (one, ann):
                for _again in range(2):  # the first is of a connection that is new
                    before = len(statements(log)), len(site.pair.standby.statements())
                    assert staff.ask("GET", LIST).status_code == 200
                    here = [
                        each
                        for each in statements(log)[before[0] :]
                        if not each.startswith('UPDATE "backoffice_session"')  # once a minute
                    ]
                    there = site.pair.standby.statements()[before[1] :]
                counted[staff] = len(here), len(there)
                assert sum("pg_control_system" in each for each in here) == (staff is ann)
    finally:
        site.pair.on_primary("ALTER SYSTEM RESET log_statement")
        site.pair.on_primary("SELECT pg_reload_conf()")
    print(counted[one], counted[ann])  # noqa: T201 -- what it costs
    assert counted[one][1] == 0
    assert sum(counted[ann]) == counted[one][0] + 2


def test_what_the_replica_lacks_is_seen_at_once(site, ann, bea):
    assert is_read(site, bea)
    assert names(bea.ask("GET", f"{LIST}?q=0000")) != []
    site.pair.pause()
    try:
        add(ann, "New 1")
        begun_at = time.monotonic()
        assert "New 1" in names(ann.ask("GET", f"{LIST}?q=New"))
        took = time.monotonic() - begun_at
        assert "New 1" in {row["name"] for row in exported(ann)}
        site.shell(LIMIT.format(names="'L 00007', 'L 00008'") + "\nprint('limited')")
        asked = times_asked(site)
        assert names(bea.ask("GET", f"{LIST}?q=0000")) == ["L 00007", "L 00008"]
        assert [row["name"] for row in exported(bea)] == ["L 00007", "L 00008"]
        while times_asked(site) == asked:  # what is asked after a rest is still behind
            assert names(bea.ask("GET", f"{LIST}?q=0000")) == ["L 00007", "L 00008"]
    finally:
        site.pair.resume()
    print(f"{took:.3f} s")  # noqa: T201
    wait_for(lambda: is_read(site, ann))
    assert names(bea.ask("GET", LIST)) == ["L 00007", "L 00008"]


def test_a_commit_that_waits_for_no_disk_is_waited_for(site):
    found = site.json(AT_ONCE)
    assert found
    assert all(found)


def test_a_list_goes_on_where_the_replica_ends_its_connection(site, ann):
    """The list waits for a lock there when it is ended; then for the same on the primary."""
    pages = []
    with locked_there(site.pair):
        reader = threading.Thread(
            target=lambda: pages.append(ann.ask("GET", f"{LIST}?q=0000&state=NY&e=1"))
        )
        reader.start()
        wait_for(lambda: site.pair.on_standby(WAITING))
        site.pair.on_standby(WAITING.replace("pid", "pg_terminate_backend(pid)", 1))
        wait_for(lambda: site.pair.on_primary(WAITING))
    reader.join(60)
    (page,) = pages
    assert page.status_code == 200
    assert names(page) == [f"L {n:05}" for n in (1, 3, 5, 7, 9)]
    assert page.text.count("This list has no such filter") == 1
    assert "read from the primary (failed" in (site.folder / "server.log").read_text()


def test_an_export_that_the_replica_ends_is_known_to_be_cut(site, ann):
    with begun(site.server, site.sessions[0], "csv") as response:
        assert site.pair.on_standby(READING)
        site.pair.on_primary("BEGIN; LOCK TABLE library_library; COMMIT")
        wait_for(lambda: not site.pair.on_standby(READING))
        got, is_all = read_to_the_end(response)
    assert got
    assert not is_all
    assert "Export broke off (" in site.shell(TRAIL)
    assert "conflict with recovery" in site.shell(TRAIL)
    assert len(exported(ann)) > 30_000 - 1


@pytest.fixture
def worker(site):
    site.start_worker()
    yield site.worker
    site.kill_worker()


def wait_until_made(site):
    end = time.monotonic() + 60
    while (found := site.json(MADE)) != ["done", True]:
        assert time.monotonic() < end, (found, site.log())


def test_a_worker_makes_exports_of_what_is_there(site, ann, worker):
    before = len(site.pair.standby.statements())
    site.shell(ASK)
    wait_until_made(site)
    assert any("DECLARE" in each for each in site.pair.standby.statements()[before:])


def test_an_export_of_a_worker_that_the_replica_ends_is_made_of_the_primary(site, ann, worker):
    """Of the same run. It is stopped in the middle, so that the end meets it there."""

    def has_begun():
        kept = (site.folder / "imports").rglob("*")
        return any(path.stat().st_size for path in kept if path.is_file() and path not in old)

    old = {path for path in (site.folder / "imports").rglob("*") if path.is_file()}
    site.shell(ASK)
    wait_for(has_begun)
    worker.send_signal(signal.SIGSTOP)
    ((pid,),) = site.pair.on_standby(READING)
    site.pair.on_standby(f"SELECT pg_terminate_backend({pid})")
    worker.send_signal(signal.SIGCONT)
    wait_until_made(site)
    assert "broke off an export after" in site.log()
    assert "died" not in site.log()


@contextmanager
def frozen(pair):
    """No process of the replica does anything until the block ends."""
    backends = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    stopped = [int((pair.standby.data / "postmaster.pid").read_text().split()[0])]
    stopped += [pid for (pid,) in pair.on_standby(backends)]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def test_pages_go_on_while_the_replica_stands_still(site, ann):
    times = []
    with frozen(site.pair):
        for _again in range(3):
            begun_at = time.monotonic()
            assert names(ann.ask("GET", f"{LIST}?q=00001")) == ["L 00001"]
            times.append(time.monotonic() - begun_at)
    print(times)  # noqa: T201
    said = (site.folder / "server.log").read_text()
    assert "read from the primary (failed: it does not answer" in said
    wait_for(lambda: is_read(site, ann))


@contextmanager
def locked_there(pair):
    """What reads libraries on the replica waits for a lock, until the block ends."""
    with psycopg.connect(pair.primary.url) as writer:
        writer.execute("LOCK TABLE library_library IN ACCESS EXCLUSIVE MODE")
        pair.on_primary("CREATE TABLE told (); DROP TABLE told")
        yield writer


def test_a_replica_that_stops_within_a_list_keeps_it_for_seconds(site, ann):
    """The list waits there when it is frozen, and is read from the primary."""
    pair, pages = site.pair, []
    with locked_there(pair) as writer:
        reader = threading.Thread(
            target=lambda: pages.append(ann.ask("GET", f"{LIST}?q=0000&state=NY"))
        )
        reader.start()
        wait_for(lambda: pair.on_standby(WAITING))
        with frozen(pair):
            writer.rollback()
            begun_at = time.monotonic()
            reader.join(30)
            took = time.monotonic() - begun_at
            assert not reader.is_alive()
    print(f"{took:.1f} s")  # noqa: T201
    (page,) = pages
    assert names(page) == [f"L {n:05}" for n in (1, 3, 5, 7, 9)]
    assert took < 10
    wait_for(lambda: is_read(site, ann))


def test_a_list_that_takes_long_there_is_waited_for(site, ann):
    """Longer than a silence after which it is asked whether it is there."""
    pair, pages = site.pair, []
    before = len(pair.standby.statements())
    with locked_there(pair):
        reader = threading.Thread(target=lambda: pages.append(ann.ask("GET", f"{LIST}?q=0000")))
        reader.start()
        wait_for(lambda: pair.standby.statements()[before:].count("SELECT 1") > 1)
        assert pair.on_standby(WAITING)
    reader.join(30)
    assert names(pages[0])
    assert is_read(site, ann)


def test_pages_go_on_while_the_replica_is_stopped(site, ann):
    site.pair.standby.stop()
    try:
        times = []
        for _again in range(3):
            begun_at = time.monotonic()
            assert names(ann.ask("GET", f"{LIST}?q=00001")) == ["L 00001"]
            times.append(time.monotonic() - begun_at)
        assert len(exported(ann)) >= 30_000
        doctor = site.attempt("doctor").stdout
        ready = ann.browser.get(f"{site.server}/ready").json()["checks"]
    finally:
        site.pair.standby.start()
    print(times)  # noqa: T201
    assert "The replica: It can't be used" in doctor
    assert (ready["replica"], ready["database"]) == ("failed", "ok")
    wait_for(lambda: is_read(site, ann))
    wait_for(
        lambda: ann.browser.get(f"{site.server}/ready").json()["checks"]["replica"] == "ok"
    )


@pytest.mark.skipif(
    not shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin"),
    reason="PgBouncer is not installed",
)
def test_both_are_reached_through_pools(site, ann):
    pair = site.pair
    with (
        pooled(pair.primary.url) as primary,
        pooled(pair.standby.url) as replica,
        servers(
            site,
            DATABASE_URL=primary,
            DATABASE_REPLICA_URL=replica,
            DATABASE_POOL="transaction",
            WEB_CONCURRENCY="1",
        ) as server,
    ):
        staff = Staff(server, site.sessions[0])
        assert is_read(site, staff)
        before = len(pair.standby.statements())
        rows = len(exported(staff))
        assert any("DECLARE" in each for each in pair.standby.statements()[before:])
        pair.pause()
        try:
            add(staff, "New 2")
            assert "New 2" in names(staff.ask("GET", f"{LIST}?q=New"))
            assert len(exported(staff)) == rows + 1
        finally:
            pair.resume()


def test_a_replica_that_was_promoted_is_refused(site, ann):
    """The last: it is no replica any more."""
    site.pair.standby.promote()
    site.pair.on_standby("DELETE FROM library_library WHERE name = 'L 00001'")
    assert names(ann.ask("GET", f"{LIST}?q=00001")) == ["L 00001"]
    assert len(exported(ann)) >= 30_000
    assert "takes writes" in site.attempt("doctor").stdout
    assert "backoffice.W122" in site.attempt("check", "--deploy").stderr
    ready = ann.browser.get(f"{site.server}/ready").json()
    assert ready["checks"]["replica"] == "failed"
    assert ready["checks"]["database"] == "ok"
