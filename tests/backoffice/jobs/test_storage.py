"""Uploads in a bucket: a machine has copies, and knows them from no other machine."""

import datetime
import fcntl
import os
import threading
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from backoffice import optional
from backoffice.changes import files
from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change
from backoffice.health import checks
from backoffice.health.storage import check_storage
from backoffice.jobs import tasks
from backoffice.jobs.care import remove_old_imports
from backoffice.jobs.opening import open_job
from backoffice.jobs.retention import retain
from backoffice.jobs.review import Review
from backoffice.jobs.steps import CHANGES, REJECTS, apply_job, check_job, create_job, download
from backoffice.readers.source import ReaderError
from backoffice.submissions import Submission
from library.models import Library
from library.resources import LibraryResource
from tests.factories import make_library, make_user

HEADER = b"name,address,state,phone_number,zip_code\n"
GOOD = b"Princeton,65 Witherspoon Street,NJ,609-924-9529,08542-3214\n"
BAD = b"Seaford,2234 Jackson Ave,NY,-4,11783\n"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        "IMPORTS_BUCKET" in os.environ, reason="these have a bucket of their own"
    ),
]


@pytest.fixture
def on(bucket, settings, tmp_path):
    """`on("b")`: what follows is on that machine."""

    def go(machine):
        settings.DATA_DIR = tmp_path / machine
        settings.DATA_DIR.mkdir(exist_ok=True)

    go("a")
    return go


def make_job(*blocks, **options):
    return create_job(
        LibraryResource, blocks or (HEADER, GOOD, BAD), file_name="branches.csv", **options
    )


def fresh(job):
    return Change.objects.get(pk=job.pk)


def text(job, name):
    return b"".join(download(fresh(job), name)).decode()


def test_each_step_of_an_import_may_be_on_another_machine(on, bucket):
    job = make_job()
    assert bucket.listed() == [f"branch/{job.file.folder}/upload"]
    on("b")
    check_job(fresh(job))
    on("a")
    review = Review(fresh(job))
    assert (review.counts["new"], review.counts["rejected"]) == (1, 1)
    assert "row 3, phone_number" in text(job, REJECTS)
    on("c")
    apply_job(fresh(job))
    assert Library.objects.get().name == "Princeton"
    on("d")
    assert "Princeton" in text(job, CHANGES)
    fresh(job).file.remove()
    assert bucket.listed() == []


def mend(job, text="516-221-1334"):
    review = Review(fresh(job))
    review.decide(make_user(), Decision(line=3, field="phone_number", answer="text", text=text))
    return review


def test_what_was_decided_on_one_machine_is_written_by_another(on):
    job = make_job()
    check_job(job)
    shown = mend(job).state
    on("b")
    assert Review(fresh(job)).state == shown  # the balancer sends the click here
    tasks.start_apply(fresh(job), shown=shown)
    assert (fresh(job).status, fresh(job).error) == ("done", "")
    assert Library.objects.count() == 2
    on("c")
    assert "Seaford" in text(job, CHANGES)  # as it was before it was written
    assert "Seaford" not in text(job, REJECTS)


def test_what_a_machine_finds_otherwise_than_the_page_showed_is_not_written(on):
    branch = make_library(name="Seaford", zip_code="11783", address="1 Old St")
    job = make_job()
    check_job(job)
    shown = mend(job).state
    Library.objects.filter(pk=branch.pk).update(address="2 New St")
    on("b")
    tasks.start_apply(fresh(job), shown=shown)
    assert "Look at what is written now" in fresh(job).error
    assert Library.objects.get().address == "2 New St"
    tasks.start_apply(fresh(job), shown=Review(fresh(job)).state)
    assert fresh(job).status == "done"


def test_decisions_come_to_the_same_in_whichever_steps_they_are_taken_in(on):
    job = make_job(HEADER, BAD, BAD.replace(b"Seaford", b"Astoria"))
    check_job(job)
    user = make_user()
    for line, number in ((2, "516-221-1334"), (3, "718-278-2220"), (2, "516-221-1335")):
        review = Review(fresh(job))
        review.decide(
            user, Decision(line=line, field="phone_number", answer="text", text=number)
        )
    on("b")
    assert Review(fresh(job)).state == review.state


def test_an_upload_that_the_storage_does_not_take_leaves_nothing(on, settings, bucket):
    settings.IMPORTS_BUCKET = "none-of-that-name"
    settings.STORAGES = {**settings.STORAGES}
    with pytest.raises(files.NoStorage):
        make_job()
    assert not Change.objects.exists()
    assert list(files.root().iterdir()) == []
    assert bucket.listed() == []


def test_a_check_whose_storage_is_gone_says_so(on, settings):
    job = make_job()
    on("b")
    settings.IMPORTS_BUCKET_ENDPOINT = "http://127.0.0.1:1"
    settings.STORAGES = {**settings.STORAGES}
    check_job(fresh(job))
    assert (fresh(job).status, fresh(job).error.partition(".")[0]) == (
        "failed",
        "The files are not there",
    )


