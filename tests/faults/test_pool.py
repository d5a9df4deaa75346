"""Imports through a pool that lends a connection for one transaction: `.ci/with-pgbouncer`."""

import dataclasses
import os
import threading

import pytest
from django.db import connection, connections

from backoffice.changes.edits import Edit
from backoffice.changes.models import Change
from backoffice.changes.replacing import Replacement
from backoffice.changes.restore import Restore
from backoffice.deployment import check_pool
from backoffice.jobs.retention import retain
from backoffice.jobs.steps import apply_job, check_job, create_job, undo_job
from backoffice.tables.scratch import PREFIX, session
from library.models import Book, Library
from library.resources import BookResource, LibraryResource
from tests.factories import make_library

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        os.environ.get("DATABASE_POOL") != "transaction", reason="without such a pool"
    ),
]
SIX, ROWS = 6, 3_000
HEADER = "name,address,state,phone_number,zip_code\n"


def scratch_tables():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND starts_with(relname, %s)",
            [PREFIX],
        )
        return [name for (name,) in cursor.fetchall()]


def at_once(number, work):
    """Runs `work(n)` in so many threads; what went wrong in them."""
    failed, start = [], threading.Barrier(number)

    def run(n):
        try:
            start.wait()
            work(n)
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[n]) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def test_six_files_at_once_are_checked_written_and_undone(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    own = [make_library(name=f"Own {n}") for n in range(SIX)]
    ended = []

    def one(n):
        rows = "".join(f"B{n} {i},{i} Main St,NY,212-222-6559,10001\n" for i in range(ROWS))
        file = f"{HEADER}{rows}Bad,,ZZ,-4,1\n".encode()
        job = create_job(LibraryResource, [file], file_name=f"{n}.csv")
        for _again in range(3):
            Change.objects.filter(pk=job.pk).update(status="uploaded")
            check_job(Change.objects.get(pk=job.pk))
        job = Change.objects.get(pk=job.pk)
        assert (job.status, job.new, job.rejected) == ("checked", ROWS, 1), job.error
        apply_job(job)
        books = "".join(f"T{n} {i},Own {n}\n" for i in range(ROWS))
        book_job = create_job(
            BookResource, [f"title,libraries\n{books}".encode()], file_name=f"b{n}.csv"
        )
        check_job(book_job)
        apply_job(Change.objects.get(pk=book_job.pk))
        if n % 2:
            undo = undo_job(Change.objects.get(pk=job.pk))
            ended.append((undo.status, undo.removed))

    assert at_once(SIX, one) == []
    assert ended == [("done", ROWS)] * 3
    assert Library.objects.count() == SIX + SIX // 2 * ROWS
    assert Book.objects.count() == SIX * ROWS
    assert all(library.book_set.count() == ROWS for library in own)
    assert scratch_tables() == []


def test_edits_and_restorations_at_once(settings):
    def one(n):
        libraries = [make_library(name=f"N{n} {i} High Street") for i in range(300)]
        rows = Library.objects.filter(pk__in=[library.pk for library in libraries])
        name = Library._meta.get_field("name")
        words = Replacement("High Street", "Main Street", ignore_case=False)
        with Edit(rows, replacement=words, fields={name: lambda text: text}) as edit:
            edit.look()
            assert edit.changing.count() == 300
            edit.run(user=None, title="High to Main")
        assert rows.filter(name__endswith="Main Street").count() == 300
        gone = libraries[0].pk
        Library.objects.get(pk=gone).delete()
        record = Library.history.filter(id=gone, history_type="-").get()
        with Restore(record) as restore:
            restore.run(user=None)
        assert Library.objects.filter(pk=gone).exists()
        # Outside a transaction, a cursor on the server would be another's by the next chunk.
        found = rows.order_by("pk").iterator(chunk_size=50)
        assert [library.pk for library in found] == [library.pk for library in libraries]

    assert at_once(SIX, one) == []
    assert scratch_tables() == []


def test_what_a_killed_process_left_goes_after_a_day():
    with connection.cursor() as cursor:
        for stamp in ("5f000000", "ffffff00"):
            cursor.execute(f"CREATE UNLOGGED TABLE {PREFIX}{stamp}_ab_import_rows (line int)")
    try:
        assert retain(dry_run=True) == retain()
        assert scratch_tables() == [f"{PREFIX}ffffff00_ab_import_rows"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {PREFIX}ffffff00_ab_import_rows")


def test_what_is_missing_is_said(settings):
    assert check_pool() == []
    settings.DATABASE_POOL = ""
    assert [message.id for message in check_pool()] == ["backoffice.W110"]
    lacking = dataclasses.replace(session(connection), may_create=False)
    assert "GRANT CREATE ON SCHEMA public TO postgres" in lacking.refusal
