"""The checks run before the lock, and under it again only where they have to."""

import re
from functools import partial

import pytest
from django.db import connection

from backoffice.changes.counts import Counts
from backoffice.imports import ahead
from backoffice.imports.ahead import Ahead
from backoffice.imports.engine import DatabaseMoved, Import
from backoffice.jobs.steps import apply_job, check_job, create_job
from backoffice.readers.source import open_source
from library.models import Book, Library, Patron
from library.resources import BookResource, LibraryResource, PatronResource
from tests.backoffice.imports.running import HEADER, PRINCETON, SEAFORD, counted
from tests.factories import make_book, make_library

pytestmark = pytest.mark.django_db(transaction=True)
INSERT = (
    "INSERT INTO library_library (name, address, state, phone_number, zip_code)"
    " VALUES ('Princeton', '1 Elsewhere', 'NJ', '609-924-9529', '08542-3214')"
)
RENAME = "UPDATE library_library SET name = '%s' WHERE id = %d"
LINK = (
    "INSERT INTO library_book_libraries (book_id, library_id)"
    " SELECT %d, max(id) FROM library_library"
)


@pytest.fixture(autouse=True)
def many(monkeypatch):
    """However large the table is by what other tests left in it."""
    monkeypatch.setattr(ahead, "many", lambda *tables: 1)


@pytest.fixture
def elsewhere():
    """`elsewhere(sql)` runs it on another connection."""
    other = connection.copy()

    def execute(sql):
        with other.cursor() as cursor:
            cursor.execute(sql)

    yield execute
    other.close()


@pytest.fixture
def between(monkeypatch):
    """`between(call)` has it called when the checks have run, and nothing is locked yet."""
    look = Ahead.look

    def set_call(call):
        def looks(self):
            look(self)
            call()

        monkeypatch.setattr(Ahead, "look", looks)

    return set_call


def statements(run):
    """What `run` says to the database before the lock, under it, and once it is committed."""
    said = [], [], []
    is_under = False

    def note(execute, sql, params, many, context):
        nonlocal is_under
        line = " ".join(sql.split())
        is_under &= connection.in_atomic_block
        is_under |= line.startswith(("LOCK TABLE", "BEGIN IMMEDIATE"))
        said[1 if is_under else 2 if said[1] else 0].append(line)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        run()
    return said


def written(said):
    """`(verb, table)` of what changes a table, staged ones alike."""
    found = (
        re.match(r"(INSERT INTO|UPDATE|DELETE FROM) ([\w.]+)", sql.replace('"', ""))
        for sql in said
    )
    return [(match[1].split()[0], match[2]) for match in found if match]


def test_only_what_is_written_is_written_under_the_lock(write_csv):
    make_library(name="Seaford", zip_code="11783")
    path = write_csv(HEADER, PRINCETON, SEAFORD)
    with Import(LibraryResource, open_source(path)) as imported:
        before, under, after = statements(imported.apply)
    assert ("INSERT", imported.staging.plan.replace('"', "")) in written(before)
    assert set(written(under)) == {
        ("UPDATE", "library_library"),
        ("INSERT", "library_library"),
        ("INSERT", "library_historicallibrary"),
    }
    analyzed = [any("ANALYZE" in sql for sql in part) for part in (under, after)]
    assert analyzed == [False, connection.vendor == "postgresql"]
    assert Library.objects.count() == 2


