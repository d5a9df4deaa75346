"""Staff see every row of a check, and decide: what is decided is checked again and written."""

import pytest
from django.core.exceptions import ValidationError

from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change, ImportFile, JobStopped
from backoffice.imports.review.recheck import Whole
from backoffice.jobs import tasks
from backoffice.jobs.opening import take_in_decided
from backoffice.jobs.review import Review, bring_up_to_date
from backoffice.jobs.steps import (
    CHANGES,
    REJECTS,
    apply_job,
    check_job,
    create_job,
    download,
)
from library.models import Library
from library.resources import LibraryResource
from tests.factories import make_library, make_user

HEADER = "name,address,state,phone_number,zip_code"
PRINCETON = "Princeton,65 Witherspoon Street,NJ,609-924-9529,08542"
Status = Change.Status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def review(*rows, **options):
    text = "\n".join([HEADER, *rows, ""]).encode()
    job = create_job(LibraryResource, [text], file_name="branches.csv", **options)
    check_job(job)
    return Review(Change.objects.get(pk=job.pk))


def counted(found):
    fresh = Change.objects.get(pk=found.job.pk)
    assert fresh.counts.rejected == found.counts["rejected"] + found.counts["alike"]
    assert (fresh.new, fresh.updated) == (found.counts["new"], found.counts["updated"])
    return {name: number for name, number in found.counts.items() if number}


def decide(found, **fields):
    found.decide(None, Decision(**fields))


def test_every_row_is_there_with_its_outcome():
    old = make_library(name="Princeton", zip_code="08542", state="NY")
    like = make_library(name="Seaford", zip_code="11783")
    found = review(
        PRINCETON,
        "SEAFORD,2 Main St,NY,516-221-1334,11783",
        "Bad,2 Main St,NY,-4,11783",
        "New,2 Main St,NY,516-221-1334,11783",
    )
    assert counted(found) == {
        "all": 4, "new": 1, "updated": 1, "alike": 1, "rejected": 1, "open": 2,
    }  # fmt: skip
    updated, alike, bad, new = found.page("all")
    assert (updated.kind, updated.pk, updated.label) == (
        "updated", old.pk, "Princeton (08542)",
    )  # fmt: skip
    state = updated.cells[2]
    assert (state.name, state.raw, state.old, state.new, state.is_changed) == (
        "state", "NJ", "NY", "NJ", True,
    )  # fmt: skip
    assert alike.kind == "alike"
    assert [(each.pk, each.values["name"]) for each in alike.like] == [(like.pk, "Seaford")]
    assert "Looks like" in alike.problems[0]
    assert bad.cells[3].problems == [
        "This is a code, not a number; write it like 212-222-6559."
    ]
    assert (new.kind, new.pk, new.cells[0].old, new.cells[0].new) == ("new", None, None, "New")


def test_tabs_and_pages_and_search():
    rows = [f"L{n:04},1 Main St,NY,516-221-1334,11783" for n in range(2500)]
    rows[1200] = "Bad one,1 Main St,NY,-4,11783"
    found = review(*rows)
    page = found.page("new", number=25, size=100)
    assert page.paginator.count == 2499
    assert [row.line for row in page] == list(range(2403, 2502))
    assert [row.line for row in found.page("rejected")] == [1202]
    assert found.page("updated").paginator.count == 0
    assert [row.cells[0].raw for row in found.page("all", search="l2499")] == ["L2499"]
    (cause,) = found.causes()
    assert (cause.field, cause.code, cause.value, cause.rows, cause.line) == (
        "phone_number", "code", "-4", 1, 1202,
    )  # fmt: skip
    assert [row.line for row in found.page(cause=cause.number)] == [1202]
    assert [(value.value, value.rows) for value in found.values("phone_number")] == [("-4", 1)]


