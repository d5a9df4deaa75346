"""Exports that a worker makes: the same bytes, for one person, whole or not at all."""

import datetime

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice import outages
from backoffice.changes import files
from backoffice.changes.models import Change, JobStopped
from backoffice.exports import rows
from backoffice.exports.made import ExportFile
from backoffice.jobs import care
from backoffice.jobs import exports as jobs
from backoffice.jobs.retention import retain
from backoffice.jobs.steps import check_job
from backoffice.tables import replica
from backoffice.trail.models import Entry
from library.models import Librarian, Library
from tests.backoffice.admin.lists.test_exports import tick, unread
from tests.backoffice.admin.records.made import (
    ask,
    content,
    fetch,
    fresh,
    kept,
    page,
    right,
    run_worker,
)
from tests.factories import limit, make_librarian, make_library

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("data")]

LONG_AGO = timezone.now() - datetime.timedelta(hours=1)


# The file -------------------------------------------------------------------------------


def test_it_is_read_where_lists_are(client, ann, monkeypatch):
    """As tests/faults/test_replica.py has it with a replica that is one."""
    make_library(name="A")
    made, asked = ask(client, name="csv"), []
    monkeypatch.setattr(replica, "alias_now", lambda: asked.append(1) or "default")
    run_worker()
    assert (fresh(made).change.status, fresh(made).change.error) == ("done", "")
    assert asked == [1]


@pytest.mark.parametrize("name", ["csv", "json", "xlsx"])
def test_the_worker_makes_the_file_that_the_page_would_send(client, ann, name):
    for n in range(30):
        library = make_library(name=f"Branch {n % 7} “é”", state="NY" if n % 3 else "NJ")
    make_librarian(name="=Lee", library=library)
    query = "?state=NY&o=-1&q=branch"
    chosen = {
        "name": name,
        "columns": ("name", "zip_code", "number_of_patrons"),
        "encoding": "utf-8-sig",
        "position_libraryresource_zip_code": "1",
    }
    sent = unread(client, query, **chosen)
    expected = content(sent)
    made = ask(client, query, **chosen)
    assert (made.change.status, made.is_kept) == ("uploaded", False)
    run_worker()
    assert (fresh(made).change.status, fresh(made).change.error) == ("done", "")
    response = fetch(client, made)
    if name == "xlsx":  # an archive has the time in it
        assert len(content(response)) == len(expected)
    else:
        assert content(response) == expected
    for header in ("Content-Type", "Content-Disposition"):
        assert response[header] == sent[header]
    assert fresh(made).change.rows == 20
    assert "The file is ready: 20 rows" in page(client, made).text


def test_ticked_rows_alone_are_in_it(client, ann):
    one, _two, three = (make_library(name=name) for name in "ABC")
    ticked = tick(client, one, three).context["ticked"]
    made = ask(client, columns=("name",), _selected_action=ticked)
    run_worker()
    assert content(fetch(client, made)) == b'"name"\r\n"A"\r\n"C"\r\n'


def test_it_is_made_in_the_language_of_the_page(client, ann, settings):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "es"
    make_library()
    made = ask(client)
    run_worker()
    assert Entry.objects.filter(action="export", message__contains="Se").exists()
    assert "bibliotecas" in made.name


def test_the_trail_says_who_exported_what_and_who_fetched_it(client, ann):
    make_library(state="NY")
    made = ask(client, "?state=NY", columns=("name",))
    run_worker()
    content(fetch(client, made))
    lines = Entry.objects.filter(action="export").order_by("pk")
    assert {(line.name, line.address, line.model) for line in lines} == {
        ("ann", "127.0.0.1", "library.Library")
    }
    assert [line.message for line in lines] == [
        "Began to export libraries (State: New York) as CSV: Name.",
        "Exported 1 row of libraries (State: New York) as CSV: Name.",
        f"Fetched {made.name}.",
    ]