def test_what_was_shown_is_compared_before_the_lock(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    make_library(name="Seaford", zip_code="11783")
    text = "\n".join(map(",".join, [HEADER, PRINCETON, SEAFORD]))
    job = create_job(LibraryResource, [text.encode()], file_name="f.csv")
    check_job(job)
    before, under, after = statements(partial(apply_job, job))
    assert (job.status, Library.objects.count()) == ("done", 2)
    checksums = "plan.action = 'updated' AND plan.line"
    compared = [any(checksums in sql for sql in part) for part in (before + after, under)]
    assert compared == [True, False]


def test_what_somebody_wrote_since_is_seen_under_the_lock(write_csv, between, elsewhere):
    between(lambda: elsewhere(INSERT))
    path = write_csv(HEADER, PRINCETON, SEAFORD)
    with Import(LibraryResource, open_source(path)) as imported:
        counts = imported.apply()
    assert counted(counts) == (1, 1, 0, 0)
    assert Library.objects.count() == 2


def test_without_the_proof_there_would_be_twins(write_csv, between, elsewhere, monkeypatch):
    """The race is there: what was found ahead no longer holds."""
    between(lambda: elsewhere(INSERT))
    monkeypatch.setattr(Ahead, "under_lock", lambda self: self._found)
    with Import(LibraryResource, open_source(write_csv(HEADER, PRINCETON))) as imported:
        imported.apply()
    assert Library.objects.filter(name="Princeton").count() == 2


def test_what_was_agreed_to_is_refused_when_somebody_wrote_since(write_csv, between, elsewhere):
    between(lambda: elsewhere(INSERT))
    path = write_csv(HEADER, PRINCETON)
    with Import(LibraryResource, open_source(path)) as imported, pytest.raises(DatabaseMoved):
        imported.apply(expected=Counts(1, 1, 0, 0, 0))
    assert Library.objects.count() == 1


def test_links_that_somebody_made_since_go(write_csv, between, elsewhere):
    book, (kept, _other) = make_book(title="Tides"), [make_library(), make_library()]
    book.libraries.set([kept])
    between(lambda: elsewhere(LINK % book.pk))
    path = write_csv(["title", "libraries"], ["Tides", f"{kept.name} ({kept.zip_code})"])
    with Import(BookResource, open_source(path)) as imported:
        imported.apply()
    assert list(Book.objects.get().libraries.all()) == [kept]


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has one number for all tables"
)
def test_what_is_written_to_other_tables_does_not_matter(write_csv, between, elsewhere):
    library = make_library()
    path = write_csv(["name", "library"], ["Ann", f"{library.name} ({library.zip_code})"])
    between(lambda: elsewhere("INSERT INTO library_book (title) VALUES ('Tides')"))
    with Import(PatronResource, open_source(path)) as imported:
        _before, under, _after = statements(imported.apply)
    assert ("INSERT", imported.staging.plan.replace('"', "")) not in written(under)
    assert Patron.objects.get().library == library


def test_a_record_that_is_referred_to_and_gone_since_rejects_its_row(
    write_csv, between, elsewhere
):
    library = make_library()
    path = write_csv(["name", "library"], ["Ann", f"{library.name} ({library.zip_code})"])
    between(lambda: elsewhere("DELETE FROM library_library"))
    with Import(PatronResource, open_source(path)) as imported:
        assert counted(imported.apply()) == (0, 0, 0, 1)
    assert not Patron.objects.exists()


def test_a_name_that_went_to_another_record_since_means_that_one(write_csv, between, elsewhere):
    old, new = make_library(name="Troy"), make_library(name="New Troy")

    def swap():
        elsewhere(RENAME % ("Old Troy", old.pk))
        elsewhere(RENAME % ("Troy", new.pk))

    between(swap)
    path = write_csv(["name", "library"], ["Ann", "Troy"])
    with Import(PatronResource, open_source(path)) as imported:
        imported.apply()
    assert Patron.objects.get().library == new


def test_the_checks_run_once_under_the_lock_where_they_depend_on_more(write_csv):
    path = write_csv(HEADER, PRINCETON)
    with Import(LibraryResource, open_source(path), mirror=["state=NY"]) as imported:
        before, under, _after = statements(imported.apply)
    assert ("INSERT", imported.staging.plan.replace('"', "")) not in written(before)
    assert ("INSERT", imported.staging.plan.replace('"', "")) in written(under)
