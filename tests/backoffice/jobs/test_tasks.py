"""Who runs an import: the request, the worker, or another worker if that one dies."""

import datetime
import os
from threading import Event

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django_tasks_db.backend import DatabaseBackend
from django_tasks_db.models import DBTaskResult

from backoffice.changes import files
from backoffice.changes.models import Change, ImportFile
from backoffice.jobs import tasks, workers
from backoffice.jobs.care import Caretaker, remove_old_imports, take_up_dead_jobs
from backoffice.jobs.steps import check_job, create_job, create_undo, undo_job
from library.models import Library
from library.resources import LibraryResource
from tests.factories import make_user

FILE = b"name,address,state,phone_number,zip_code\nPrinceton,65 Street,NJ,609-924-9529,08542\n"
LONG_AGO = timezone.now() - datetime.timedelta(minutes=5)
#: By a clock that was set back since.
SET_BACK = timezone.now() + datetime.timedelta(hours=1)

# Real commits: the worker's transactions and the callbacks after them are what is tested.
pytestmark = pytest.mark.django_db(transaction=True)
of_the_database = pytest.mark.skipif(
    bool(os.environ["TASKS_URL"]), reason="of the queue that is in the database"
)


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def make_job(*, lines=1):
    job = create_job(LibraryResource, [FILE], file_name="f.csv")
    ImportFile.objects.filter(pk=job.pk).update(lines=lines)
    return fresh(job)


def fresh(job):
    return Change.objects.get(pk=job.pk)


def run_worker():
    call_command("worker", "--batch", "--no-startup-delay", verbosity=0)


def dead(job, *, runs=1):
    """The job as a worker leaves it that was killed."""
    Change.objects.filter(pk=job.pk).update(heartbeat=LONG_AGO, runs=runs, claim="dead")


def busy(*_arguments, **_options):
    raise OperationalError("database is locked")


def test_a_small_file_is_worked_on_at_once():
    job = make_job()
    tasks.start_check(job)
    assert fresh(job).status == "checked"
    tasks.start_apply(fresh(job))
    assert fresh(job).status == "done"
    tasks.start_undo(fresh(job))
    assert fresh(job).status == "undone"
    assert not DBTaskResult.objects.exists()


def test_a_large_file_waits_for_the_worker(settings):
    settings.IMPORT_IMMEDIATE_ROWS = 0
    job = make_job()
    for start, waiting, done in (
        (tasks.start_check, "uploaded", "checked"),
        (tasks.start_apply, "checked", "done"),
        (tasks.start_undo, "undoing", "undone"),
    ):
        start(fresh(job))
        assert fresh(job).status == waiting
        run_worker()
        assert fresh(job).status == done


@pytest.mark.parametrize("rows", [pytest.param(0, marks=of_the_database), 20_000])
def test_an_undo_that_could_not_begin_can_be_asked_for_again(settings, monkeypatch, rows):
    job = make_job()
    tasks.start_check(job)
    tasks.start_apply(fresh(job))
    settings.IMPORT_IMMEDIATE_ROWS = rows
    with monkeypatch.context() as locked:
        locked.setattr(Change, "take", busy)
        locked.setattr(DatabaseBackend, "enqueue", busy)
        with pytest.raises(OperationalError):
            tasks.start_undo(fresh(job))
    assert (fresh(job).status, fresh(job).undo) == ("done", None)
    tasks.start_undo(fresh(job))
    run_worker()
    assert fresh(job).status == "undone"


def test_an_undo_whose_process_died_before_it_began_is_taken_up():
    job = make_job()
    tasks.start_check(job)
    tasks.start_apply(fresh(job))
    undo = create_undo(fresh(job))
    assert take_up_dead_jobs() == 0
    Change.objects.filter(pk=undo.pk).update(created_at=LONG_AGO)
    assert take_up_dead_jobs() == 1
    assert take_up_dead_jobs() == 0  # it waits in the queue
    run_worker()
    assert (fresh(undo).status, fresh(job).status) == ("done", "undone")


