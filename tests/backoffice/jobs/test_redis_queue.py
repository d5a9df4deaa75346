"""The queue on Redis: it may forget everything, and still each job is done once."""

import logging
from types import SimpleNamespace

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import OperationalError, transaction
from django.urls import reverse
from redis.exceptions import RedisError
from rq.exceptions import StopRequested

from backoffice import machines, optional
from backoffice.changes.models import Change
from backoffice.deployment import check_queue
from backoffice.health import checks
from backoffice.jobs import redis_queue, tasks, workers
from backoffice.jobs.care import take_up_dead_jobs
from backoffice.jobs.steps import check_job
from backoffice.management import redis_worker
from backoffice.queues import queue_settings
from library.models import Library
from tests.backoffice.jobs.test_tasks import (
    LONG_AGO,
    busy,
    dead,
    fresh,
    make_job,
    run_worker,
    start_applying,
)
from tests.factories import make_user
from tests.redis_server import RedisServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def server():
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def queue(server, settings, tmp_path):
    """The settings of a site whose queue is there."""
    settings.DATA_DIR = tmp_path
    settings.IMPORT_IMMEDIATE_ROWS = 0
    settings.TASKS_URL = server.url
    settings.TASKS, settings.RQ_QUEUES = queue_settings(server.url)
    server.flush()


@pytest.fixture
def away(server):
    """Redis is gone, until it is asked to start."""
    server.stop()
    yield server
    if server.process.poll() is not None:
        server.start()


def waiting(job):
    """The job, as it has been waiting for minutes."""
    Change.objects.filter(pk=job.pk).update(heartbeat=LONG_AGO)
    return fresh(job)


def test_a_job_is_carried_by_redis_and_done():
    job = make_job()
    for start, done in (
        (tasks.start_check, "checked"),
        (tasks.start_apply, "done"),
        (tasks.start_undo, "undone"),
    ):
        start(fresh(job))
        assert len(redis_queue.get_queue().get_job_ids()) == 1
        run_worker()
        assert fresh(job).status == done


def test_what_redis_forgot_is_queued_again_once(server):
    job = make_job()
    tasks.start_check(job)
    waiting(job)
    assert take_up_dead_jobs() == 0  # it is queued
    server.flush()
    assert take_up_dead_jobs() == 1
    assert take_up_dead_jobs() == 0
    waiting(job)
    assert take_up_dead_jobs() == 0
    run_worker()
    assert fresh(job).status == "checked"


def test_a_job_waits_for_a_redis_that_is_away(away, caplog):
    job = make_job()
    tasks.start_check(job)  # no error
    assert fresh(job).waiting == "checking"
    assert "could not be told" in caplog.text
    waiting(job)
    assert take_up_dead_jobs() == 0
    away.start()
    assert take_up_dead_jobs() == 1
    run_worker()
    assert fresh(job).status == "checked"


def test_what_is_rolled_back_is_not_queued():
    job = make_job()
    with transaction.atomic():
        tasks.start_check(job)
        transaction.set_rollback(True)
    assert fresh(job).waiting == ""
    assert not redis_queue.get_queue().get_job_ids()


def test_word_that_comes_twice_is_heard_once():
    job = make_job()
    tasks.start_check(job)
    tasks.put(tasks.check, job)
    run_worker()
    checked = fresh(job)
    assert checked.status == "checked"
    assert checked.reopen()
    tasks.put(tasks.check, job)  # late: it is uploaded again, and nobody wants it checked
    run_worker()
    assert fresh(job).status == "uploaded"


def test_a_job_of_the_dead_is_taken_over():
    job = make_job()
    dead(start_applying(job))
    assert take_up_dead_jobs() == 1
    run_worker()
    assert (fresh(job).status, Library.objects.count()) == ("done", 1)


def test_a_job_whose_worker_died_before_it_began_is_queued_again():
    job = make_job()
    tasks.start_check(job)
    redis_queue.get_queue().pop_job_id()  # taken, and no more heard of
    assert take_up_dead_jobs() == 0
    waiting(job)
    assert take_up_dead_jobs() == 1
    run_worker()
    assert fresh(job).status == "checked"


def test_a_step_that_fails_leaves_its_trace_for_as_long_as_tasks_are_kept(
    settings, monkeypatch, caplog
):
    settings.TASKS_KEEP_DAYS = 3
    job = make_job()
    tasks.start_check(job)
    with monkeypatch.context() as locked:
        locked.setattr(tasks.steps, "check_job", busy)
        run_worker()
    failed = redis_queue.get_queue().failed_job_registry
    (key,) = failed.get_job_ids()
    kept = failed.connection.zscore(failed.key, key) - checks_now(failed)
    assert 2 * 24 * 3600 < kept <= 3 * 24 * 3600
    waiting(job)
    assert take_up_dead_jobs() == 1  # it still waits
    run_worker()
    assert fresh(job).status == "checked"


