"""What is too old goes, in chunks, and no more; a dry run says the same and removes nothing."""

import datetime
import json
from io import StringIO

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.utils import timezone

from backoffice.changes.models import Change
from backoffice.jobs import retention
from backoffice.jobs.retention import retain
from backoffice.sessions.models import Session
from backoffice.trail.models import Entry
from library.models import Book, Library, Patron
from tests.factories import make_book, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

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


def test_sessions_that_have_ended_go():
    hour, now = datetime.timedelta(hours=1), timezone.now()
    alive = Session.objects.create(session_key="alive", expire_date=now + hour)
    Session.objects.create(session_key="ended", expire_date=now - hour)
    assert retain(dry_run=True) == retain() == {"ended sessions": 1}
    assert Session.objects.get() == alive


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
