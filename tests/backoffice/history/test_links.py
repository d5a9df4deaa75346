"""History keeps a link once, and each record has the links that the row had."""

import contextlib
import csv
import functools
import io
import random
import threading

import pytest
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext

from backoffice.changes.deletion import Deletion
from backoffice.changes.edits import Edit
from backoffice.changes.link_edits import LinkEdit
from backoffice.changes.models import Change, JobStopped
from backoffice.changes.restore import Restore
from backoffice.history.link_changes import LinkChanges
from backoffice.history.links import recorded_links
from backoffice.history.records import BEFORE, Records, Signature, purge
from backoffice.jobs.steps import apply_job, check_job, create_job, undo_job
from backoffice.querysets.relations import ManyToMany
from backoffice.tables.planner import by_index, expect_many
from backoffice.tables.table import Table
from library.models import Book, Library
from library.resources import BookResource
from tests.factories import make_book, make_library

pytestmark = pytest.mark.django_db
LINKS = ManyToMany.of(Book._meta.get_field("libraries"))
Kept = Book.history.model.libraries.model


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def kept():
    return Kept._base_manager.order_by("m2m_history_id")


def linked(record):
    """What a record has, by each of the ways in which it is read."""
    found = set(record.libraries.values_list("library_id", flat=True))
    assert record.libraries.count() == len(found)
    assert recorded_links([record], Book._meta.get_field("libraries")) == {record.pk: found}
    [(link, sql)] = Records(Table(Book)).links
    select = f"SELECT {link.target} FROM {sql} kept WHERE history_id = %s"  # noqa: S608
    rows = Table(Book).fetch(select, [record.pk])
    assert sorted(key for (key,) in rows) == sorted(found)
    return found


def remembered():
    return {record.pk: linked(record) for record in Book.history.all()}


@pytest.fixture
def copies(monkeypatch):
    """The model: at each record, all links that its row has at that moment are copied."""
    found = {}
    writes = {name: getattr(LinkChanges, name) for name in ("write", "write_changed")}

    def copy_all(changes, name, *arguments, **options):
        *after, condition, params = arguments
        if after:
            condition, params = f"record.history_id > %s AND {condition}", [*after, *params]
        if changes.live.model is Book:
            rows = changes.live.fetch(
                f"""
                SELECT record.history_id, link.library_id FROM {changes.history}
                LEFT JOIN library_book_libraries link ON link.book_id = record.id
                WHERE {condition}
                """,  # noqa: S608
                params,
            )
            for record, library in rows:
                found.setdefault(record, set()).update({library} - {None})
        writes[name](changes, *arguments, **options)

    for name in writes:
        monkeypatch.setattr(LinkChanges, name, functools.partialmethod(copy_all, name))
    return found


def test_a_change_writes_the_links_that_changed():
    libraries = [make_library() for _ in range(5)]
    book = make_book(libraries=libraries)
    before = list(kept().values())
    assert {row["history_until"] for row in before} == {None}
    book.title = "Another"
    book.save()
    assert list(kept().values()) == before
    book.libraries.remove(libraries[0])
    last = book.history.first().pk
    ended = kept().exclude(history_until=None)
    assert list(ended.values_list("library_id", "history_until")) == [(libraries[0].pk, last)]
    book.libraries.add(libraries[0])
    assert kept().count() == len(libraries) + 1
    assert [len(linked(record)) for record in book.history.all()[:3]] == [5, 4, 5]


def test_many_books_of_which_none_changed_its_links_write_none():
    for _ in range(3):
        make_book(libraries=[make_library(), make_library()])
    before = list(kept().values())
    Book.objects.update(title="Same")
    table = Table(Book)
    Records(table).write("1 = 1", history_type="~", signature=Signature(reason="edit"))
    assert list(kept().values()) == before
    assert {len(linked(record)) for record in Book.history.filter(history_type="~")} == {2}