def test_asked_for_twice_is_one_export(client, ann):
    make_library()
    assert ask(client) == ask(client)
    assert ask(client, "?state=NY") not in (None, ExportFile.objects.first())
    assert ExportFile.objects.count() == 2
    run_worker()
    assert ask(client).change.status == "uploaded"  # what was made is not made again by itself
    assert ExportFile.objects.count() == 3


def test_asked_for_while_it_is_made_it_does_not_wait_to_be_made_again(client, ann):
    make_library()
    made = ask(client)
    made.change.take("uploaded", to="checking")
    assert ask(client) == made
    assert (fresh(made).change.status, fresh(made).change.waiting) == ("checking", "")


# Whose it is ----------------------------------------------------------------------------


def test_nobody_else_has_it(client, ann, superuser):
    admin_client = Client()
    admin_client.force_login(superuser)
    make_library()
    made = ask(client)
    run_worker()
    for answer in (page(admin_client, made), fetch(admin_client, made)):
        assert answer.status_code == 404
    progress = reverse("admin:backoffice_exportfile_progress", args=[made.pk])
    assert admin_client.get(progress).status_code == 404
    assert (
        made.name
        not in admin_client.get(reverse("admin:backoffice_exportfile_changelist")).text
    )
    assert made.name in client.get(reverse("admin:backoffice_exportfile_changelist")).text
    as_import = reverse("admin:library_library_import_job", args=[made.pk])
    assert admin_client.get(as_import).status_code == 404


def test_who_lost_the_right_makes_and_fetches_nothing(client, ann):
    make_library()
    made, later = ask(client), ask(client, "?state=NY")
    check_job(made.change)
    ann.user_permissions.remove(right("export", Library))
    assert unread(client, _background="1").status_code == 403
    assert fetch(client, made).status_code == 403
    assert "Your rights are no longer those" in page(client, made).text
    run_worker()
    assert fresh(later).change.error == "You may not export this any more."
    assert fresh(later).change.status == "failed"
    assert len(kept()) == 1


def test_an_account_that_was_closed_has_nothing_made(client, ann):
    made = ask(client)
    ann.is_active = False
    ann.save()
    run_worker()
    assert fresh(made).change.status == "failed"


def test_the_limits_are_those_of_the_moment_it_is_made(client, ann):
    ours, _theirs = make_library(name="Ours"), make_library(name="Theirs")
    made = ask(client, columns=("name",))
    limit(ann, ours)
    run_worker()
    assert content(fetch(client, made)) == b'"name"\r\n"Ours"\r\n'


def test_a_file_from_before_the_limits_is_not_given_out(client, ann):
    ours = make_library(name="Ours")
    make_library(name="Theirs")
    made = ask(client, columns=("name",))
    run_worker()
    scope = limit(ann, ours).backoffice_scope
    assert fetch(client, made).status_code == 403
    assert "Your rights are no longer those" in page(client, made).text
    scope.delete()
    content(fetch(client, made))


@pytest.mark.parametrize(
    ("query", "columns", "said"),
    [
        ("", ("name", "librarian"), "A column or format that was chosen"),
        ("?librarian=no", ("name",), "A filter that was chosen"),
    ],
)
def test_what_may_not_be_seen_any_more_is_not_left_out_silently(
    client, ann, query, columns, said
):
    ann.user_permissions.add(right("view", Librarian))
    make_librarian(library=make_library())
    made = ask(client, query, columns=columns)
    ann.user_permissions.remove(right("view", Librarian))
    run_worker()
    assert fresh(made).change.status == "failed"
    assert fresh(made).change.error.startswith(said)
    assert not kept()


def test_columns_that_may_not_be_seen_any_more_are_not_given_out(client, ann):
    ann.user_permissions.add(right("view", Librarian))
    make_librarian(library=make_library())
    made = ask(client, columns=("name", "librarian"))
    run_worker()
    content(fetch(client, made))
    ann.user_permissions.remove(right("view", Librarian))
    assert fetch(client, made).status_code == 403


