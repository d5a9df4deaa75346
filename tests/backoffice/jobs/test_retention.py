"""What is too old goes, in chunks, and no more; a dry run says the same and removes nothing."""

import datetime
import json
import threading
from io import StringIO

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from backoffice.changes.models import Change, ImportFile
from backoffice.deployment import MOST_KEPT, check_retention
from backoffice.jobs import retention
from backoffice.jobs.retention import retain
from backoffice.sessions.models import Session
from backoffice.submissions import Submission
from backoffice.trail.models import Entry
from library.models import Book, Library, Patron
from tests.factories import make_book, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

RESOURCE = "library.resources.LibraryResource"
LONG_AGO = timezone.now() - datetime.timedelta(days=400)


@pytest.fixture(autouse=True)
def _kept_for_a_year(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    settings.HISTORY_KEEP_DAYS = settings.ACTIVITY_KEEP_DAYS = settings.JOBS_KEEP_DAYS = 365
    monkeypatch.setattr(retention, "CHUNK", 2)


@pytest.fixture
def old():
    library = make_library(name="Main")
    for name in ("One", "Two", "Three", "Four"):
        library.name = name
        library.save()
    make_book(libraries=[library]).delete()
    patron = make_patron(library=library)
    for model in (Library, Book, Patron):
        model.history.update(history_date=LONG_AGO)
    patron.name = "New"
    patron.save()
    user = make_user()
    for n in range(3):
        Entry.objects.create(action="add", name="fry", at=LONG_AGO, object_name=str(n))
        LogEntry.objects.create(user=user, action_flag=1, object_repr=str(n))
    LogEntry.objects.update(action_time=LONG_AGO)
    Entry.objects.create(action="add", name="leela")
    for status in ("done", "checked"):
        Change.objects.create(
            model="library.Library",
            title=status,
            status=status,
            kind="edit",
            finished_at=LONG_AGO,
        )


def numbers():
    models = (Library.history, Book.history, Patron.history, Entry.objects, Change.objects)
    return [manager.count() for manager in models]


def test_a_dry_run_says_what_a_run_then_removes(old):
    before = numbers()
    would = retain(dry_run=True)
    assert numbers() == before
    assert would["lines of the activity"] == 3
    assert would["lines of recent actions"] == 3
    assert would["jobs"] == 1
    assert retain() == would


def test_history_keeps_the_newest_record_of_a_row_that_is_there(old):
    retain()
    assert [record.name for record in Library.history.all()] == ["Four"]
    assert not Book.history.exists()
    links = apps.get_model("library", "HistoricalBook_libraries")
    assert not links.objects.exists()
    assert [record.name for record in Patron.history.all()] == ["New"]


def test_the_trail_tells_of_it_and_keeps_what_is_new(old):
    retain()
    assert list(Entry.objects.order_by("pk").values_list("action", flat=True)) == [
        "add",
        "retain",
    ]
    assert "3 lines of the activity" in Entry.objects.get(action="retain").message
    assert retain() == {}
    assert [change.title for change in Change.objects.all()] == ["checked"]


def test_what_has_no_setting_stays_for_ever(old, settings):
    settings.HISTORY_KEEP_DAYS = settings.ACTIVITY_KEEP_DAYS = settings.JOBS_KEEP_DAYS = 0
    before = numbers()
    assert retain() == {}
    assert numbers() == before


def test_what_the_queue_has_done_and_forms_led_to_goes_by_settings_of_their_own(settings):
    task = DBTaskResult.objects.create(
        status="SUCCESSFUL",
        args_kwargs={"args": [], "kwargs": {}},
        task_path="backoffice.jobs.tasks.check",
        backend_name="default",
        run_after=LONG_AGO,
        finished_at=LONG_AGO,
    )
    Submission.objects.create(key="a", created_at=LONG_AGO)
    settings.JOBS_KEEP_DAYS = settings.TASKS_KEEP_DAYS = settings.FORMS_KEEP_DAYS = 0
    assert retain() == {}
    settings.TASKS_KEEP_DAYS = settings.FORMS_KEEP_DAYS = 399
    assert retain() == {"tasks of the queue": 1, "answers of forms": 1}
    assert not DBTaskResult.objects.filter(pk=task.pk).exists()


def test_zero_days_keep_files_for_ever(settings):
    for status in ("uploaded", "done"):
        job = Change.objects.create(
            model="library.Library", title="a.csv", kind="import", status=status
        )
        Change.objects.filter(pk=job.pk).update(created_at=LONG_AGO)
        file = ImportFile(change=job, resource=RESOURCE, name="a.csv", size=1)
        file.make_directory()
        file.save(force_insert=True)
    settings.IMPORT_KEEP_DAYS = settings.IMPORT_ABANDONED_DAYS = 0
    assert retain() == {}
    settings.IMPORT_KEEP_DAYS = settings.IMPORT_ABANDONED_DAYS = 399
    assert retain() == {"abandoned imports": 1, "files of imports": 1}


def test_a_negative_number_of_days_is_no_setting(settings):
    assert check_retention() == []
    settings.HISTORY_KEEP_DAYS = -1
    assert [error.id for error in check_retention()] == ["backoffice.E112"]


@pytest.mark.parametrize("days", [MOST_KEPT, MOST_KEPT + 1, 999_999])
def test_a_time_that_no_date_has_is_refused(settings, days):
    settings.HISTORY_KEEP_DAYS = settings.IMPORT_KEEP_DAYS = settings.EXPORT_KEEP_DAYS = days
    if days > MOST_KEPT:
        assert [error.id for error in check_retention()] == ["backoffice.E112"] * 3
    else:
        assert check_retention() == []
        retain()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_what_another_worker_is_just_removing_is_left_to_it(settings):
    lines = [Entry.objects.create(action="add", at=LONG_AGO).pk for _ in range(5)]
    held, done = threading.Event(), threading.Event()

    def other():
        with transaction.atomic():
            list(QuerySet(Entry).filter(pk__in=lines[:2]).select_for_update())
            held.set()
            done.wait(20)
        connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    assert held.wait(20)
    try:
        assert retain() == {"lines of the activity": 3}
        assert set(lines[:2]) <= set(Entry.objects.values_list("pk", flat=True))
    finally:
        done.set()
        thread.join()
    assert retain() == {"lines of the activity": 2}


def test_sessions_that_have_ended_go(settings):
    hour, now = datetime.timedelta(hours=1), timezone.now()
    for hours in (1, -23, -25):
        Session.objects.create(session_key=str(hours), expire_date=now + hours * hour)
    settings.SESSIONS_KEEP_DAYS = 0
    assert retain() == {}
    settings.SESSIONS_KEEP_DAYS = 1
    assert retain(dry_run=True) == retain() == {"ended sessions": 1}
    assert set(Session.objects.values_list("pk", flat=True)) == {"1", "-23"}


def test_the_command_says_it_beforehand(old):
    said = StringIO()
    call_command("retain", "--dry-run", stdout=said)
    assert "Would remove 3 lines of the activity." in said.getvalue()
    said = StringIO()
    call_command("retain", "--json", stdout=said)
    assert json.loads(said.getvalue())["jobs"] == 1
    said = StringIO()
    call_command("retain", stdout=said)
    assert said.getvalue() == "Nothing is too old.\n"
