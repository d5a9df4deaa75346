"""What PostgreSQL is told so that nobody waits for ever."""

import sqlite3
import time

import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction

from backoffice.querysets.reading import snapshot
from backoffice.tables import waits
from backoffice.tables.table import Table
from backoffice.tables.waits import let_idle, limit_waits, met_lock
from library.models import Library

pytestmark = pytest.mark.django_db(transaction=True)
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one timeout, of its connection"
)


def told(name, using=connection):
    with using.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return cursor.fetchone()[0]


@pytest.fixture
def another():
    """A second connection, made anew by the settings of the test."""
    made = connections["default"].copy()
    yield made
    made.close()


@on_postgresql
def test_a_connection_is_told_when_it_is_ended(settings, another):
    settings.DATABASE_IDLE_SECONDS, settings.DATABASE_SILENT_SECONDS = 7, 40
    assert told("idle_in_transaction_session_timeout", another) == "7s"
    assert told("client_connection_check_interval", another) == "10s"
    assert told("tcp_user_timeout", another) == "40000"
    keepalives = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
    assert [told(name, another) for name in keepalives] == ["20", "10", "2"]
    options = another.settings_dict["OPTIONS"]
    assert (options["tcp_user_timeout"], options["keepalives_idle"]) == (20_000, 10)


@on_postgresql
@pytest.mark.parametrize(
    ("name", "value"), [("client_connection_check_interval", "-1"), ("not_known_yet", "1")]
)
def test_what_a_server_refuses_keeps_nobody_out(monkeypatch, another, name, value):
    monkeypatch.setattr(waits, "_silent", lambda: {name: value, "tcp_keepalives_count": "2"})
    assert told("tcp_keepalives_count", another) == "2"
    assert told("idle_in_transaction_session_timeout", another) == "20s"


@on_postgresql
def test_a_client_that_does_nothing_frees_its_locks_and_a_reader_may_be_slow(settings, another):
    settings.DATABASE_IDLE_SECONDS = 1
    with pytest.raises(DatabaseError), transaction.atomic():  # noqa: PT012
        with connection.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = 0")  # as a pool might
        limit_waits(connection, 0)
        Table(Library, connection).lock()
        begun = time.monotonic()
        another.set_autocommit(False)
        Table(Library, another).lock_for_rows()  # waits for the other, and gets it
        another.rollback()
        assert 0.5 < time.monotonic() - begun < 15
        told("lock_timeout")
    connection.close()
    with snapshot(connection):
        assert told("idle_in_transaction_session_timeout") == "1h"
        time.sleep(1.5)
        let_idle(connection, "0")
        assert told("idle_in_transaction_session_timeout") == "0"


@on_postgresql
def test_a_lock_is_waited_for_as_long_as_was_said(another):
    with transaction.atomic():
        Table(Library).lock()
        another.set_autocommit(False)
        limit_waits(another, 0.2)
        with pytest.raises(OperationalError) as raised:
            Table(Library, another).lock_for_rows()
        another.rollback()
    assert met_lock(raised.value)


def test_a_lock_of_sqlite_is_known_by_its_error(tmp_path):
    one, other = (sqlite3.connect(tmp_path / "db", timeout=0) for _ in range(2))
    one.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as raised:
        other.execute("BEGIN IMMEDIATE")
    error = OperationalError("database is locked")
    assert not met_lock(error)
    error.__cause__ = raised.value
    assert met_lock(error)
    one.close()
    other.close()
