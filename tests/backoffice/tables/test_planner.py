"""Writing many rows is fast however old PostgreSQL's statistics are."""

import pytest
from django.db import connection, transaction

from backoffice.changes.edits import Edit
from backoffice.changes.undo import Undo
from backoffice.jobs.steps import undo_job
from backoffice.tables import planner
from library.models import Library
from library.resources import LibraryResource
from tests.backoffice.changes.test_undo import applied
from tests.backoffice.imports.running import HEADER, counted, run

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps no such lag"),
]
ROWS = 3_000


@pytest.fixture(autouse=True)
def as_if_committed(monkeypatch):
    """What comes once a transaction is committed comes at once: the test's own never is."""
    monkeypatch.setattr(transaction, "on_commit", lambda call, **kwargs: call())


def forget_statistics():
    """As autovacuum leaves them where it sees a table before what fills it is committed."""
    with connection.cursor() as cursor:
        for table in ("library_library", "library_historicallibrary"):
            cursor.execute(f"ANALYZE {table}")
        cursor.execute(
            "SELECT reltuples FROM pg_class WHERE relname = 'library_historicallibrary'"
        )
        assert cursor.fetchone() == (0,)


def libraries(state):
    return [[f"A{i}", "1 Street", state, "212-222-6559", "10001"] for i in range(ROWS)]


def loops():
    """Whether PostgreSQL plans nested loops: on or off."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_nestloop")
        return cursor.fetchone()[0]


def test_many_rows_are_hashed_not_looped_over(write_csv):
    forget_statistics()
    counts, _rejects = run(LibraryResource, write_csv(HEADER, *libraries("NY")))
    assert counted(counts) == (ROWS, 0, 0, 0)
    assert loops() == "off"
    counts, _rejects = run(LibraryResource, write_csv(HEADER, *libraries("NJ")))
    assert counted(counts) == (0, ROWS, 0, 0)


def test_few_rows_are_looked_up_by_key(write_csv):
    run(LibraryResource, write_csv(HEADER, *libraries("NY")[:5]))
    assert loops() == "on"


@pytest.mark.parametrize(("changed", "planned"), [(10, "on"), (ROWS, "off")])
def test_of_a_large_table_few_rows_are_looked_up(write_csv, monkeypatch, changed, planned):
    """A thousand patrons of 2,500,000: reading all of them takes longer."""
    run(LibraryResource, write_csv(HEADER, *libraries("NY")))
    monkeypatch.setattr(planner, "MANY", 10)  # of some sixty pages
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = on")
    counts, _rejects = run(LibraryResource, write_csv(HEADER, *libraries("NJ")[:changed]))
    assert counted(counts) == (0, changed, 0, 0)
    assert loops() == planned


def test_an_edit_of_many_rows_hashes_them_too(superuser, write_csv):
    forget_statistics()
    run(LibraryResource, write_csv(HEADER, *libraries("NY")))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = on")
    state = Library._meta.get_field("state")
    assert Edit(Library.objects.all(), {state: "NJ"}).run(user=superuser, title="x").updated
    assert loops() == "off"


def test_an_edit_of_few_rows_looks_them_up(superuser, write_csv):
    run(LibraryResource, write_csv(HEADER, *libraries("NY")))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = on")
    state = Library._meta.get_field("state")
    few = Library.objects.filter(pk__in=Library.objects.values("pk")[:3])
    assert Edit(few, {state: "NJ"}).run(user=superuser, title="x").updated == 3
    assert loops() == "on"


def estimated():
    """How many libraries, and records of them, PostgreSQL believes there are."""
    names = "library_library", "library_historicallibrary"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reltuples FROM pg_class WHERE relname = ANY(%s)", [list(names)]
        )
        found = dict(cursor.fetchall())
    return [found[name] for name in names]


def test_what_is_written_is_known_at_once(superuser, write_csv):
    forget_statistics()
    run(LibraryResource, write_csv(HEADER, *libraries("NY")[:50]))
    assert estimated() == [0, 0]  # too few to matter
    job = applied(LibraryResource, HEADER, *libraries("NY")[50:])
    assert estimated() == [ROWS, ROWS]
    state = Library._meta.get_field("state")
    Edit(Library.objects.all(), {state: "NJ"}).run(user=superuser, title="x")
    assert estimated() == [ROWS, 2 * ROWS]
    undo_job(job)
    assert estimated()[1] == 2 * ROWS  # all were edited since: nothing was written


def test_an_undo_of_many_rows_hashes_them_too():
    forget_statistics()
    job = applied(LibraryResource, HEADER, *libraries("NY"))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = on")
    with Undo(job) as undo:
        undo.plan()
    assert loops() == "off"
    undo_job(job)
    assert not Library.objects.exists()