def test_a_mended_cell_is_checked_against_the_whole_file_and_written():
    user = make_user()
    found = review(
        PRINCETON, "Seaford,2 Main St,NY,-4,11783", "Seaford,3 Main St,NY,516-221-1334,11783"
    )
    assert counted(found) == {"all": 3, "new": 2, "rejected": 1, "open": 1}
    decision = Decision(line=3, field="phone_number", answer="text", text="516 221 1334")
    found.decide(user, decision)
    # It is the first of its key now.
    assert counted(found) == {"all": 3, "new": 2, "rejected": 1, "open": 1}
    row, other = found.rows(3, 4)
    assert (row.kind, other.kind) == ("new", "rejected")
    assert row.cells[3].decision == decision
    assert row.cells[3].new == "516-221-1334"
    assert "Repeats row 3" in other.problems[0]
    assert found.decisions()[0].user == user
    tasks.start_apply(found.job, shown=found.state)
    assert Library.objects.get(name="Seaford").phone_number == "516-221-1334"


def test_a_decision_can_be_replaced_and_taken_back():
    found = review("Seaford,2 Main St,NY,-4,11783")
    decide(found, line=2, field="phone_number", answer="text", text="12")
    assert counted(found) == {"all": 1, "rejected": 1, "open": 1}
    decide(found, line=2, field="phone_number", answer="text", text="516 221 1334")
    assert counted(found) == {"all": 1, "new": 1}
    (decision,) = found.decisions()
    found.take_back(None, decision.pk)
    assert counted(found) == {"all": 1, "rejected": 1, "open": 1}
    assert not found.decisions()


def test_rows_and_causes_are_set_aside():
    found = review(PRINCETON, "A,2 Main St,NY,-4,11783", "B,2 Main St,NY,-4,11783")
    decide(found, line=2, answer="skip")
    assert counted(found) == {"all": 3, "rejected": 3, "aside": 1, "open": 2}
    decide(found, code="code", field="phone_number", answer="skip")
    assert counted(found) == {"all": 3, "rejected": 3, "aside": 3}
    assert found.rows(3)[0].decision.answer == "skip"
    for decision in found.decisions():
        found.take_back(None, decision.pk)
    assert counted(found) == {"all": 3, "new": 1, "rejected": 2, "open": 2}


def test_a_value_is_mended_everywhere():
    found = review(*(f"L{n},2 Main St,XX,516-221-1334,11783" for n in range(3)), PRINCETON)
    assert counted(found) == {"all": 4, "new": 1, "rejected": 3, "open": 3}
    decide(found, field="state", value="XX", answer="text", text="CA")
    assert counted(found)["new"] == 4
    assert found.rows(2)[0].cells[2].decision.text == "CA"
    found.take_back(None, found.decisions()[0].pk)
    assert counted(found)["rejected"] == 3


@pytest.mark.parametrize(("answer", "expected"), [("same", "updated"), ("new", "new")])
def test_look_alikes_are_answered_one_by_one_and_all(answer, expected):
    for name in "Seaford", "Wantagh":
        make_library(name=name, zip_code="11783")
    rows = [f"{name},2 Main St,NY,516-221-1334,11783" for name in ("SEAFORD", "WANTAGH")]
    found = review(*rows)
    decide(found, line=2, answer=answer)
    assert counted(found) == {"all": 2, expected: 1, "alike": 1, "open": 1}
    decide(found, code="alike", field="name, zip_code", answer=answer)
    assert counted(found) == {"all": 2, expected: 2}
    found.take_back(None, found.decisions()[0].pk)  # the whole file is checked again
    assert not found.is_checking
    assert counted(found) == {"all": 2, expected: 1, "alike": 1, "open": 1}


def test_a_value_mended_everywhere_is_mended_in_what_was_typed_with_blanks():
    found = review("A,1 Main St,?,516-221-1334,11783")
    decide(found, line=2, field="state", answer="text", text=" Calif. ")
    decide(found, field="state", value="Calif.", answer="text", text="CA")
    assert counted(found) == {"all": 1, "new": 1, "repaired": 1}
    tasks.start_apply(found.job, shown=found.state)
    assert Library.objects.get().state == "CA"


