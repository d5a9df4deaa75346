"""What is read from a replica, and that nothing of it is written there."""

import time

import pytest
from django.db import Error, connection, connections, router
from django.http import HttpResponse
from django.test import RequestFactory

from backoffice.admin.lists.replica import read_there
from backoffice.tables import replica
from backoffice.tables.replica import REPLICA, Outcome, Router
from library.models import Library, Patron
from tests.factories import make_library, make_patron

postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="PostgreSQL alone has replicas"
)


@pytest.fixture
def copy(monkeypatch):
    """Another connection to the same database as the replica, which says that it is one."""
    monkeypatch.setitem(connections.settings, REPLICA, connection.settings_dict | {"TEST": {}})
    monkeypatch.setattr(router, "routers", [Router()])
    monkeypatch.setattr(replica, "_state", replica._State())
    monkeypatch.setattr(replica, "look", lambda *args: Outcome.READ)
    yield
    connections[REPLICA].close()
    del connections[REPLICA]


@pytest.fixture
def connected(transactional_db, copy):
    """It is connected before a test asks for it: Django lets nobody connect to it then."""
    connections[REPLICA].connect()


def test_lists_alone_are_read_there_and_all_is_written_on_the_primary(copy):
    read = Library(pk=1)
    read._state.db = REPLICA
    assert router.db_for_read(Library) == "default"
    with replica.reading("library"):
        assert Library.objects.all().db == REPLICA
        assert Library.history.all().db == REPLICA
        assert router.db_for_read(
            type(read).history.model.history_user.field.related_model
        ) == ("default")
        assert router.db_for_write(Library) == "default"
        assert router.db_for_read(Patron, instance=Library()) == "default"
    assert Library.objects.all().db == "default"
    assert read.patron_set.all().db == REPLICA  # with what it was read with
    assert router.db_for_write(Library, instance=read) == "default"
    assert router.db_for_write(Patron, instance=read) == "default"
    patron = Patron(library=read)
    patron._state.db = "default"
    patron.library = read  # refused where the databases have nothing to do with each other
    assert not router.allow_migrate(REPLICA, "library")
    assert router.allow_migrate("default", "library")


@postgresql
def test_what_was_read_there_is_saved_on_the_primary(connected):
    library = make_library(name="Before")
    make_patron(library=library)
    with replica.reading("library"):
        read = Library.objects.get()
        patron = Patron.objects.select_related("library").get()
    assert read._state.db == patron.library._state.db == REPLICA
    with connections[REPLICA].cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    read.name = "After"
    read.save()
    patron.library.refresh_from_db()
    patron.delete()
    Library.objects.filter(pk=read.pk).update(zip_code="10002")
    assert list(Library.objects.values_list("name", "zip_code")) == [("After", "10002")]
    assert not Patron.objects.exists()


def test_in_a_transaction_the_primary_is_read_as_it_alone_has_what_was_written(copy, db):
    assert connection.in_atomic_block
    assert replica.alias_now() == "default"


@postgresql
@pytest.mark.parametrize("is_kept_back", [False, True])
def test_a_list_that_the_replica_ends_is_read_whole_from_the_primary(connected, is_kept_back):
    """Also where a template's `if` keeps the error to itself."""
    read_from = []

    def view():
        alias = Library.objects.all().db
        read_from.append(alias)
        try:
            with connections[alias].cursor() as cursor:
                end = "pg_terminate_backend(pg_backend_pid())"
                cursor.execute(f"SELECT {end if alias == REPLICA else 1}")
        except Error:
            if not is_kept_back:
                raise
        return HttpResponse(alias)

    request = RequestFactory().get("/")
    request._messages = Said()
    counted = []
    replica.asked.connect(count := (lambda outcome, **kwargs: counted.append(outcome)))
    try:
        assert read_there(request, "library", view).content == b"default"
        assert read_there(request, "library", view).content == b"default"  # it rests
    finally:
        replica.asked.disconnect(count)
    assert read_from == [REPLICA, "default", "default"]
    assert counted == [Outcome.READ, Outcome.FAILED, Outcome.FAILED]
    replica._state.rests_until = time.monotonic()
    with pytest.raises(ZeroDivisionError):  # no fault of the replica's
        read_there(request, "library", lambda: 1 / 0)


class Said:
    _queued_messages: list = []


@postgresql
def test_a_form_that_was_sent_is_done_on_the_primary(connected):
    request = RequestFactory().post("/")
    answer = read_there(request, "library", lambda: HttpResponse(Library.objects.all().db))
    assert answer.content == b"default"
