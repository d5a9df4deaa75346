"""`/live`, `/ready` and `manage.py doctor`: what is well, what is not, and within what time."""

import threading
from contextlib import contextmanager

import pytest
from django.conf import settings as django_settings
from django.core.checks import Info, Warning
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import Client

from backoffice.admin.lists.search_indexes import missing_search_indexes
from backoffice.deployment import check_search_indexes
from backoffice.health import checks, middleware, probe
from backoffice.health.checks import Check, Found
from backoffice.health.probe import Probes
from backoffice.jobs import workers
from backoffice.jobs.liveness import ago
from library.models import Book


@pytest.fixture
def house(settings, tmp_path, transactional_db):
    """A site that is well."""
    settings.DATA_DIR, settings.DATA_MIN_FREE = tmp_path, 0
    workers.give_sign()
    return settings


def ready():
    """A fresh answer: the middleware is made anew, as another server's."""
    response = Client().get("/ready")
    return response.status_code, response.json()


def test_a_site_that_is_well_is_ready(house):
    status, told = ready()
    assert status == 200
    age = told.pop("worker_seen_seconds_ago")
    assert 0 <= age < 60
    names = ("database", "migrations", "data", "uploads", "worker", "machine")
    well = dict.fromkeys(names, "ok")
    assert told == {"ready": True, "checks": well}


def test_they_ask_for_no_host_no_tls_no_session_and_no_sign_in(
    house, django_assert_num_queries
):
    house.ALLOWED_HOSTS, house.SECURE_SSL_REDIRECT = ["library.example.org"], True
    client = Client(headers={"host": "10.1.2.3", "cookie": "sessionid=abc; __Host-messages=x"})
    for address in ("/live", "/ready"):
        with django_assert_num_queries(0):  # on the connection of requests
            response = client.get(address)
        assert response.status_code == 200, address
        assert response.headers["Cache-Control"] == "no-store"
        assert not response.cookies
        assert "Cookie" not in response.headers.get("Vary", "")
        assert client.head(address).status_code == 200
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
            refused = client.generic(method, address)
            assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert client.get("/live/").status_code != 200  # these two addresses alone
    assert client.get("/live").json() == {"live": True}


def test_a_database_that_refuses_makes_it_not_ready_and_tells_nothing_else(
    house, monkeypatch, caplog
):
    @contextmanager
    def refusing():
        raise DatabaseError("password authentication failed for user library at db7")
        yield

    monkeypatch.setattr(checks, "new_connection", refusing)
    client = Client()
    response = client.get("/ready")
    assert response.status_code == 503
    told = response.json()
    assert told["ready"] is False
    assert told["checks"] == {
        "database": "failed",
        "migrations": "failed",
        "data": "ok",
        "uploads": "ok",
        "worker": "failed",
        "machine": "failed",
    }
    assert "library" not in response.text
    assert client.get("/live").status_code == 200
    client.get("/ready")
    said = [record.getMessage() for record in caplog.records if "db7" in record.getMessage()]
    assert len(said) == 4  # once for each check, however often it is asked


def test_a_migration_that_is_missing_makes_it_not_ready(house, monkeypatch):
    def plan(*args):
        return [("library.0007_more", False)]

    monkeypatch.setattr(checks.MigrationExecutor, "migration_plan", plan)
    status, told = ready()
    assert (status, told["checks"]["migrations"]) == (503, "failed")
    assert "library.0007_more" in checks.migrations().problem


def test_a_folder_without_room_or_that_is_gone_makes_it_not_ready(house, tmp_path):
    house.DATA_MIN_FREE = 10**18
    status, told = ready()
    assert (status, told["checks"]["data"]) == (503, "failed")
    assert "DATA_MIN_FREE" in checks.data().problem
    house.DATA_MIN_FREE, house.DATA_DIR = 0, tmp_path / "gone"
    assert "No such file" in checks.data().problem
    assert list(tmp_path.glob("*")) == []  # what it tried is removed


def test_no_worker_is_told_and_leaves_it_ready(house):
    workers.Worker.objects.update(seen_at=ago(5000))
    status, told = ready()
    assert (status, told["checks"]["worker"]) == (200, "failed")
    assert 4990 < told["worker_seen_seconds_ago"] < 5100
    workers.sign_off()
    assert ready()[1]["worker_seen_seconds_ago"] is None
    house.TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
    assert ready()[1]["checks"]["worker"] == "ok"