def checks_now(registry):
    return int(registry.connection.time()[0])


def test_the_worker_is_alive_while_it_works(monkeypatch):
    seen = []
    assert workers.is_missing()
    monkeypatch.setattr(tasks.steps, "check_job", lambda job: seen.append(workers.alive()))
    tasks.start_check(make_job())
    run_worker()
    assert seen == [1]
    assert workers.is_missing()


def test_what_the_database_queued_is_taken_along(settings):
    theirs = settings.TASKS
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    job = make_job()
    tasks.start_check(job)
    settings.TASKS = theirs
    waiting(job)
    assert take_up_dead_jobs() == 1
    run_worker()
    assert fresh(job).status == "checked"


def test_that_redis_is_away_is_told(admin_client, away, caplog):
    job = make_job()
    tasks.start_check(job)
    address = f"/admin/library/library/import/{job.pk}/"
    hidden = "data-queue hidden"
    assert check_queue()[0].id == "backoffice.W120"
    assert "TASKS_URL" in checks.worker().problem
    page = admin_client.get(address).content.decode()
    assert "data-queue" in page
    assert hidden not in page
    assert admin_client.get(f"{address}progress/").json()["queue_is_away"]
    away.start()
    assert check_queue() == []
    assert hidden in admin_client.get(address).content.decode()


def test_a_link_to_sign_in_can_be_asked_for_again(client, away, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    make_user(username="ann", email="ann@example.org")
    address = reverse("admin:sign_in_link")
    client.raise_request_exception = False
    answer = client.post(address, {"username": "ann"})
    assert (answer.status_code, "queue" in answer.text) == (503, True)
    away.start()
    assert client.post(address, {"username": "ann"}).status_code == 200
    run_worker()
    assert [each.to for each in mail.outbox] == [["ann@example.org"]]


def test_an_address_that_is_none_is_refused(monkeypatch):
    with pytest.raises(ImproperlyConfigured, match="TASKS_URL"):
        queue_settings("localhost:6379")
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    tasks, queues = queue_settings("redis://localhost")  # and a check says so
    assert "DatabaseBackend" in tasks["default"]["BACKEND"]
    assert queues == {}


def test_a_stranger_takes_nothing_of_the_queue(settings):
    run_worker()  # the first
    job = make_job()
    tasks.start_check(job)
    settings.SECRET_KEY = "another"
    with pytest.raises(CommandError, match="adopt key"):
        run_worker()
    assert fresh(job).status == "uploaded"
    assert workers.is_missing()


def test_a_worker_that_finds_no_database_waits_and_is_no_stranger_then(settings, monkeypatch):
    run_worker()  # the first
    job = make_job()
    tasks.start_check(job)
    settings.SECRET_KEY = "another"
    away, compare = [OperationalError("away")], machines.demand_same

    def compared():
        if away:
            raise away.pop()
        compare()

    monkeypatch.setattr(machines, "demand_same", compared)
    monkeypatch.setattr(redis_worker, "AGAIN", 0)
    with pytest.raises(CommandError, match="adopt key"):
        run_worker()
    assert fresh(job).status == "uploaded"


def test_a_stop_between_two_tries_is_no_fault(away, monkeypatch):
    def stopped(seconds):
        raise StopRequested  # as the last worker's handler of signals does

    monkeypatch.setattr(redis_worker, "time", SimpleNamespace(sleep=stopped))
    call_command("worker", "--max-tasks", "1", verbosity=0)


def test_a_batch_that_finds_no_redis_says_so(away):
    with pytest.raises(RedisError):
        call_command("worker", "--batch", verbosity=0)


def test_what_others_write_there_stops_nobody(caplog):
    caplog.set_level(logging.CRITICAL, "rq.worker")
    queue = redis_queue.get_queue()
    queue.enqueue("os.getcwd")  # no task
    queue.connection.rpush(queue.key, "nothing")
    job = make_job()
    check_job(job)
    tasks.start_apply(fresh(job))
    run_worker()
    assert fresh(job).status == "done"


def test_who_writes_there_commands_no_worker(monkeypatch):
    """RQ's workers would hear: stop, or give up what you do."""
    heard = []
    connection = redis_queue.get_queue().connection
    monkeypatch.setattr(
        tasks.steps, "check_job", lambda job: heard.append(connection.pubsub_channels())
    )
    tasks.start_check(make_job())
    run_worker()
    assert heard == [[]]
