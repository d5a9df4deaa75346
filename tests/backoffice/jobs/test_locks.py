"""Each lock and claim that keeps two runs apart, and what happens without it.

| what | keeps | tested |
|---|---|---|
| `Table.lock` of an import | two imports from creating one record | here |
| `Table.lock` of an undo | an edit from getting lost between plan and run | here |
| `Change.take` | two runs from beginning one job | here, `test_steps` |
| the claim in `beat`, `finish` | a run that was taken over from writing | here, `test_steps` |
| `SKIP LOCKED` of `take_up_dead_jobs` | a run that writes from being taken up | here |
| the heartbeat | a run that reads from being taken up | `test_tasks`, `test_liveness` |
| `moved`, the checksums of a check | what nobody has seen from being written | here |
| `Deletion.lock` of a mirror | a row from being added, and deleted unseen | here |
| `lock_for_rows` of a link | links from getting lost in an import, or an undo | here |
| `LinkChanges._lock` | a link from being kept twice | here |
| `Deletion.lock_tables` | a deletion and an import from waiting for each other | here |
| `held` of an edit or a deletion | rows that leave the filter | `admin/test_races` |
| `held` of a deletion | rows that join the filter from going without a record | here |

Each test runs once as it is, and once with the lock taken away, which must be seen.
"""

import datetime
import threading
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from backoffice.changes import deletion
from backoffice.changes.deletion import Deletion
from backoffice.changes.models import Change, ChangeQuerySet, JobStopped
from backoffice.changes.undo import Undo
from backoffice.history.link_changes import LinkChanges
from backoffice.history.records import Signature
from backoffice.imports.engine import DatabaseRefused, Import
from backoffice.jobs.care import take_up_dead_jobs
from backoffice.jobs.steps import apply_job, check_job, create_job
from backoffice.readers.source import open_source
from backoffice.tables.table import Table
from library.models import Library, Patron
from library.resources import BookResource, LibraryResource, PatronResource
from tests.backoffice.imports.running import HEADER, PRINCETON
from tests.factories import make_book, make_library, make_patron

pytestmark = pytest.mark.django_db(transaction=True)
on_postgresql = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has one writer at a time"
)
locked_or_not = pytest.mark.parametrize("is_locked", [True, False])


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@contextmanager
def meanwhile(run):
    """In a thread of its own: until it has ended, or waits for a lock."""

    def work():
        try:
            run()
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    ended = threading.Event()

    def watch():
        thread.join()
        ended.set()

    thread.start()
    threading.Thread(target=watch).start()
    for _ in range(300):
        if ended.wait(0.02) or somebody_waits():
            break
    yield
    # The caller's transaction has ended by now.
    thread.join(20)


def somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone() is not None


@on_postgresql
@locked_or_not
def test_two_imports_create_one_record(write_csv, monkeypatch, is_locked):
    if not is_locked:
        monkeypatch.setattr(Table, "lock", lambda self: None)
    path = write_csv(HEADER, PRINCETON)

    def other():
        with Import(LibraryResource, open_source(path)) as imported:
            imported.apply()

    with ExitStack() as stack, Import(LibraryResource, open_source(path)) as imported:

        def begin(_counts):
            stack.enter_context(meanwhile(other))
            return Signature()

        imported.apply(begin=begin)
    assert Library.objects.count() == (1 if is_locked else 2)


@on_postgresql
@locked_or_not
def test_nobody_adds_a_row_to_what_a_mirror_deletes(write_csv, monkeypatch, is_locked):
    if not is_locked:
        monkeypatch.setattr(Deletion, "lock", lambda self: None)
    gone = make_library(name="Gone", state="NJ")
    make_patron(library=gone)
    refused = []

    def other():
        try:
            make_patron(library=gone)
        except IntegrityError as error:
            refused.append(error)

    path = write_csv(HEADER, PRINCETON)
    with (
        ExitStack() as stack,
        Import(LibraryResource, open_source(path), mirror=["state=NJ"]) as imported,
    ):

        def begin(_counts):
            stack.enter_context(meanwhile(other))
            return Signature()

        imported.apply(begin=begin)
        assert imported.missing.removed == {"library.Library": 1, "library.Patron": 1}
    assert len(refused) == is_locked
    assert Patron.history.filter(history_type="-").count() == (1 if is_locked else 2)


