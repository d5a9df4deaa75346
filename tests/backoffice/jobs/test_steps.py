"""A change runs once at a time, and its status says what happened."""

import json

import pytest
from django.db import transaction
from django.utils import translation

from backoffice.changes import files
from backoffice.changes.models import Change, JobStopped
from backoffice.jobs import steps
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

HEADER = b"name,address,state,phone_number,zip_code\n"
GOOD = b"Princeton,65 Witherspoon Street,NJ,609-924-9529,08542-3214\n"
BAD = b"Seaford,2234 Jackson Ave,NY,-4,11783\n"
Status = Change.Status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def make_job(*blocks, **options):
    return create_job(
        LibraryResource, blocks or (HEADER, GOOD), file_name="branches.csv", **options
    )


def fresh(job):
    return Change.objects.get(pk=job.pk)


def test_an_upload_is_kept_where_nobody_can_guess():
    job = make_job()
    assert len(job.file.folder) > 40
    assert job.file.directory.parent == files.root()
    assert job.file.directory.stat().st_mode & 0o077 == 0
    assert (job.file.directory / "upload").read_bytes() == HEADER + GOOD
    assert (job.file.size, len(job.file.sha256)) == (len(HEADER + GOOD), 64)


def test_a_check_finds_out_and_writes_nothing():
    job = make_job(HEADER, GOOD, BAD)
    check_job(job)
    job = fresh(job)
    assert (job.status, job.rows, job.new, job.rejected) == (Status.CHECKED, 2, 1, 1)
    assert job.file.found["mapping"]["name"] == "name"
    assert job.file.causes[0][:2] == [1, "phone_number"]
    assert b"row 3, phone_number" in b"".join(download(job, REJECTS))
    assert b"Princeton" in b"".join(download(job, CHANGES))
    assert not Library.objects.exists()


def test_applying_writes_it_with_the_job_in_history():
    job = make_job(user=make_user())
    check_job(job)
    apply_job(job)
    job = fresh(job)
    record = Library.objects.get().history.get()
    assert job.status == Status.DONE
    assert record.history_change_reason == f"import {job.pk}: branches.csv"
    assert (record.history_user, record.history_date) == (job.user, job.applied_at)
    assert record.history_change == job


@pytest.mark.parametrize(("checked", "written"), [("en", "es"), ("es", "en")])
def test_a_file_is_read_alike_in_each_language(checked, written):
    headers = "nombre,dirección,estado,número de teléfono,código postal\n".encode()
    job = make_job(headers, GOOD)
    with translation.override(checked):
        check_job(job)
    with translation.override(written):
        apply_job(fresh(job))
    job = fresh(job)
    assert (job.status, job.error) == (Status.DONE, "")
    assert Library.objects.get().phone_number == "609-924-9529"


def test_rejected_rows_are_set_aside():
    job = make_job(HEADER, GOOD, BAD)
    check_job(job)
    apply_job(job)
    assert Library.objects.count() == 1


def test_a_job_without_a_good_row_is_not_applied():
    job = make_job(HEADER, BAD)
    check_job(job)
    with pytest.raises(JobStopped):
        apply_job(job)


def test_a_job_is_applied_once():
    job = make_job()
    check_job(job)
    twin = fresh(job)
    apply_job(job)
    with pytest.raises(JobStopped):
        apply_job(twin)
    assert Library.objects.count() == 1


def test_a_file_that_can_t_be_used_fails_with_the_reason():
    job = make_job(b"a,b\n1,2\n")
    check_job(job)
    job = fresh(job)
    assert job.status == Status.FAILED
    assert "name" in job.error


def test_a_database_that_moved_fails_the_job_and_writes_nothing():
    job = make_job()
    check_job(job)
    make_library(name="Princeton", zip_code="08542-3214")
    apply_job(job)
    job = fresh(job)
    assert job.status == Status.FAILED
    assert "has changed since the check" in job.error
    assert Library.objects.count() == 1


def test_a_record_that_changed_since_the_check_is_named_with_its_old_and_new_values():
    library = make_library(name="Princeton", zip_code="08542-3214", address="=Old")
    job = make_job()
    check_job(job)
    Library.objects.filter(pk=library.pk).update(address="Newer")
    apply_job(job)
    job = fresh(job)
    assert job.status == Status.FAILED
    assert job.error == (
        "The database has changed since the check. Row 2, Princeton (08542-3214): address was"
        " “=Old” when it was checked, is “Newer” now. Nothing was written. Check the file"
        " again."
    )
    assert Library.objects.get().address == "Newer"


def test_a_job_whose_findings_are_gone_is_to_be_checked_again():
    job = make_job()
    check_job(job)
    files.remove_files(job.file.folder, job.file.found["store"])
    apply_job(job)
    assert fresh(job).error == "What the check found is no longer kept. Check the file again."


def test_what_goes_wrong_halfway_leaves_nothing_behind(monkeypatch, caplog):
    job = make_job()
    check_job(job)

    def fail(self, *args, **options):
        self.live.execute("INSERT INTO no_such_table VALUES (1)")

    monkeypatch.setattr("backoffice.imports.apply.Records.write", fail)
    apply_job(job)
    assert fresh(job).status == Status.FAILED
    assert not Library.objects.exists()
    assert "no_such_table" in caplog.text


def test_a_cancelled_job_stops_at_its_next_chunk(monkeypatch):
    job = make_job()
    check = steps.job_import

    def cancel_while_opening(running, *decisions):
        assert fresh(job).cancel()
        return check(running, *decisions)

    monkeypatch.setattr(steps, "job_import", cancel_while_opening)
    with pytest.raises(JobStopped):
        check_job(job)
    assert fresh(job).status == Status.CANCELLED


def test_a_run_that_was_taken_over_can_t_write():
    job = make_job()
    check_job(job)
    mine = fresh(job)
    mine.take(Status.CHECKED, to=Status.APPLYING)
    Change.objects.filter(pk=job.pk).update(claim="another worker's")
    with pytest.raises(JobStopped), transaction.atomic():
        mine.finish(Status.DONE)
    assert fresh(job).status == Status.APPLYING


def test_what_is_done_can_t_be_cancelled():
    job = make_job()
    check_job(job)
    apply_job(job)
    assert not fresh(job).cancel()
    assert fresh(job).status == Status.DONE


def test_files_go_and_the_record_stays():
    job = make_job()
    directory = job.file.directory
    job.file.remove()
    assert not directory.exists()
    assert fresh(job).file.folder == ""
    check_job(job)
    assert "no longer kept" in fresh(job).error


def test_options_reach_the_engine():
    job = make_job(
        b"Bibliothek;PLZ\nPrinceton;08542\n",
        overrides={"name": "Bibliothek", "zip_code": "PLZ"},
        match=["name"],
        delimiter=";",
    )
    make_library(name="Princeton", zip_code="00000")
    check_job(job)
    assert (fresh(job).updated, json.dumps(fresh(job).file.found["mapping"])) == (
        1,
        '{"name": "Bibliothek", "zip_code": "PLZ"}',
    )
