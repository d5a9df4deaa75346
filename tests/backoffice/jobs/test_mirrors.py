"""A mirror on its way from the check to the write, links that go, and the second person."""

import csv

import pytest

from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change, JobStopped
from backoffice.jobs import tasks
from backoffice.jobs.missing import MissingRows
from backoffice.jobs.review import Review
from backoffice.jobs.steps import check_job, create_job, undo_job
from library.models import Book, Library, Patron
from library.resources import BookResource, LibraryResource
from tests.factories import make_book, make_library, make_patron, make_user

HEADER = "name,address,state,phone_number,zip_code"
PRINCETON = "Princeton,65 Witherspoon Street,NJ,609-924-9529,08542"
Status = Change.Status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def checked(*rows, resource=LibraryResource, header=HEADER, user=None, **options):
    text = "\n".join([header, *rows, ""]).encode()
    job = create_job(resource, [text], file_name="branches.csv", user=user, **options)
    check_job(job)
    return fresh(job)


def fresh(job):
    return Change.objects.get(pk=job.pk)


def mirrored(*rows):
    make_patron(name="Jo", library=make_library(name="=Gone", state="NJ", zip_code="08540"))
    return checked(*rows, mirror=["state=NJ"])


def test_a_check_keeps_what_a_mirror_would_delete():
    job = mirrored(PRINCETON)
    assert (job.new, job.removed, job.file.found["missing"]["count"]) == (1, 2, 1)
    path = job.file.directory / job.file.found["missing_file"]
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, row = csv.reader(file)
    assert header == ["id", *HEADER.split(",")]
    key = str(Library.objects.get().pk)
    assert row[:2] == [key, "'=Gone"]
    rows = MissingRows(job)
    assert (len(rows), rows[0][1][0], rows[0:5], rows[1:5]) == (1, "=Gone", [rows[0]], [])


def test_it_is_written_as_shown_and_undone():
    job = mirrored(PRINCETON)
    tasks.start_apply(job)
    job = fresh(job)
    assert (job.status, job.removed, Library.objects.get().name) == (
        Status.DONE,
        2,
        "Princeton",
    )
    assert undo_job(job).status == Status.DONE
    assert (Library.objects.get().name, Patron.objects.get().name) == ("=Gone", "Jo")


def test_a_mirror_that_only_deletes_can_be_written():
    make_library(name="Gone", state="NY")
    job = checked(PRINCETON, mirror=["state=NY"])
    tasks.start_apply(job)
    job = checked(PRINCETON, mirror=["state=NY"])
    make_library(name="Gone too", state="NY")
    job = checked(PRINCETON, mirror=["state=NY"])
    assert (job.new, job.updated, job.may_apply) == (0, 0, True)
    tasks.start_apply(job)
    assert Library.objects.get().name == "Princeton"


def test_a_record_that_is_missing_only_since_the_check_stops_it():
    job = mirrored(PRINCETON)
    make_library(name="Since", state="NJ")
    tasks.start_apply(job)
    assert fresh(job).status == Status.FAILED
    assert "Other records than then" in fresh(job).error
    assert Library.objects.count() == 2


@pytest.mark.parametrize(
    "decision",
    [
        {"line": 3, "answer": "skip"},
        {"code": "code", "field": "phone_number", "answer": "skip"},
        {"code": "code", "field": "phone_number", "answer": "blank"},
    ],
)
def test_a_decision_about_a_rejected_row_makes_the_mirror_possible(decision):
    job = mirrored(PRINCETON, "Other,2 Main St,NY,-4,11783")
    assert "while rows are rejected" in job.file.found["missing"]["refusal"]
    assert job.removed == 0
    found = Review(job)
    cause = next(each for each in found.causes() if each.field == "phone_number")
    if "code" in decision:
        decision["code"] = cause.code
    found.decide(None, Decision(**decision))
    job = fresh(job)
    if decision["answer"] == "blank":  # which a new record can't have
        assert job.removed == 0
    else:
        assert (job.status, job.removed) == (Status.CHECKED, 2)


def test_links_that_updates_remove_are_counted():
    here, there = make_library(name="Here"), make_library(name="There")
    make_book(title="Emma", libraries=[here, there])
    make_book(title="Ulysses", libraries=[here])
    job = checked("Emma,Here", "Ulysses,Here", header="title,libraries", resource=BookResource)
    assert job.file.found["unlinked"] == {"libraries": [1, 1]}
    found = Review(job)
    both = {"field": "libraries", "answer": "text", "text": "Here|There"}
    found.decide(None, Decision(line=2, **both))
    assert fresh(job).file.found["unlinked"] == {}
    found.take_back(None, found.decisions()[0].pk)
    found.decide(None, Decision(line=3, field="libraries", answer="text", text="There"))
    assert fresh(job).file.found["unlinked"] == {"libraries": [2, 2]}
    tasks.start_apply(fresh(job), shown=found.state)
    assert Book.objects.get(title="Emma").libraries.get() == here


# The second person -----------------------------------------------------------------------


def test_whoever_continues_an_import_wrote_it():
    ann, bob = make_user(username="ann"), make_user(username="bob")
    job = create_job(LibraryResource, [f"{HEADER}\n{PRINCETON}\n".encode()], file_name="a.csv")
    tasks.start_check(job, user=ann)
    tasks.start_apply(fresh(job), user=bob)
    record = Library.history.get()
    assert record.history_user == bob
    assert record.history_change_reason.endswith("a.csv, checked by ann")


def test_it_takes_a_second_person_where_that_is_set(settings):
    settings.IMPORT_SECOND_PERSON = True
    ann, bob, eve = (make_user(username=name) for name in ("ann", "bob", "eve"))
    job = create_job(
        LibraryResource, [f"{HEADER}\n{PRINCETON}\n".encode()], file_name="a.csv", user=ann
    )
    tasks.start_check(job, user=bob)
    found = Review(fresh(job))
    found.decide(eve, Decision(line=2, field="state", answer="text", text="NY"))
    for user in (ann, bob, eve):
        with pytest.raises(JobStopped, match="second person"):
            tasks.start_apply(fresh(job), user=user)
    assert fresh(job).user == ann
    tasks.start_apply(fresh(job), user=make_user(username="zoe"), shown=found.state)
    assert (fresh(job).status, Library.objects.get().state) == (Status.DONE, "NY")


def test_a_long_title_leaves_room_for_whoever_checked_it():
    ann, bob = make_user(username="ann"), make_user(username="bob")
    job = Change(kind="import", pk=1, title="x" * 200, user=bob, checked_by=ann)
    assert len(job.reason) == 100
    assert job.reason.endswith("x, checked by ann")
