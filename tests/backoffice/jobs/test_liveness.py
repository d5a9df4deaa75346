"""A run is alive while its own connection gets something done, by the database's clock."""

import datetime
import os
import threading
import time

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from backoffice.changes.models import Change
from backoffice.jobs import liveness, tasks
from backoffice.jobs.care import Caretaker, take_up_dead_jobs
from backoffice.jobs.liveness import Run, end_from_outside, sign
from backoffice.postgresql.replica.base import watch
from backoffice.tables.waits import was_cut
from tests.backoffice.jobs.test_tasks import (
    dead,
    fresh,
    make_job,
    of_the_database,
    run_worker,
    start_checking,
)
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.django_db(transaction=True)
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="a file does not stand still"
)


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def proxy():
    proxy = Proxy(os.environ["DATABASE_URL"])
    yield proxy
    proxy.close()


class Other(threading.Thread):
    """Runs a function with a connection of its own, through the proxy if there is one."""

    def __init__(self, work, proxy=None):
        super().__init__(daemon=True)
        self.work, self.error = work, None
        self.connection = connections["default"].copy()
        if proxy:
            self.connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(proxy.port)}
        self.connection.inc_thread_sharing()
        self.run_of_it, self.is_ready = None, threading.Event()

    def run(self):
        try:
            self.run_of_it = Run(1, self.connection)
            self.connection.ensure_connection()
            self.work(self)
        except DatabaseError as error:
            self.error = error
        finally:
            self.connection.close()

    def execute(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)


def waits(thread):
    """Until the thread waits for the database."""
    for _ in range(200):
        if thread.run_of_it and thread.run_of_it._waits_for_the_database():
            return
        time.sleep(0.02)
    raise AssertionError


@of_the_database
@pytest.mark.parametrize("minutes", [-5, 5])
def test_machines_need_not_agree_on_the_time(settings, monkeypatch, minutes):
    settings.IMPORT_IMMEDIATE_ROWS = 0
    real = timezone.now
    elsewhere = lambda: real() + datetime.timedelta(minutes=minutes)  # noqa: E731
    taken, queued = start_checking(make_job()), make_job()
    tasks.start_check(queued)
    seen = []
    monkeypatch.setattr(
        tasks.steps,
        "check_job",
        lambda job: seen.append((take_up_dead_jobs(), DBTaskResult.objects.get().status)),
    )
    monkeypatch.setattr(timezone, "now", elsewhere)
    assert take_up_dead_jobs() == 0
    taken.beat(1)
    run_worker()
    assert seen == [(0, "RUNNING")]
    monkeypatch.undo()
    assert take_up_dead_jobs() == 0
    dead(taken)
    assert take_up_dead_jobs() == 1


@on_postgresql
@pytest.mark.skipif(
    os.environ.get("DATABASE_POOL") == "transaction",
    reason="such a pool hides which connection of the database works for a run",
)
def test_a_connection_that_stands_still_is_no_sign_of_life_and_is_cut(monkeypatch, proxy):
    job = start_checking(make_job())
    go = threading.Event()

    def work(thread):
        thread.execute("SELECT pg_sleep(1.5)")
        thread.is_ready.set()
        go.wait(20)
        thread.execute("SELECT 1")

    other = Other(work, proxy)
    other.start()
    waits(other)
    run = other.run_of_it
    run.job = job.pk
    for _ in range(3):
        assert run.moves()  # PostgreSQL works for it
        time.sleep(0.2)
    assert other.is_ready.wait(20)
    assert run.moves()  # it works by itself
    proxy.freeze()
    go.set()
    waits(other)
    run.moves()  # what was done since the last look
    dead(job)
    Caretaker.beat(run)
    assert not run.moves()
    assert other.is_alive()
    assert take_up_dead_jobs() == 1  # no beat was sent
    monkeypatch.setattr(liveness, "STILL", 0)
    Caretaker.beat(run)
    other.join(10)
    assert was_cut(other.error)


@on_postgresql
def test_a_wait_for_the_replica_is_no_standing_still():
    """It asks by itself whether the replica is there."""

    def work(thread):
        watch(thread.connection.connection, 60, lambda: True)
        thread.execute("SELECT pg_sleep(2)")

    other = Other(work)
    other.start()
    while not sleeping():
        assert other.is_alive()
    assert not other.run_of_it._waits_for_the_database()
    assert sleeping()
    other.join(20)
    assert other.error is None


def sleeping():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(2)'"
            " AND state = 'active'"
        )
        return cursor.fetchone()


@on_postgresql
def test_whoever_writes_and_stands_still_is_ended_from_outside(monkeypatch):
    monkeypatch.setattr(liveness, "STILL", 0)
    go, ended, errors = threading.Event(), threading.Event(), []

    def work():
        try:
            with transaction.atomic():
                sign(7)
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(1)")
                    go.set()
                    ended.wait(20)
                    cursor.execute("SELECT 1")
        except DatabaseError as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    while not signed(7):
        time.sleep(0.02)
    assert end_from_outside([7]) == 0  # it works
    assert go.wait(20)
    time.sleep(0.1)
    assert end_from_outside([8]) == 0
    assert end_from_outside([7]) == 1
    ended.set()
    thread.join(20)
    assert was_cut(errors[0])
    assert not signed(7)


def signed(job):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks WHERE classid = %s AND objid = %s", [liveness.SIGNED, job]
        )
        return cursor.fetchone() is not None


@on_postgresql
def test_a_run_whose_connection_is_lost_is_taken_over_and_not_failed(monkeypatch):
    job = make_job()

    def lose(*_arguments, **_options):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as broken:
        broken.setattr("backoffice.jobs.steps.job_import", lose)
        with pytest.raises(DatabaseError):
            tasks.steps.check_job(job)
    connection.close()
    assert fresh(job).status == "checking"
    Change.objects.update(heartbeat=timezone.now() - datetime.timedelta(minutes=1))
    assert take_up_dead_jobs() == 1
    run_worker()
    assert fresh(job).status == "checked"
