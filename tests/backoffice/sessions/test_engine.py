"""A session ends by idle time and by age, and costs a write a minute at most."""

import datetime
import threading

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import UpdateError
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice.changes.models import Change
from backoffice.sessions.browsers import browser_name
from backoffice.sessions.engine import SessionStore
from backoffice.sessions.models import Session
from library.models import Library, Patron
from tests.backoffice.admin.pages import url
from tests.backoffice.sessions.later import later
from tests.factories import make_user

pytestmark = pytest.mark.django_db

LIST = url(Patron, "changelist")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
MINUTE = datetime.timedelta(minutes=1)


def is_signed_in(client, address=LIST):
    return client.get(address).status_code == 200


def writes(client, address):
    """The statements of a GET that write."""
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    read = ("SELECT", "PRAGMA", "SAVEPOINT", "RELEASE")
    return [q["sql"] for q in queries if not q["sql"].startswith(read)]


# Its end --------------------------------------------------------------------------------


def test_a_session_that_nobody_uses_ends_after_half_an_hour(admin_client):
    later(minutes=29)
    assert is_signed_in(admin_client)
    later(minutes=29)
    assert is_signed_in(admin_client)
    later(minutes=31)
    assert not is_signed_in(admin_client)


def test_a_session_in_use_ends_after_a_working_day(admin_client):
    for _ in range(29):
        later(minutes=20)
        assert is_signed_in(admin_client)
    later(minutes=19)
    assert is_signed_in(admin_client)
    later(minutes=2)
    assert not is_signed_in(admin_client)


def test_the_limits_are_settings(client, superuser, settings):
    settings.SESSION_IDLE_MINUTES, settings.SESSION_HOURS = 5, 1
    client.force_login(superuser)
    later(minutes=4)
    assert is_signed_in(client)
    later(minutes=6)
    assert not is_signed_in(client)
    client.force_login(superuser)
    for _ in range(14):
        later(minutes=4)
        assert is_signed_in(client)
    later(minutes=4)
    assert not is_signed_in(client)


def test_a_key_that_changes_makes_no_session_younger(admin_client):
    later(hours=9, minutes=50)
    Session.objects.update(expire_date=timezone.now() + MINUTE)
    session = admin_client.session
    session.cycle_key()
    session.save()
    assert timezone.now() - Session.objects.get().first_seen > datetime.timedelta(hours=9)


def test_whoever_signs_in_anew_has_a_new_session(client, superuser):
    client.force_login(superuser)
    later(minutes=20)
    client.force_login(superuser)
    assert timezone.now() - Session.objects.get().first_seen < MINUTE


def test_a_page_that_asks_by_itself_keeps_no_session_alive(admin_client, superuser):
    change = Change.objects.create(
        model="library.Library", kind="edit", status="applying", user=superuser
    )
    progress = url(Library, "import_progress", change.pk)
    assert writes(admin_client, progress) == []
    later(minutes=20)
    page = url(Library, "import_job", change.pk)
    for address in (progress, f"{page}?_by_itself"):
        assert is_signed_in(admin_client, address)
    later(minutes=11)
    assert not is_signed_in(admin_client, progress)


def test_a_page_without_scripts_says_that_it_asks_by_itself(admin_client, superuser):
    change = Change.objects.create(
        model="library.Library", kind="edit", status="applying", user=superuser
    )
    page = admin_client.get(url(Library, "import_job", change.pk))
    assert '<meta http-equiv="refresh" content="3;url=?_by_itself">' in page.text


# What it costs --------------------------------------------------------------------------


def test_it_is_written_once_a_minute(admin_client):
    assert writes(admin_client, LIST) == []
    later(minutes=2)
    (written,) = writes(admin_client, LIST)
    assert written.startswith('UPDATE "backoffice_session"')
    assert writes(admin_client, LIST) == []


