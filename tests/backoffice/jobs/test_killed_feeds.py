"""Feeds whose worker is killed, or is one of several: nothing is lost, nothing doubled."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change, ImportFile
from backoffice.jobs import feeds, tasks
from backoffice.jobs.review import Review
from library.models import Library
from tests.backoffice.jobs.feeding import BAD, MAIN, OTHER, RIGHTS, files, make_profile, names
from tests.factories import make_library, make_user

# Commits are real: a killed worker's transactions are what is tested.
pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    pass


MOMENTS = [
    (feeds, "create_job"),
    (tasks.check, "func"),
    (tasks.apply, "func"),
    (feeds, "report_of"),
    (feeds, "_rejects"),
    (feeds, "_move"),
    (feeds, "_mail"),
    (Path, "rename"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("where", "name"), MOMENTS, ids=[name for _where, name in MOMENTS])
def test_a_worker_that_is_killed_loses_and_doubles_nothing(
    profile, drop, root, monkeypatch, mailoutbox, where, name, after
):
    real = getattr(where, name)

    def killed(*args, **kwargs):
        if after:
            real(*args, **kwargs)
        raise Killed

    drop(MAIN, BAD)
    with monkeypatch.context() as patch:
        if name == "func":
            module = "check_job" if where is tasks.check else "apply_job"
            real = getattr(tasks.steps, module)
            patch.setattr(tasks.steps, module, killed)
        else:
            patch.setattr(where, name, killed)
        with pytest.raises(Killed):
            feeds.look(at_once=True)
    outcomes = feeds.look(at_once=True)
    job = Change.objects.get()
    assert (len(outcomes), job.status, names()) == (1, "done", ["Main"])
    assert Library.history.count() == 1
    base = f"Supplier/done/f-{job.pk}"
    assert files(root) == [f"{base}.csv", f"{base}.rejects.csv", f"{base}.report.txt"]
    assert {mail.body for mail in mailoutbox} == {outcomes[0].report}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("where", "name"), [(feeds, "_mail"), (Path, "rename")])
def test_a_worker_that_is_killed_while_it_refuses_says_why(
    root, drop, monkeypatch, mailoutbox, where, name, after
):
    make_profile(options={"mirror": "state=NY"})
    real = getattr(where, name)

    def killed(*args, **kwargs):
        if after:
            real(*args, **kwargs)
        raise Killed

    drop(MAIN)
    with monkeypatch.context() as patch:
        patch.setattr(where, name, killed)
        with pytest.raises(Killed):
            feeds.look(at_once=True)
    feeds.look(at_once=True)
    kept, report = files(root)
    assert (kept.removesuffix(".csv"), report) == (
        report.removesuffix(".report.txt"),
        report,
    )
    assert {mail.body for mail in mailoutbox} == {(root / report).read_text()}


def test_what_staff_decided_about_is_theirs_to_write(profile, drop):
    drop(MAIN, OTHER)
    feeds.look()
    call_command("worker", "--batch", "--no-startup-delay", verbosity=0)
    found = Review(Change.objects.get(status="checked"))
    found.decide(make_user(), Decision(line=3, answer="skip"))
    (outcome,) = feeds.look(at_once=True)
    assert "Staff went on with it" in outcome.report
    assert names() == []
    staff = make_user(permissions=RIGHTS)
    tasks.start_apply(Change.objects.get(), user=staff, shown=found.state)
    assert names() == ["Main"]


def test_two_workers_make_one_import_of_a_file(profile, drop, monkeypatch):
    drop(MAIN)
    (each,) = feeds.waiting(timezone.now())
    assert feeds._take(each)
    assert not feeds._take(each)
    feeds.look(at_once=True)
    assert (Change.objects.count(), names()) == (1, ["Main"])


def test_what_another_worker_tries_again_is_not_filed_away(profile, drop, root, monkeypatch):
    path = drop(MAIN)
    feeds.look()
    Change.objects.update(status="failed", waiting="", rows=1)
    tries = feeds._tries_again

    def other_first(file):
        tries(ImportFile.objects.get())
        return tries(file)

    monkeypatch.setattr(feeds, "_tries_again", other_first)
    assert feeds.look() == []
    assert (path.exists(), Change.objects.get().status) == (True, "uploaded")
    feeds.look(at_once=True)
    assert names() == ["Main"]


def test_a_file_that_another_worker_has_imported_is_not_imported_late(
    profile, drop, root, monkeypatch
):
    drop(MAIN)
    create_job = feeds.create_job

    def late(*args, **kwargs):
        with monkeypatch.context() as other:
            other.setattr(feeds, "create_job", create_job)
            assert len(feeds.look(at_once=True)) == 1
        return create_job(*args, **kwargs)

    monkeypatch.setattr(feeds, "create_job", late)
    assert feeds.look(at_once=True) == []
    assert Change.objects.count() == 1


def test_with_a_worker_the_queue_runs_each_step(profile, drop):
    drop(MAIN)
    outcomes = []
    for _round in range(3):
        outcomes += feeds.look()
        call_command("worker", "--batch", "--no-startup-delay", verbosity=0)
    assert (len(outcomes), names()) == (1, ["Main"])


def test_what_staff_change_between_check_and_writing_is_checked_again(profile, drop):
    library = make_library(name="Main", zip_code="10001", address="Old")
    drop(MAIN)
    feeds.look()
    call_command("worker", "--batch", "--no-startup-delay", verbosity=0)
    assert Change.objects.get().status == "checked"
    library.address = "Edited meanwhile"
    library.save()
    (outcome,) = feeds.look(at_once=True)
    assert not outcome.is_rejected
    library.refresh_from_db()
    assert library.address == "1 Street"


def test_where_it_takes_two_the_second_writes(profile, drop, settings, mailoutbox):
    settings.IMPORT_SECOND_PERSON = True
    drop(MAIN)
    (outcome,) = feeds.look(at_once=True)
    job = Change.objects.get()
    assert (job.status, outcome.path.parent.name, names()) == ("checked", "done", [])
    assert "waits on its page for somebody else" in mailoutbox[0].body
    tasks.start_apply(job, user=make_user(permissions=RIGHTS))
    assert names() == ["Main"]