def test_a_page_whose_storage_is_gone_is_503(on, settings, admin_client):
    job = make_job()
    on("b")
    settings.IMPORTS_BUCKET_ENDPOINT = "http://127.0.0.1:1"
    settings.STORAGES = {**settings.STORAGES}
    admin_client.raise_request_exception = False
    page = admin_client.get(reverse("admin:library_library_import_job", args=[job.pk]))
    assert page.status_code == 503
    assert "The files are not there" in page.text


def test_what_is_no_longer_in_the_bucket_is_told(on, bucket):
    job = make_job()
    check_job(job)
    for key in bucket.listed():
        bucket.client.delete_object(Bucket="uploads", Key=key)
    assert open_job(fresh(job)).headers  # this machine has a copy
    on("b")
    for step in (open_job, Review):
        with pytest.raises(ReaderError, match="no longer kept"):
            step(fresh(job))


def test_copies_go_when_they_were_not_used_for_a_day(on, bucket):
    job, other = make_job(), make_job()
    old = (datetime.datetime.now() - datetime.timedelta(days=2)).timestamp()
    os.utime(job.file.directory, (old, old))
    remove_old_imports()
    assert not job.file.directory.exists()
    assert other.file.directory.exists()
    assert open_job(job).headers
    assert len(bucket.listed()) == 2


def test_a_copy_that_is_fetched_is_not_forgotten_meanwhile(on, bucket, monkeypatch):
    """By another process, between a look at it and its use."""
    job = make_job()
    os.utime(job.file.directory, (0, 0))
    (name,) = (path.name for path in job.file.directory.iterdir())
    exists = Path.exists

    def look(path):
        found = exists(path)
        files.forget_unused()
        return found

    monkeypatch.setattr(Path, "exists", look)
    path = files.fetch(job.file.directory.name, name)
    monkeypatch.undo()
    assert path.exists()


def test_copies_are_forgotten_by_nobody_while_one_says_that_it_uses_them(on, bucket):
    folder = make_job().file.directory
    os.utime(folder, (0, 0))
    other = threading.Thread(target=files.forget_unused)
    with files._locked(fcntl.LOCK_SH):
        other.start()
        other.join(0.2)
        os.utime(folder)
    other.join()
    assert folder.exists()


def test_what_belongs_to_no_import_goes_after_a_day(on, bucket, monkeypatch):
    job, stray = make_job(), make_job()
    stray.delete()
    backup = "branch/backups/backoffice-20261127T023829Z.tar"  # somebody else's
    bucket.client.put_object(Bucket="uploads", Key=backup, Body=b"x")
    remove_old_imports()
    assert len(bucket.listed()) == 3
    later = timezone.now() + datetime.timedelta(days=2)
    monkeypatch.setattr("backoffice.changes.files.timezone.now", lambda: later)
    remove_old_imports()
    assert sorted(bucket.listed()) == sorted([backup, f"branch/{job.file.folder}/upload"])


def test_what_else_is_too_old_goes_while_the_storage_is_gone(on, settings, caplog):
    make_job()
    Submission.objects.create(key="a", created_at=timezone.now() - datetime.timedelta(days=400))
    settings.FORMS_KEEP_DAYS = 399
    settings.IMPORTS_BUCKET_ENDPOINT = "http://127.0.0.1:1"
    settings.STORAGES = {**settings.STORAGES}
    assert retain() == {"answers of forms": 1}
    assert "stay for now" in caplog.text


def test_a_file_in_the_bucket_is_its_owners_alone_and_has_no_address(on, bucket):
    (key,) = (f"branch/{make_job().file.folder}/upload",)
    grants = bucket.client.get_object_acl(Bucket="uploads", Key=key)["Grants"]
    assert [grant["Grantee"]["Type"] for grant in grants] == ["CanonicalUser"]
    with pytest.raises(NotImplementedError):
        files.storage().url(key)


def test_a_storage_that_works_is_well_and_one_that_does_not_is_told(on, settings):
    assert checks.uploads() == checks.FINE
    assert check_storage() == []
    settings.IMPORTS_BUCKET_ENDPOINT = "http://127.0.0.1:1"
    settings.STORAGES = {**settings.STORAGES}
    assert "can't be used: Could not connect" in checks.uploads().problem
    (warning,) = check_storage()
    assert warning.id == "backoffice.W115"


def test_half_a_bucket_is_an_error(settings):
    for values, said in (
        ({"IMPORTS_BUCKET_REGION": "us-east-1"}, "IMPORTS_BUCKET is not"),
        ({"IMPORTS_BUCKET": "a", "IMPORTS_BUCKET_ENDPOINT": "s3.example.org"}, "no address"),
        ({"IMPORTS_BUCKET": "a/b"}, "no “/”"),
    ):
        for name in ("IMPORTS_BUCKET", "IMPORTS_BUCKET_ENDPOINT", "IMPORTS_BUCKET_REGION"):
            setattr(settings, name, values.get(name, ""))
        (error,) = optional.check_packages()
        assert error.id == "backoffice.E115"
        assert said in error.msg