def test_nobody_who_is_not_signed_in_has_a_session(client):
    client.get(LIST)
    client.get("/admin/login/")
    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_page_waits_for_nobody_who_writes(admin_client):
    if connection.vendor != "sqlite":
        pytest.skip("only on SQLite does one writer keep all others waiting")
    admin_client.get(LIST)
    later(minutes=2)
    before = Session.objects.get().last_seen
    locked, done = threading.Event(), threading.Event()

    def write():
        with connection.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            locked.set()
            done.wait(60)
            cursor.execute("ROLLBACK")
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert locked.wait(10)
        assert is_signed_in(admin_client)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            assert cursor.fetchone()[0] >= 5000
    finally:
        done.set()
        writer.join()
    assert Session.objects.get().last_seen == before
    assert is_signed_in(admin_client)
    assert Session.objects.get().last_seen > before


def test_ended_sessions_are_removed(admin_client, superuser):
    Client().force_login(superuser)
    later(minutes=31)
    admin_client.force_login(superuser)
    call_command("clearsessions")
    assert Session.objects.count() == 1


# What it knows --------------------------------------------------------------------------


def test_it_knows_whose_it_is_and_from_where(client):
    user = make_user(username="ann", password="Zq9x-ruby-4", is_superuser=True)
    typed = {"username": "ann", "password": "Zq9x-ruby-4"}
    client.post("/admin/login/", typed, headers={"user-agent": FIREFOX})
    row = Session.objects.get()
    assert (row.account, row.browser) == (str(user.pk), "Firefox 140, Linux")
    assert row.address == "127.0.0.1"
    later(minutes=2)
    client.get(LIST, headers={"user-agent": "curl/8.1\x07" + "x" * 500}, REMOTE_ADDR="::1")
    row.refresh_from_db()
    assert (row.browser, row.address) == ("curl/8.1" + "x" * 32, "::1")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (FIREFOX, "Firefox 140, Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Edge 140, Windows",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
            " Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari 18, iPad",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
            " HeadlessChrome/140.0.0.0 Mobile Safari/537.36",
            "Chrome 140, Android",
        ),
        ("", ""),
        ("Windows", "Windows"),
    ],
)
def test_browsers_have_names(text, name):
    assert browser_name(text) == name


# What ends it ---------------------------------------------------------------------------


def test_a_new_password_ends_all_sessions_by_whichever_way(admin_client, superuser):
    superuser.set_password("Zq9x-ruby-4")
    superuser.save()
    assert not Session.objects.exists()
    admin_client.force_login(superuser)
    User.objects.update(password="!")
    assert Session.objects.alive(User.objects.get()) == []
    assert not is_signed_in(admin_client)


def test_an_account_that_is_not_active_has_no_sessions(client):
    user = make_user()
    client.force_login(user)
    user.is_active = False
    user.save()
    assert not Session.objects.exists()


def test_what_was_begun_is_answered_though_its_session_ends_meanwhile(client, monkeypatch):
    save = SessionStore.save

    def ends(store, must_create=False):
        if must_create:
            return save(store, must_create)
        Session.objects.all().delete()
        raise UpdateError

    user = make_user(username="ann", is_superuser=True)
    client.force_login(user)
    monkeypatch.setattr(SessionStore, "save", ends)
    change = url(User, "password_change", user.pk)
    data = {"usable_password": "true", "password1": "kd83-Opal-x", "set-password": ""}
    response = client.post(change, data | {"password2": "kd83-Opal-x"})
    assert response.status_code == 302
    monkeypatch.undo()
    assert not is_signed_in(client)


# Checks ---------------------------------------------------------------------------------


def found():
    ids = [message.id for message in run_checks()]
    return [each for each in ids if each in ("backoffice.E080", "backoffice.E081")]


def test_engine_and_middleware_go_together(settings):
    assert found() == []
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    assert found() == ["backoffice.E080"]
    ours = "backoffice.sessions.middleware.SessionMiddleware"
    stock = "django.contrib.sessions.middleware.SessionMiddleware"
    settings.MIDDLEWARE = [stock if each == ours else each for each in settings.MIDDLEWARE]
    assert found() == []
    settings.SESSION_ENGINE = "backoffice.sessions.engine"
    assert found() == ["backoffice.E080"]


def test_no_limit_ends_sessions_at_once(settings):
    settings.SESSION_IDLE_MINUTES = 0
    assert found() == ["backoffice.E081"]