@on_postgresql
@locked_or_not
def test_what_joins_a_deletion_s_filter_meanwhile_stays(monkeypatch, is_locked):
    if not is_locked:
        monkeypatch.setattr(Deletion, "_held", lambda self: nullcontext(self))
    make_library(name="Old C")
    late, record = [], deletion._record

    def record_slowly(*arguments):
        recorded = record(*arguments)
        if not late:
            with meanwhile(lambda: late.append(make_library(name="New C"))):
                return recorded
        return recorded

    monkeypatch.setattr(deletion, "_record", record_slowly)
    Deletion(Library.objects.filter(name__endswith="C")).run(title="d", user=None)
    assert Library.objects.count() == is_locked
    assert Library.history.filter(history_type="-").count() == 1


@on_postgresql
@locked_or_not
@pytest.mark.parametrize("resource", [PatronResource, BookResource])
def test_a_deletion_waits_for_an_import_of_what_refers_to_its_rows(
    write_csv, monkeypatch, resource, is_locked
):
    if not is_locked:
        monkeypatch.setattr(Deletion, "lock_tables", lambda self: None)
    library, stopped = make_library(name="Old"), []
    make_patron(library=library)
    make_book(libraries=[library])

    def run(step):
        try:
            step()
        except (OperationalError, DatabaseRefused) as error:
            stopped.append(error)

    deletion_of_it = Deletion(Library.objects.filter(pk=library.pk))
    delete = partial(run, partial(deletion_of_it.run, title="d", user=None))
    path = write_csv(resource.Meta.fields, ["New", "Old"])
    with (
        ExitStack() as stack,
        Import(resource, open_source(path)) as imported,
    ):

        def begin(_counts):
            stack.enter_context(meanwhile(delete))
            return Signature()

        run(partial(imported.apply, begin=begin))
    assert bool(stopped) is not is_locked


def link_while(stack, library, book):
    """Somebody else saves the library with this title: as soon as they may."""
    stack.enter_context(meanwhile(partial(library.book_set.add, book)))


@on_postgresql
@locked_or_not
def test_a_title_given_on_a_library_s_page_is_not_lost_in_an_import(
    write_csv, monkeypatch, is_locked
):
    if not is_locked:
        monkeypatch.setattr(Table, "lock_for_rows", lambda self: None)
    old, new, given = [make_library(name=name) for name in ("Old", "New", "Given")]
    book = make_book(title="Tides", libraries=[old])
    path = write_csv(BookResource.Meta.fields, ["Tides", "New"])
    with ExitStack() as stack, Import(BookResource, open_source(path)) as imported:

        def begin(_counts):
            link_while(stack, given, book)
            return Signature()

        imported.apply(begin=begin)
    assert set(book.libraries.all()) == ({new, given} if is_locked else {new})


@on_postgresql
@locked_or_not
def test_a_title_given_on_a_library_s_page_is_not_lost_in_an_undo(monkeypatch, is_locked):
    old, new, given = [make_library(name=name) for name in ("Old", "New", "Given")]
    book = make_book(title="Tides", libraries=[old])
    job = create_job(BookResource, [b"title,libraries\nTides,New\n"], file_name="f.csv")
    check_job(job)
    apply_job(job)
    assert list(book.libraries.all()) == [new]
    if not is_locked:
        monkeypatch.setattr(Table, "lock_for_rows", lambda self: None)
    with ExitStack() as stack, Undo(job) as undo, transaction.atomic():
        undo.lock()
        counts = undo.plan()
        link_while(stack, given, book)
        undo.run(counts, Signature())
    assert set(book.libraries.all()) == ({old, given} if is_locked else {old})