def test_of_more_books_than_are_written_at_once_each_has_its_links(monkeypatch):
    monkeypatch.setattr("backoffice.history.link_changes.CHUNK", 2)
    libraries = [make_library() for _ in range(3)]
    for _ in range(5):
        make_book(libraries=libraries)
    Book.libraries.through.objects.filter(library=libraries[0]).delete()
    Records(Table(Book)).write("1 = 1", history_type="~", signature=Signature())
    assert kept().count() == 15
    assert {len(linked(record)) for record in Book.history.all()[:5]} == {2}


def test_a_key_that_is_used_again_has_none_of_the_links_of_the_row_before():
    gone = make_book(libraries=[make_library()])
    key = gone.pk
    Book.libraries.through.objects.filter(book=key).delete()
    Book.objects.filter(pk=key)._raw_delete("default")
    again = Book.objects.create(pk=key, title="Again")
    again.libraries.add(make_library())
    assert linked(again.history.first()) == set(again.libraries.values_list("pk", flat=True))


def test_links_that_are_kept_in_the_old_way_are_refused():
    record = make_book().history.first()
    with pytest.raises(ValueError, match="earlier version"), transaction.atomic():
        Kept(id=1, book_id=record.id, library_id=1, history=record).save_base(raw=True)


def imported(steps, titles):
    """A file that says anew in which libraries these titles are."""
    names = list(Library.objects.values_list("name", flat=True))
    rows = [
        ["title", "libraries"],
        *([title, "|".join(steps.sample(names, steps.randrange(1, 3)))] for title in titles),
    ]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    job = create_job(
        BookResource, [text.getvalue().encode()], file_name="f.csv", user=None, match=None
    )
    check_job(job)
    apply_job(job)


def change(steps):
    """Something that staff or code may do to books and libraries."""
    books, libraries = list(Book.objects.all()), list(Library.objects.all())
    book, library = steps.choice(books), steps.choice(libraries)
    some = steps.sample(libraries, steps.randint(0, len(libraries)))
    kind = steps.randrange(14)
    if kind == 0:
        book.title = f"Title {steps.random()}"
        book.save()
    elif kind == 1:
        book.libraries.set(some)
    elif kind == 2:
        library.book_set.set(steps.sample(books, steps.randint(0, len(books))))
    elif kind == 3:
        book.libraries.clear()
    elif kind == 4:
        library.delete()
        make_library()
    elif kind == 5:
        book.delete()
        make_book(libraries=some)
    elif kind == 6:
        Deletion(Book.objects.filter(pk=book.pk)).run(title="d", user=None)
        if steps.randrange(2):
            with Restore(Book.history.filter(id=book.pk).first()) as restoring:
                restoring.run(user=None)
        else:
            make_book(libraries=some)
    elif kind == 7:
        Book.libraries.through.objects.filter(book=book).delete()  # tells history nothing
        Records(Table(Book)).write_missing("SELECT id FROM library_book", Signature().date)
    elif kind == 8:
        imported(steps, [book.title, f"New {steps.random()}"])
    elif kind == 9:
        with contextlib.suppress(JobStopped):
            if done := list(Change.objects.filter(status="done").exclude(kind="undo")):
                undo_job(steps.choice(done))
    elif kind == 10:
        values = {Book._meta.get_field("title"): f"Edited {steps.random()}"}
        Edit(Book.objects.filter(pk=book.pk), values).run(user=None, title="e")
    elif kind == 11:
        links = [LinkEdit.adding(LINKS, [library.pk])]
        Edit(Book.objects.all(), links=links).run(user=None, title="e")
    elif kind == 12:
        old = Book.history.order_by("history_id").values("pk")[: steps.randrange(4)]
        purge(Book.history.filter(pk__in=list(old.values_list("pk", flat=True))))
    else:
        library.book_set.clear()