def test_what_hangs_is_waited_for_so_long_and_asked_anew_only_so_often(monkeypatch):
    monkeypatch.setattr(probe, "LIMIT", 0.05)
    monkeypatch.setattr(probe, "GIVEN_UP", 0.0)
    gate, begun = threading.Event(), []

    def hang():
        begun.append(1)
        gate.wait(60)
        return Found()

    probes = Probes([Check("slow", hang), Check("quick", Found)])
    for _question in range(probe.MOST_HANGING + 3):
        found = probes.ask()
        assert "did not answer" in found["slow"].problem
        assert found["quick"].problem == ""
    assert len(begun) == probe.MOST_HANGING
    monkeypatch.setattr(probe, "LIMIT", 30.0)
    gate.set()
    assert probes.ask()["slow"].problem == ""  # it is well by itself


def test_many_questions_at_once_make_no_more_work(monkeypatch):
    begun = []
    probes = Probes([Check("each", lambda: begun.append(1) or Found())])
    for _question in range(20):
        probes.ask()
    assert len(begun) == 1
    monkeypatch.setattr(probe, "FRESH", 0.0)
    probes.ask()
    assert len(begun) == 2


def test_a_check_that_stumbles_is_one_that_failed():
    def look():
        raise RuntimeError("such\na thing")

    assert (
        Probes([Check("one", look)]).ask()["one"].problem == "It can't be told: such a thing."
    )


def test_the_middleware_stands_before_all_that_could_refuse():
    place = django_settings.MIDDLEWARE.index("backoffice.health.middleware.answer")
    harmless = {"backoffice.access.log_requests", "backoffice.headers.add_headers"}
    assert set(django_settings.MIDDLEWARE[:place]) <= harmless
    assert middleware.METHODS == ("GET", "HEAD")


# Search indexes, and the doctor ---------------------------------------------------------


def drop_book_index():
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
                " AND tbl_name = 'library_book' AND name LIKE 'backoffice_search_of_%%'"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')
        else:
            cursor.execute("DROP INDEX book_search")


def test_a_table_that_lost_its_search_index_is_named(db, monkeypatch):
    assert missing_search_indexes() == []
    drop_book_index()
    assert missing_search_indexes() == [(Book, ["title"])]
    monkeypatch.setattr(connection.introspection, "table_names", list)  # not migrated yet
    assert missing_search_indexes() == []


def test_doctor_makes_no_empty_database(house, capsys, monkeypatch):
    module = "backoffice.management.commands.doctor"
    monkeypatch.setattr(f"{module}.missing_file", lambda connection: "/srv/db.sqlite3")
    monkeypatch.setattr(f"{module}.checks.run_checks", None)
    with pytest.raises(SystemExit):
        call_command("doctor")
    assert "The deployment: It can't be checked without the database" in capsys.readouterr().out


def test_doctor_says_what_is_wrong_and_the_remedy(house, capsys, monkeypatch):
    def run_checks(*, include_deployment_checks):
        assert include_deployment_checks
        quiet = Warning("silenced", id="backoffice.W104")
        return [Info("a hint"), quiet, *check_search_indexes()]

    monkeypatch.setattr("backoffice.management.commands.doctor.checks.run_checks", run_checks)
    house.SILENCED_SYSTEM_CHECKS = ["backoffice.W104"]
    call_command("doctor")
    well = capsys.readouterr().out
    assert "The database: well.\nMigrations: well.\n" in well
    assert well.endswith("All is well.\n")
    found = "backoffice.admin.lists.search_indexes.missing_search_indexes"
    monkeypatch.setattr(found, lambda: [(Book, ["title"])])
    house.DATA_MIN_FREE = 10**18
    workers.Worker.objects.update(seen_at=ago(5000))
    with pytest.raises(SystemExit) as ended:
        call_command("doctor")
    assert ended.value.code == 1
    said = capsys.readouterr().out
    assert "Make room" in said
    assert "manage.py worker" in said
    assert "library.Book (title)" in said
    assert said.endswith("To put right: 3.\n")
