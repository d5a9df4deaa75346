"""Whichever statement fails, the database is as it was before."""

import contextlib

import pytest
from django.apps import apps
from django.db import OperationalError, connection, transaction

from backoffice.changes.deletion import Deletion
from backoffice.changes.edits import Edit
from backoffice.changes.undo import Undo
from backoffice.history.records import Signature
from backoffice.imports.engine import Import
from backoffice.jobs.steps import apply_job, check_job, create_job
from backoffice.readers.source import open_source
from library.models import Book, Librarian
from library.resources import BookResource, LibrarianResource
from tests.factories import make_book, make_librarian, make_library

pytestmark = pytest.mark.django_db(transaction=True)


class Failed(OperationalError):
    """What a disk that is full would raise."""


def is_of_statistics(sql):
    """Once all is committed, PostgreSQL takes the statistics of what was written."""
    return "ANALYZE (SKIP_LOCKED)" in sql


class Fault:
    """Lets `number` statements pass, and fails the next."""

    def __init__(self, number):
        self.left, self.failed = number, False

    def __call__(self, execute, sql, params, many, context):
        if is_of_statistics(sql):
            return execute(sql, params, many, context)
        if self.left == 0 and not self.failed:
            self.failed = True
            raise Failed
        self.left -= 1
        return execute(sql, params, many, context)


def dump():
    """Every row of every table of ours."""
    return {
        model._meta.label: sorted(map(repr, model._base_manager.values_list()))
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in ("library", "backoffice") and model._meta.managed
    }


def fails_at_every_statement(prepare):
    """Fail each statement in turn, and at last none; how many there are.

    prepare: a context manager that gives what is to be run; what it does itself never fails.
    """
    before, number = dump(), 0
    while True:
        fault = Fault(number)
        with prepare() as run, contextlib.suppress(Failed), connection.execute_wrapper(fault):
            run()
            assert not fault.failed, f"nobody heard that statement {number} failed"
        if not fault.failed:
            assert dump() != before
            return number
        assert dump() == before, f"statement {number} of the run failed"
        number += 1


@pytest.fixture
def books():
    """Three titles, and the libraries that two of them are linked to."""
    a, b = make_library(name="A"), make_library(name="B")
    return [
        make_book(title="T1", libraries=[a]),
        make_book(title="T2", libraries=[a, b]),
        make_book(title="T3"),
    ]


@contextlib.contextmanager
def undoing(change):
    with Undo(change) as undo:

        def run():
            with transaction.atomic():
                undo.lock()
                undo.run(undo.plan(), Signature())

        yield run


def an_edit():
    values = {Book._meta.get_field("title"): "The same"}
    return Edit(Book.objects.exclude(title="T3"), values).run(user=None, title="edit")


def a_deletion():
    return Deletion(Book.objects.exclude(title="T3")).run(user=None, title="deletion")


def test_an_import(books, write_csv):
    path = write_csv(["title", "libraries"], ["T1", "A|B"], ["T3", "B"], ["New", "A"])

    @contextlib.contextmanager
    def importing():
        with Import(BookResource, open_source(path)) as imported:
            yield imported.apply

    assert fails_at_every_statement(importing) > 20
    assert Book.objects.count() == 4


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite does without")
def test_statistics_that_fail_take_nothing_back(books, write_csv, caplog):
    def fails(execute, sql, params, many, context):
        if is_of_statistics(sql):
            assert not connection.in_atomic_block
            raise Failed("no statistics")
        return execute(sql, params, many, context)

    path = write_csv(["title", "libraries"], ["New", "A"])
    with (
        Import(BookResource, open_source(path)) as imported,
        connection.execute_wrapper(fails),
    ):
        imported.apply()
    assert Book.objects.count() == 4
    assert "no statistics" in caplog.text


def test_an_exchange_of_unique_values(write_csv):
    for name in "12":
        make_librarian(name=name, library=make_library(name=name))
    path = write_csv(["name", "library"], ["1", "2"], ["2", "1"])

    @contextlib.contextmanager
    def importing():
        with Import(LibrarianResource, open_source(path), match=["name"]) as imported:
            yield imported.apply

    assert fails_at_every_statement(importing) > 20
    assert Librarian.objects.get(name="1").library.name == "2"


def test_an_edit(books):
    assert fails_at_every_statement(lambda: contextlib.nullcontext(an_edit)) > 5
    assert Book.objects.filter(title="The same").count() == 2


def test_a_deletion(books):
    assert fails_at_every_statement(lambda: contextlib.nullcontext(a_deletion)) > 5
    assert Book.objects.get() == books[2]


@pytest.mark.parametrize("make_change", [an_edit, a_deletion])
def test_an_undo(books, make_change):
    change = make_change()
    assert fails_at_every_statement(lambda: undoing(change)) > 5
    titles = [book.title for book in Book.objects.order_by("pk")]
    assert titles == ["T1", "T2", "T3"]
    assert Book.objects.get(title="T2").libraries.count() == 2


def test_an_undo_of_an_import(books, write_csv, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    change = create_job(
        BookResource, [b"title,libraries\nT1,A|B\nNew,A\n"], file_name="books.csv"
    )
    check_job(change)
    apply_job(change)
    change.refresh_from_db()
    assert fails_at_every_statement(lambda: undoing(change)) > 5
    assert not Book.objects.filter(title="New").exists()
    assert Book.objects.get(title="T1").libraries.get().name == "A"