# When it can't be made ------------------------------------------------------------------


def test_a_full_disk_leaves_nothing_and_says_so(client, ann, monkeypatch):
    monkeypatch.setattr(rows, "CHUNK", 1)
    for _n in range(3):
        make_library()
    demanded = []

    def full(folder, size=0):
        demanded.append(size)
        if len(demanded) > 2:
            raise outages.NoRoom(folder)

    monkeypatch.setattr(jobs, "demand_room", full)
    made = ask(client)
    run_worker()
    assert demanded
    assert not kept()
    assert fetch(client, made).status_code == 404
    assert "No file was made. The disk is full" in page(client, made).text
    assert Entry.objects.filter(message__startswith="Export broke off").exists()


def test_a_run_that_was_taken_over_leaves_its_file_to_nobody(client, ann, monkeypatch):
    make_library(name="A")
    made = ask(client, columns=("name",))
    write = jobs._write

    def overtaken(export, made, job):
        size = write(export, made, job)
        Change.objects.filter(pk=job.pk).update(claim="another")
        return size

    monkeypatch.setattr(jobs, "_write", overtaken)
    with pytest.raises(JobStopped):
        check_job(fresh(made).change)
    assert not kept()
    assert not fresh(made).is_kept


def test_a_cancelled_export_stops_while_it_is_made(client, ann, monkeypatch):
    monkeypatch.setattr(rows, "CHUNK", 1)
    monkeypatch.setattr(jobs, "BEAT", 0)
    for _n in range(5):
        make_library()
    made = ask(client)
    beat, beats = jobs._beat, []

    def cancelled(job, rows):
        beats.append(rows)
        if len(beats) == 2:
            client.post(reverse("admin:backoffice_exportfile_change", args=[made.pk]))
        beat(job, rows)

    monkeypatch.setattr(jobs, "_beat", cancelled)
    run_worker()
    assert len(beats) == 2
    assert (fresh(made).change.status, kept()) == ("cancelled", [])
    assert "Cancelled. No file was made." in page(client, made).text
    assert retain()["files of exports"] == 1  # its empty folder
    assert not list(files.root().iterdir())


def test_progress_is_told_while_it_is_made(client, ann, monkeypatch):
    monkeypatch.setattr(rows, "CHUNK", 1)
    monkeypatch.setattr(jobs, "BEAT", 0)
    for _n in range(3):
        make_library()
    made = ask(client)
    address, told = reverse("admin:backoffice_exportfile_progress", args=[made.pk]), []
    beat = jobs._beat

    def watched(job, rows):
        beat(job, rows)
        told.append(client.get(address).json())
        connection.close()  # of this thread

    monkeypatch.setattr(jobs, "_beat", watched)
    run_worker()
    assert [each["rows"] for each in told][-1] >= 2
    assert {(each["status"], each["total"]) for each in told} == {("checking", 3)}


@pytest.mark.parametrize("runs", [1, 3])
def test_a_killed_worker_s_export_is_taken_up_and_given_up_at_last(client, ann, runs):
    make_library()
    made = ask(client)
    job = Change.objects.get(pk=made.pk)
    job.take("uploaded", to="checking")
    folder = fresh(made)
    folder.make_directory()
    folder.save()
    (folder.directory / job.claim).write_bytes(b"half")
    Change.objects.filter(pk=made.pk).update(heartbeat=LONG_AGO, runs=runs)
    assert fetch(client, made).status_code == 404
    assert care.take_up_dead_jobs() == 1
    run_worker()
    if runs == 3:
        assert fresh(made).change.status == "failed"
        assert "Its worker died 3 times." in page(client, made).text
        retain()
        assert not list(files.root().iterdir())
    else:
        assert content(fetch(client, made)).startswith(b"name,")
        assert [path.name for path in kept()] == [fresh(made).file]