@of_the_database
def test_what_could_not_be_queued_does_not_wait(settings, monkeypatch):
    settings.IMPORT_IMMEDIATE_ROWS = 0
    job = make_job()
    with monkeypatch.context() as locked:
        locked.setattr(DatabaseBackend, "enqueue", busy)
        with pytest.raises(OperationalError):
            tasks.start_check(job)
    assert fresh(job).waiting == ""
    tasks.start_check(job)
    run_worker()
    assert fresh(job).status == "checked"


@of_the_database
def test_a_lost_task_is_queued_again_or_stays_lost(settings, monkeypatch):
    settings.IMPORT_IMMEDIATE_ROWS = 0
    job = make_job()
    tasks.start_check(job)
    DBTaskResult.objects.update(status="RUNNING", started_at=LONG_AGO)
    with monkeypatch.context() as locked:
        locked.setattr(DatabaseBackend, "enqueue", busy)
        with pytest.raises(OperationalError):
            take_up_dead_jobs()
    assert take_up_dead_jobs() == 1
    run_worker()
    assert fresh(job).status == "checked"


@pytest.mark.parametrize(
    ("step", "status"),
    [("check", "checking"), ("check", "checked"), ("apply", "uploaded"), ("apply", "done")],
)
def test_a_job_that_has_moved_on_does_not_wait(settings, step, status):
    settings.IMPORT_IMMEDIATE_ROWS = 0
    job, somebody = make_job(), make_user()
    Change.objects.update(status=status)  # somebody else was faster
    if step == "check":
        tasks.start_check(job, user=somebody)
    else:
        tasks.enqueue(tasks.apply, job)
    assert (fresh(job).waiting, fresh(job).checked_by) == ("", None)
    assert not DBTaskResult.objects.exists()


def test_the_worker_says_what_it_found_in_the_language_of_the_page(settings):
    settings.IMPORT_IMMEDIATE_ROWS = 0
    job = create_job(LibraryResource, [FILE.replace(b"609-924-9529", b"-4")], file_name="f.csv")
    ImportFile.objects.filter(pk=job.pk).update(lines=1)
    with translation.override("es"):
        tasks.start_check(fresh(job))
    assert fresh(job).status == "uploaded"
    run_worker()
    assert "Esto es un código, no un número" in str(fresh(job).file.causes)


def test_a_worker_gives_a_sign_of_life(settings, monkeypatch):
    assert workers.is_missing()
    settings.IMPORT_IMMEDIATE_ROWS, seen = 0, []
    monkeypatch.setattr(tasks.steps, "check_job", lambda job: seen.append(workers.alive()))
    tasks.start_check(make_job())
    run_worker()
    assert seen == [1]
    assert workers.is_missing()  # it has ended


@pytest.mark.parametrize("seen_at", [LONG_AGO, SET_BACK])
def test_a_worker_that_was_killed_is_missing_and_forgotten_by_the_next(seen_at):
    Caretaker().look_after()
    workers.Worker.objects.create(name="another-1", seen_at=Now())
    assert workers.alive() == 2
    workers.Worker.objects.update(seen_at=seen_at)
    assert workers.is_missing()
    assert len(workers.ages()) == 2  # so that it can be told when one was seen last
    Caretaker().look_after()
    assert workers.alive() == 1  # the same row again
    run_worker()
    assert not workers.Worker.objects.exists()


def test_a_long_cleaning_delays_no_sign_of_life():
    begun, go_on = [], Event()

    def clean():
        begun.append(1)
        go_on.wait(20)

    caretaker = Caretaker(clean)
    caretaker.look_after()
    workers.Worker.objects.update(seen_at=LONG_AGO)
    caretaker.next_cleaning = 0.0
    caretaker.look_after()
    assert workers.alive() == 1
    go_on.set()
    caretaker.cleaner.join()
    assert begun == [1]  # and no second one beside it


def test_a_sign_is_one_statement_by_the_clock_of_the_database(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: LONG_AGO)
    workers.give_sign()
    with CaptureQueriesContext(connection) as sent:
        workers.give_sign()
    statements = [query["sql"].split()[0] for query in sent]
    assert [each for each in statements if each not in ("BEGIN", "COMMIT")] == ["INSERT"]
    assert 0 <= workers.ages()[0] < 10


