"""Undoing an import: its rows are undone, later changes stay."""

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.changes.deletion import Deletion
from backoffice.changes.exemptions import exempt
from backoffice.changes.models import Change, JobStopped
from backoffice.changes.plan import Plan
from backoffice.changes.undo import Undo
from backoffice.history.records import BEFORE
from backoffice.jobs.steps import apply_job, check_job, create_job, undo_job
from backoffice.querysets.reach import EVERYTHING
from library.models import Book, Library, Patron
from library.resources import (
    BookResource,
    LibrarianResource,
    LibraryResource,
    PatronResource,
)
from tests.factories import (
    make_book,
    make_librarian,
    make_library,
    make_patron,
    make_user,
)

HEADER = ["name", "address", "state", "phone_number", "zip_code"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def library_row(name, *, address="1 Main Street", zip_code="10001"):
    return [name, address, "NY", "212-222-6559", zip_code]


def applied(resource_class, *rows, user=None, match=None):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    job = create_job(
        resource_class,
        [text.getvalue().encode()],
        file_name="f.csv",
        user=user,
        match=match,
    )
    check_job(job)
    apply_job(job)
    assert job.status == "done"
    return job


def plan(job):
    with Undo(job) as undo:
        counts = undo.plan()
        return counts, [(text, why) for _model, _pk, text, why in undo.left(10, EVERYTHING)]


def state():
    """All rows and links, primary keys included."""
    return (
        set(Library.objects.values_list()),
        set(Patron.objects.values_list()),
        set(Book.objects.values_list("pk", "title", "libraries")),
    )


def test_created_rows_go_and_changed_rows_return():
    kept = make_library(name="Kept", zip_code="10001", address="1 Old Street")
    before = state()
    user = make_user()
    job = applied(
        LibraryResource,
        HEADER,
        library_row("New"),
        library_row("Kept", address="2 New Street"),
        user=user,
    )
    assert plan(job)[0].as_dict() == {"removed": 1, "restored": 1, "left": 0, "gone": 0}
    assert state() != before
    undo = undo_job(job, user=user)
    assert state() == before
    assert Change.objects.get(pk=job.pk).status == "undone"
    assert (undo.kind, undo.status, undo.undoes) == ("undo", "done", job)
    assert (undo.rows, undo.removed, undo.updated) == (2, 1, 1)
    record = kept.history.latest()
    assert (record.history_type, record.address, record.history_user) == (
        "~",
        "1 Old Street",
        user,
    )
    assert record.history_change_reason == f"undo of import {job.pk}: f.csv"
    assert Library.history.filter(history_type="-").get().name == "New"
    assert Library.history.filter(history_change=undo).count() == 2


def test_links_return_too():
    a, b = make_library(name="A"), make_library(name="B")
    make_book(title="Dune", libraries=[a])
    before = state()
    job = applied(
        BookResource, ["title", "libraries"], ["Dune", "B"], ["Emma", "A|B"], ["Ulysses", ""]
    )
    undo_job(job)
    assert state() == before
    latest = Book.objects.get().history.latest()
    assert {link.library_id for link in latest.libraries.all()} == {a.pk}
    assert b.book_set.count() == 0


def test_a_plan_changes_nothing():
    job = applied(LibraryResource, HEADER, library_row("New"))
    before = state(), Library.history.count()
    plan(job)
    assert (state(), Library.history.count()) == before
    assert Change.objects.get(pk=job.pk).status == "done"


def edited_by_save(library):
    library.address = "3 Other Street"
    library.save()


def edited_without_history(library):
    Library.objects.filter(pk=library.pk).update(address="3 Other Street")


def used_by_a_patron(library):
    make_patron(library=library)


def used_by_a_book(library):
    make_book(libraries=[library])


@pytest.mark.parametrize(
    ("meddle", "why"),
    [
        (edited_by_save, "It was edited since."),
        (edited_without_history, "It was edited since."),
        (used_by_a_patron, "Other records now refer to it."),
        (used_by_a_book, "Other records now refer to it."),
    ],
)
def test_what_came_after_stays_and_is_listed(meddle, why):
    job = applied(LibraryResource, HEADER, library_row("New"), library_row("Other"))
    meddle(Library.objects.get(name="New"))
    counts, left = plan(job)
    assert (counts.removed, counts.left) == (1, 1)
    assert left == [("New", why)]
    undo_job(job)
    assert [library.name for library in Library.objects.all()] == ["New"]


def test_two_imports_are_undone_one_after_the_other():
    make_book(title="Dune", libraries=[make_library(name="A"), make_library(name="B")])
    before, header = state(), ["title", "libraries"]
    first = applied(BookResource, header, ["Dune", "A"], ["Emma", "A"])
    between = state()
    second = applied(BookResource, header, ["Dune", "B"], ["Emma", "A|B"])
    assert (plan(first)[0].left, plan(second)[0].left) == (2, 0)
    undo_job(second)
    assert state() == between
    undo_job(first)
    assert state() == before


def test_a_changed_row_that_was_edited_since_stays():
    library = make_library(name="Kept", zip_code="10001")
    job = applied(LibraryResource, HEADER, library_row("Kept", address="2 New Street"))
    edited_by_save(Library.objects.get())
    undo_job(job)
    library.refresh_from_db()
    assert library.address == "3 Other Street"


def test_links_that_were_changed_since_stay():
    a, b = make_library(name="A"), make_library(name="B")
    job = applied(BookResource, ["title", "libraries"], ["Dune", "A"])
    Book.libraries.through.objects.create(book=Book.objects.get(), library=b)
    assert plan(job)[1] == [("Dune", "It was edited since.")]
    undo_job(job)
    assert set(Book.objects.get().libraries.all()) == {a, b}


def test_what_is_gone_already_is_counted():
    job = applied(LibraryResource, HEADER, library_row("New"), library_row("Other"))
    Library.objects.get(name="New").delete()
    assert plan(job)[0].as_dict() == {"removed": 1, "restored": 0, "left": 0, "gone": 1}
    undo_job(job)
    assert not Library.objects.exists()


def test_a_row_whose_library_of_before_is_gone_stays():
    old, new = make_library(name="Old"), make_library(name="New")
    patron = make_patron(name="Bob", library=old)
    # Matched by name alone, so that the library is what changes.
    job = applied(PatronResource, ["name", "library"], ["Bob", "New"], match=["name"])
    old.delete()
    assert plan(job)[1] == [("Bob", "What it referred to no longer exists.")]
    undo_job(job)
    patron.refresh_from_db()
    assert patron.library == new


def test_what_changed_without_a_record_returns_as_it_was():
    """As `loaddata` and `update()` change rows and links."""
    a, b = make_library(name="A", zip_code="10001"), make_library(name="B")
    book, same = make_book(title="Dune", libraries=[a]), make_book(title="Emma", libraries=[b])
    Library.objects.filter(pk=a.pk).update(address="2 Unrecorded Street")
    Book.libraries.through.objects.create(book=book, library=b)
    before, records = state(), same.history.count()
    jobs = [
        applied(LibraryResource, HEADER, library_row("A", address="3 New Street")),
        applied(BookResource, ["title", "libraries"], ["Dune", "B"], ["Emma", "A"]),
    ]
    reasons = [record.history_change_reason for record in a.history.all()]
    assert reasons == [jobs[0].reason, BEFORE, None]
    assert same.history.count() == records + 1  # what is known is not written down again
    for job in jobs:
        undo_job(job)
    assert state() == before


def test_a_row_whose_place_is_taken_by_now_stays():
    """What only one may have: where it returned, all of the undo would fail."""
    for name in ("Old", "New", "There", "Free"):
        make_library(name=name)
    moved = make_librarian(name="A", library=Library.objects.get(name="Old"))
    back = make_librarian(name="B", library=Library.objects.get(name="There"))
    rows = [["A", "New"], ["B", "Free"]]
    job = applied(LibrarianResource, ["name", "library"], *rows, match=["name"])
    make_librarian(name="C", library=Library.objects.get(name="Old"))
    counts, left = plan(job)
    assert (counts.restored, counts.left) == (1, 1)
    assert left == [("A", "Another record now has its unique value.")]
    undo_job(job)
    assert job.status == "undone"
    moved.refresh_from_db()
    back.refresh_from_db()
    assert (moved.library.name, back.library.name) == ("New", "There")


def exempt_rows(job, *rows):
    model = type(rows[0])
    records = model.history.filter(history_change=job, id__in=[row.pk for row in rows])
    exempt(job, model, records.values_list("history_id", flat=True))


def test_what_was_chosen_is_left_alone_and_what_it_needs_too():
    make_library(name="Kept", zip_code="10001", address="1 Old Street")
    job = applied(
        LibraryResource,
        HEADER,
        library_row("New"),
        library_row("Spared"),
        library_row("Kept", address="2 New Street"),
    )
    rows = {library.name: library for library in Library.objects.all()}
    exempt_rows(job, rows["Spared"], rows["Kept"])
    counts, left = plan(job)
    assert (counts.removed, counts.restored, counts.left, counts.exempt) == (1, 0, 2, 2)
    why = "It was chosen to be left alone."
    assert sorted(left) == [("Kept", why), ("Spared", why)]
    undo_job(job)
    assert [library.name for library in Library.objects.order_by("pk")] == ["Kept", "Spared"]
    assert Library.objects.get(name="Kept").address == "2 New Street"


def test_a_patron_whose_library_stays_away_stays_away_too():
    library = make_library(name="Gone")
    make_patron(name="Ann", library=library)
    change = Deletion(Library.objects.filter(pk=library.pk)).run(
        title="Gone", user=None, reason="", reason_with=""
    )
    exempt_rows(change, library)
    counts, left = plan(change)
    assert (counts.restored, counts.left, counts.exempt) == (0, 2, 1)
    assert ("Ann", "What it referred to no longer exists.") in left


def test_choosing_again_replaces_what_was_chosen_of_the_same_records():
    job = applied(LibraryResource, HEADER, *(library_row(f"New {n}") for n in range(4)))
    first, second, third, fourth = Library.history.values_list("history_id", flat=True)
    exempt(job, Library, [first, second])
    exempt(job, Library, [third], of=[second, third, fourth])
    exempt(job, Library, [third, third], of=[])  # as if two people chose it
    chosen = job.exemptions.values_list("record", flat=True)
    assert set(chosen) == {first, third}
    assert plan(job)[0].exempt == 2


def test_an_import_is_undone_once():
    job = applied(LibraryResource, HEADER, library_row("New"))
    twin = Change.objects.get(pk=job.pk)
    undo_job(job)
    with pytest.raises(JobStopped):
        undo_job(twin)


def test_an_undo_that_fails_leaves_all_as_it_was(monkeypatch, caplog):
    job = applied(LibraryResource, HEADER, library_row("New"))
    before = state()

    def fail(self):
        self.live.execute("DELETE FROM no_such_table")

    monkeypatch.setattr(Plan, "remove", fail)
    undo_job(job)
    job = Change.objects.get(pk=job.pk)
    assert (job.status, bool(job.error)) == ("done", True)
    assert state() == before
    assert "no_such_table" in caplog.text


def test_statements_don_t_grow_with_the_rows():

    def statements(n):
        job = applied(LibraryResource, HEADER, *(library_row(f"{n} {i}") for i in range(n)))
        with CaptureQueriesContext(connection) as queries:
            undo_job(job)
        return len(queries)

    assert statements(3) == statements(300)


names = st.sampled_from(["A", "B", "C", "D"])
books = st.dictionaries(
    st.sampled_from(["Dune", "Emma", "Ulysses"]), st.sets(names, max_size=3)
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(present=st.sets(names), held=books, imported=books, changed=st.sets(names))
def test_undo_is_the_inverse_of_apply(present, held, imported, changed):
    for model in (Change, Patron, Book, Library):
        model.objects.all().delete()
    libraries = {name: make_library(name=name, zip_code="10001") for name in present}
    for title, names in held.items():
        make_book(title=title, libraries=[libraries[n] for n in names if n in libraries])
    before = state()
    rows = [library_row(name, address="9 New Street") for name in sorted(changed)]
    text = "\n".join(",".join(row) for row in [HEADER, *rows])
    first = create_job(LibraryResource, [text.encode()], file_name="f.csv")
    check_job(first)
    lines = [f"{title},{'|'.join(sorted(names))}" for title, names in imported.items()]
    if first.may_apply:
        apply_job(first)
    text = "\n".join(["title,libraries", *lines])
    second = create_job(BookResource, [text.encode()], file_name="f.csv")
    check_job(second)
    if second.may_apply:
        apply_job(second)
    for job in (second, first):
        if job.status == "done":
            undo_job(job)
    assert state() == before


def test_2018_after_2017_and_back(shared_data):
    def job_of(year):
        path = shared_data / f"imls_pls_fy{year}_outlets.csv"
        job = create_job(LibraryResource, [path.read_bytes()], file_name=path.name)
        check_job(job)
        apply_job(job)
        return job

    job_of(2017)
    before = state()
    job = job_of(2018)
    assert (job.new, job.updated) == (293, 311)
    undo_job(job)
    assert (job.undo.removed, job.undo.updated, job.undo.rows) == (293, 311, 604)
    assert state() == before