def test_a_cell_is_mended_whose_column_stands_twice():
    text = f"{HEADER},name\nA,1 Main St,NY,516-221-1334,11783,A\n".encode()
    job = create_job(LibraryResource, [text], file_name="branches.csv")
    check_job(job)
    found = Review(Change.objects.get(pk=job.pk))
    decide(found, line=2, field="name", answer="text", text="B")
    tasks.start_apply(found.job, shown=found.state)
    assert Library.objects.get().name == "B"


def test_blanks_for_a_cause():
    make_library(name="Seaford", zip_code="11783", address="2 Main St", state="NY")
    found = review("Seaford,2 Main St,NY,-4,11783", "New,2 Main St,NY,-4,11783")
    decide(found, code="code", field="phone_number", answer="blank")
    assert counted(found) == {"all": 2, "unchanged": 1, "rejected": 1, "open": 1}


def test_what_was_typed_is_in_the_rejects():
    found = review("Seaford,2 Main St,XX,-4,11783", "Other,2 Main St,XX,-3 ,11783", PRINCETON)
    decide(found, line=2, field="phone_number", answer="text", text="516 221 1334")
    decide(found, field="phone_number", value="-3", answer="text", text="516 221 1335")
    _header, first, second = (
        b"".join(download(found.job, REJECTS)).decode("utf-8-sig").splitlines()
    )
    assert "Seaford,2 Main St,XX,516 221 1334,11783" in first
    assert "Other,2 Main St,XX,516 221 1335,11783" in second
    assert b"Princeton" in b"".join(download(found.job, CHANGES))


@pytest.mark.parametrize(
    "fields",
    [
        {"line": 9, "answer": "skip"},
        {"line": 2, "field": "nothing", "answer": "blank"},
        {"line": 2, "field": "state", "answer": "skip"},
    ],
)
def test_what_can_not_be_decided(fields):
    found = review(PRINCETON)
    with pytest.raises(ValidationError):
        decide(found, **fields)
    assert not found.decisions()


def test_nothing_is_decided_about_what_is_written_or_done():
    found = review(PRINCETON)
    apply_job(Change.objects.get(pk=found.job.pk))
    with pytest.raises(JobStopped):
        decide(found, line=2, answer="skip")


def test_nothing_is_decided_about_what_waits_to_be_written():
    found = review(PRINCETON)
    Change.objects.update(waiting="apply")
    with pytest.raises(JobStopped):
        decide(found, line=2, answer="skip")
    assert not found.decisions()


def test_a_decision_about_another_file_is_not_taken_back():
    found, other = review(PRINCETON), review(PRINCETON)
    decide(other, line=2, answer="skip")
    found.take_back(None, other.decisions()[0].pk)
    assert len(other.decisions()) == 1


def test_counts_that_a_killed_worker_left_behind_are_brought_up_to_date():
    found = review(PRINCETON)
    Change.objects.update(new=0, rejected=1)
    assert counted(Review(Change.objects.get(pk=found.job.pk))) == {"all": 1, "new": 1}


@pytest.mark.parametrize("status", ["done", "checked"])
def test_what_another_run_found_meanwhile_stays(monkeypatch, status):
    """It has written the file, or checked it again, on another machine."""
    found = review(PRINCETON)
    of = {"pk": found.job.pk}
    theirs = found.job.file.found | {"store": "of-another-run"}

    def overtaken(job, store):
        take_in_decided(job, store)
        Change.objects.filter(**of).update(status=status, claim="another", rejected=7)
        ImportFile.objects.filter(**of).update(found=theirs)

    Change.objects.filter(**of).update(rejected=9)
    monkeypatch.setattr("backoffice.jobs.review.take_in_decided", overtaken)
    assert bring_up_to_date(Change.objects.get(**of))
    assert ImportFile.objects.get(**of).found == theirs
    assert Change.objects.get(**of).rejected == 7