@pytest.mark.parametrize("seed", range(6))
def test_a_record_has_the_links_of_its_moment_for_ever(seed, copies):
    steps = random.Random(seed)  # noqa: S311 -- always the same
    libraries = [make_library() for _ in range(4)]
    for _ in range(3):
        make_book(libraries=steps.sample(libraries, 2))
    for _ in range(15):
        change(steps)
        known = remembered()
        assert known == {key: copies[key] for key in known}
        for book in Book.objects.all():
            assert known[book.history.first().pk] == set(
                book.libraries.values_list("pk", flat=True)
            )
    chosen = steps.sample(sorted(known), len(known) // 3)
    assert purge(Book.history.filter(pk__in=chosen)) == len(chosen)
    left = {key: links for key, links in known.items() if key not in chosen}
    assert remembered() == left
    assert not kept().exclude(history__in=left).exists()  # each begins with a record
    purge(Book.history.all())
    assert not kept().exists()


on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="SQLite has one writer, and no statistics that lag",
)


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_who_write_what_history_lacks_the_second_waits_and_sees_it():
    book = make_book(libraries=[make_library(), make_library()])
    purge(Book.history.all())
    one, other = make_library(), make_library()

    def add():
        book.libraries.add(other)
        connection.close()

    thread = threading.Thread(target=add)
    with transaction.atomic():
        book.libraries.add(one)
        thread.start()
        waiting, tries = [], 0
        while not waiting and (tries := tries + 1) < 10_000:
            waiting = Table(Book).fetch("SELECT 1 FROM pg_locks WHERE NOT granted")
        assert waiting
    thread.join()
    assert sorted(kept().values_list("library", flat=True)) == sorted(
        book.libraries.values_list("pk", flat=True)
    )
    assert len(linked(book.history.first())) == 4
    assert book.history.filter(history_change_reason=BEFORE).count() == 1


def explained(statements):
    """The plans of what reads the links that last."""
    reading = [query["sql"] for query in statements if " lasting" in query["sql"]]
    for sql in reading:
        plan = Table(Book).fetch(f"EXPLAIN {sql.replace('%', '%%')}")
        yield "\n".join(line for (line,) in plan)


def keep_many():
    Table(Book).execute("""
        INSERT INTO library_historicalbook_libraries (id, book_id, library_id, history_id)
        SELECT 1000 + i, 1000 + i / 20, i, 1 FROM generate_series(1, 400000) i
    """)


@on_postgresql
def test_a_save_looks_its_links_up():
    book = make_book(libraries=[make_library()])
    keep_many()
    Table(Book).execute("ANALYZE library_historicalbook_libraries")
    with CaptureQueriesContext(connection) as statements:
        book.libraries.add(make_library())
    plans = list(explained(statements))
    assert len(plans) >= 3
    assert not any("Seq Scan on library_historicalbook_libraries" in plan for plan in plans)


@on_postgresql
def test_many_are_looked_up_whatever_statistics_say():
    """Such as those of a table that had one link, and has 400,000 since a moment ago."""
    make_book(libraries=[make_library()])
    for table in ("library_historicalbook_libraries", "library_book_libraries"):
        Table(Book).execute(f"ANALYZE {table}")
    keep_many()
    Table(Book).execute("DELETE FROM library_book_libraries")
    expect_many(30_000, Table(Book))
    with CaptureQueriesContext(connection) as statements:
        Records(Table(Book)).write("1 = 1", history_type="~", signature=Signature())
    with by_index(connection):
        plans = list(explained(statements))
    assert len(plans) >= 3
    assert not any("Seq Scan on library_historicalbook_libraries" in plan for plan in plans)


@pytest.fixture
def newest():
    """Others' tables depend on the newest migrations."""
    yield
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_was_kept_for_each_record_is_read_as_before_after_the_migration(copies, newest):
    steps = random.Random(3)  # noqa: S311 -- always the same
    libraries = [make_library() for _ in range(4)]
    for _ in range(3):
        make_book(libraries=steps.sample(libraries, 2))
    for _ in range(40):
        change(steps)
    known = remembered()
    before = [("library", "0009_alike_anew")]
    MigrationExecutor(connection).migrate(before)
    apps = MigrationExecutor(connection).loader.project_state(before).apps
    Old = apps.get_model("library", "HistoricalBook_libraries")
    each = {key: set() for key in known}
    for key, library in Old.objects.values_list("history_id", "library_id"):
        assert library not in each[key]
        each[key].add(library)
    assert each == known
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert remembered() == known
    for _ in range(10):
        change(steps)
        known = remembered()
        assert known == {key: copies[key] for key in known}