@of_the_database
def test_a_worker_begins_when_the_database_is_back(monkeypatch):
    """The first sign that can't be given is a database that is away, and nothing else."""
    given, give = [], workers.give_sign

    def away_at_first():
        given.append(1)
        if len(given) == 1:
            raise OperationalError("connection refused")
        give()

    monkeypatch.setattr(workers, "give_sign", away_at_first)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    run_worker()
    assert len(given) == 2


@of_the_database
def test_a_job_that_was_deleted_or_cancelled_is_passed_over(settings):
    settings.IMPORT_IMMEDIATE_ROWS = 0
    gone, cancelled = make_job(), make_job()
    tasks.start_check(gone)
    tasks.start_check(cancelled)
    gone.delete()
    cancelled.cancel()
    run_worker()
    assert fresh(cancelled).status == "cancelled"
    assert {result.status for result in DBTaskResult.objects.all()} == {"SUCCESSFUL"}


def start_checking(job):
    job.take("uploaded", to="checking")
    return job


def start_applying(job):
    check_job(job)
    job.take("checked", to="applying")
    return job


def start_undoing(job):
    check_job(job)
    tasks.start_apply(job)
    undo = create_undo(fresh(job))
    undo.take("checked", to="applying")
    return undo


@pytest.mark.parametrize(
    ("start", "end"),
    [(start_checking, "checked"), (start_applying, "done"), (start_undoing, "undone")],
)
def test_a_job_of_the_dead_is_taken_up_again(start, end):
    job = make_job()
    running = start(job)
    assert take_up_dead_jobs() == 0  # it is alive
    dead(running)
    assert take_up_dead_jobs() == 1
    run_worker()
    assert fresh(job).status == end


@pytest.mark.parametrize(
    ("start", "end", "written"),
    [
        (start_checking, "failed", 0),
        (start_applying, "failed", 0),
        (start_undoing, "done", 1),
    ],
)
def test_a_job_that_kills_its_workers_ends(start, end, written):
    job = make_job()
    dead(start(job), runs=3)
    take_up_dead_jobs()
    run_worker()
    assert (fresh(job).status, Library.objects.count()) == (end, written)
    assert "died" in fresh(job).error


@of_the_database
def test_a_task_that_died_before_its_job_began_is_run_again(settings):
    settings.IMPORT_IMMEDIATE_ROWS = 0
    job = make_job()
    tasks.start_check(job)
    DBTaskResult.objects.update(status="RUNNING", started_at=LONG_AGO)
    take_up_dead_jobs()
    run_worker()
    assert fresh(job).status == "checked"
    assert sorted(result.status for result in DBTaskResult.objects.all()) == [
        "FAILED",
        "SUCCESSFUL",
    ]


@of_the_database
def test_a_task_that_died_after_its_job_was_done_is_not_run_again(settings):
    settings.IMPORT_IMMEDIATE_ROWS = 0
    job = make_job()
    tasks.start_check(job)
    run_worker()
    DBTaskResult.objects.update(status="RUNNING", started_at=LONG_AGO)
    take_up_dead_jobs()
    assert [result.status for result in DBTaskResult.objects.all()] == ["FAILED"]
    assert fresh(job).status == "checked"


@pytest.mark.skipif("IMPORTS_BUCKET" in os.environ, reason="see test_storage.py")
def test_files_go_after_a_time_and_undo_stays(settings):
    job, young = make_job(), make_job()
    check_job(job)
    tasks.start_apply(fresh(job))
    directory = job.file.directory
    Change.objects.filter(pk=job.pk).update(created_at=LONG_AGO - datetime.timedelta(days=30))
    orphan = settings.DATA_DIR / "imports" / files.new_folder()
    somebody_s = settings.DATA_DIR / "imports" / "lost+found"
    for folder in (orphan, somebody_s):
        folder.mkdir()
        os.utime(folder, (0, 0))
    assert remove_old_imports() == 2
    assert not orphan.exists()
    assert somebody_s.exists()
    assert not directory.exists()
    assert young.file.directory.exists()
    undo_job(fresh(job))
    assert not Library.objects.exists()