@on_postgresql
@locked_or_not
def test_of_two_who_give_a_title_its_first_libraries_each_link_is_kept_once(
    monkeypatch, is_locked
):
    begin = LinkChanges._begin
    if not is_locked:
        monkeypatch.setattr(LinkChanges, "_lock", lambda self, *condition: None)
    book, one, other = make_book(), make_library(), make_library()
    begun = []
    with ExitStack() as stack:

        def begin_late(changes, *arguments):
            begun.append(1)
            if len(begun) == 1:
                link_while(stack, other, book)
            begin(changes, *arguments)

        monkeypatch.setattr(LinkChanges, "_begin", begin_late)
        one.book_set.add(book)
    kept = book.history.model.libraries.model._base_manager.filter(history_until=None)
    assert set(kept.values_list("library", flat=True)) == {one.pk, other.pk}
    assert kept.count() == (2 if is_locked else 3)


def make_job():
    text = "\n".join(map(",".join, [HEADER, PRINCETON]))
    job = create_job(LibraryResource, [text.encode()], file_name="f.csv")
    check_job(job)
    return Change.objects.get(pk=job.pk)


@on_postgresql
@locked_or_not
def test_an_edit_is_not_lost_between_the_plan_of_an_undo_and_its_run(monkeypatch, is_locked):
    job = make_job()
    apply_job(job)
    if not is_locked:
        monkeypatch.setattr(Table, "lock", lambda self: None)
    edited = []
    with ExitStack() as stack, Undo(job) as undo, transaction.atomic():
        undo.lock()
        counts = undo.plan()
        edit = partial(Library.objects.update, address="New")
        stack.enter_context(meanwhile(lambda: edited.append(edit())))
        undo.run(counts, Signature())
    assert not Library.objects.exists()
    assert edited == [0 if is_locked else 1]


@locked_or_not
def test_a_job_is_begun_once(monkeypatch, is_locked):
    one = make_job()
    other = Change.objects.get(pk=one.pk)
    if not is_locked:
        monkeypatch.setattr(
            ChangeQuerySet, "move", lambda self, *_, to, **more: self.update(status=to, **more)
        )
    one.take("checked", to="applying")
    with nullcontext() if not is_locked else pytest.raises(JobStopped):
        other.take("checked", to="applying")


@locked_or_not
def test_a_run_that_was_taken_over_writes_nothing(monkeypatch, is_locked):
    one = make_job()
    if not is_locked:
        monkeypatch.setattr("backoffice.changes.models.secrets.token_hex", lambda _: "same")
    one.take("checked", to="applying")
    other = Change.objects.get(pk=one.pk)
    Change.objects.update(status="checked")
    other.take("checked", to="applying")
    for step in (lambda: one.beat(1), lambda: one.finish("done")):
        with nullcontext() if not is_locked else pytest.raises(JobStopped):
            step()


@on_postgresql
@locked_or_not
def test_a_run_that_writes_is_not_waited_for_nor_taken_up(monkeypatch, is_locked):
    job = make_job()
    job.take("checked", to="applying")
    Change.objects.update(heartbeat=timezone.now() - datetime.timedelta(minutes=5))
    if not is_locked:
        monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_: self)
    written, looked = threading.Event(), threading.Event()

    def write():
        try:
            with transaction.atomic():
                Change.objects.update(progress=1)  # as the run's last statement does
                written.set()
                looked.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    assert written.wait(10)
    try:
        refused = nullcontext() if is_locked else pytest.raises(OperationalError)
        with refused, transaction.atomic():
            with connection.cursor() as cursor:
                # For this transaction: a pool may give the next one another connection.
                cursor.execute("SET LOCAL lock_timeout = '1s'")
            assert take_up_dead_jobs() == 0
    finally:
        looked.set()
        thread.join()


@locked_or_not
def test_what_a_colleague_wrote_since_the_check_stays(monkeypatch, is_locked):
    name, address, *_, zip_code = PRINCETON
    make_library(name=name, zip_code=zip_code, address="Old")
    job = make_job()
    Library.objects.update(address="A colleague's")
    if not is_locked:
        monkeypatch.setattr("backoffice.jobs.steps.moved", lambda imported, store: None)
    apply_job(job)
    assert Library.objects.get().address == ("A colleague's" if is_locked else address)