def test_the_causes_of_most_rows_come_first_and_those_that_are_mended_go():
    found = review(
        "A,2 Main St,XX,516-221-1334,11783",
        *(f"{name},2 Main St,NY,-4,11783" for name in "BC"),
    )
    assert [(cause.field, cause.rows) for cause in found.causes()] == [
        ("phone_number", 2),
        ("state", 1),
    ]
    decide(found, field="phone_number", value=" -4", answer="text", text="516-221-1334")
    assert [cause.field for cause in found.causes()] == ["state"]
    (kept,) = Change.objects.get(pk=found.job.pk).file.causes
    assert kept[1] == "state"


def test_what_nobody_has_seen_is_not_written():
    found = review(PRINCETON)
    with found._deciding():  # killed before the store was brought up to date
        Decision.objects.create(file=found.job.file, line=2, answer="skip", value="x")
    with pytest.raises(JobStopped):
        apply_job(Change.objects.get(pk=found.job.pk))
    assert Change.objects.get(pk=found.job.pk).status == Status.CHECKED
    assert not Library.objects.exists()


def test_two_see_what_the_other_decided():
    found = review("A,2 Main St,NY,-4,11783", "B,2 Main St,NY,-4,11783")
    other = Review(Change.objects.get(pk=found.job.pk))
    decide(found, line=2, field="phone_number", answer="text", text="516 221 1334")
    decide(other, line=3, field="phone_number", answer="text", text="516 221 1334")
    assert counted(Review(Change.objects.get(pk=found.job.pk))) == {"all": 2, "new": 2}


def test_writing_what_is_no_longer_shown_is_refused():
    found = review(PRINCETON)
    shown = found.state
    mended = {"field": "phone_number", "answer": "text", "text": "516 221 1334"}
    decide(Review(Change.objects.get(pk=found.job.pk)), line=2, **mended)
    tasks.start_apply(found.job, shown=shown)
    job = Change.objects.get(pk=found.job.pk)
    assert (job.status, job.file.shown) == (Status.CHECKED, "")
    assert "Look at what is written now" in job.error
    assert not Library.objects.exists()


def test_writing_what_was_checked_again_with_other_choices_is_refused():
    found = review(PRINCETON)
    job = Change.objects.get(pk=found.job.pk)
    assert job.reopen()
    job.file.options |= {"constants": {"address": "2 Main St"}}
    job.file.save()
    tasks.start_check(job)
    tasks.start_apply(Change.objects.get(pk=job.pk), shown=found.state)
    assert Change.objects.get(pk=job.pk).status == Status.CHECKED
    assert not Library.objects.exists()


def test_a_decision_between_the_queue_and_the_worker_stops_the_writing(settings):
    settings.IMPORT_IMMEDIATE_ROWS = 0
    found = review(PRINCETON)
    tasks.start_apply(found.job, shown=found.state)
    # The moment between the check of the page's state and the queue: not waiting yet.
    Change.objects.filter(pk=found.job.pk).update(waiting="")
    mended = {"field": "phone_number", "answer": "text", "text": "516 221 1334"}
    decide(Review(Change.objects.get(pk=found.job.pk)), line=2, **mended)
    tasks.apply.call(found.job.pk)
    assert Change.objects.get(pk=found.job.pk).status == Status.CHECKED
    assert not Library.objects.exists()


def test_what_is_to_be_written_is_checked_first_where_somebody_decided_meanwhile(
    settings, monkeypatch
):
    """The decision is kept, the writing asked for, and then the file found to need a check."""
    settings.IMPORT_IMMEDIATE_ROWS = 0
    found = review(PRINCETON)

    def take_in(job, store):
        tasks.start_apply(job)
        raise Whole

    monkeypatch.setattr("backoffice.jobs.review.take_in_decided", take_in)
    decide(found, line=2, field="state", answer="text", text="NY")
    job = Change.objects.get(pk=found.job.pk)
    assert (job.status, job.waiting) == ("uploaded", "checking")
