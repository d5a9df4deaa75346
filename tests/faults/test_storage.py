"""Two machines that share a database and a bucket, and no folder."""

import os
import time

import pytest

from tests.buckets import S3
from tests.faults.house import House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("IMPORTS_BUCKET" in os.environ, reason="it has a bucket of its own"),
]
ROWS = 2_000
REVIEW = """
import json
from backoffice.changes.models import Change
from backoffice.jobs import tasks
from backoffice.jobs.review import Review
from backoffice.jobs.steps import REJECTS, download
from backoffice.changes.decisions import Decision
job = Change.objects.get(pk={pk})
review = Review(job)
before = b"".join(download(job, REJECTS)).decode()
review.decide(
    None, Decision(line={line}, field="phone_number", answer="text", text="212-222-6559")
)
tasks.start_apply(Change.objects.get(pk=job.pk), shown=review.state)
print(json.dumps([before, review.counts]))
"""
END = """
import json
from backoffice.changes.models import Change
from backoffice.jobs.steps import CHANGES, REJECTS, download, undo_job
from library.models import Library
job = Change.objects.get(pk={pk})
texts = [b"".join(download(job, name)).decode() for name in (REJECTS, CHANGES)]
undo_job(job)
left = Library.objects.count()
job.file.remove()
print(json.dumps([*texts, left]))
"""


@pytest.fixture
def bucket():
    s3 = S3()
    yield s3
    s3.stop()


@pytest.fixture
def machines(tmp_path, bucket):
    """The first serves pages, the second has the worker."""
    url = f"sqlite:///{tmp_path / 'db.sqlite3'}"
    first = House(tmp_path / "first", url, migrated=False)
    second = House(tmp_path / "second", url, migrated=False)
    for house in (first, second):
        house.folder.mkdir()
        house.environment |= bucket.environment
    first.run("migrate", "-v0")
    second.start_worker()
    yield first, second
    second.kill_worker()


def wait(house, pk, status):
    """Until the worker has brought the job there."""
    end = time.monotonic() + 60
    while (state := house.state(pk, apply=False))[0] != status:
        assert time.monotonic() < end, (state, house.log())
        assert state[0] != "failed", state
        time.sleep(0.2)
    return state


def test_a_file_of_one_machine_is_checked_and_written_by_another(machines, bucket, tmp_path):
    first, second = machines
    path = tmp_path / "branches.csv"
    rows = "".join(f"Branch {n},{n} Main St,NY,212-222-6559,10001\n" for n in range(ROWS))
    header = "name,address,state,phone_number,zip_code\n"
    path.write_text(f"{header}{rows}Last,1 Main St,NY,-4,10001\n")
    pk = first.start_import(path)
    wait(second, pk, "checked")
    before, counts = first.json(REVIEW.format(pk=pk, line=ROWS + 2))
    assert "phone_number '-4'" in before
    assert (counts["new"], counts["rejected"]) == (ROWS + 1, 0)
    assert wait(second, pk, "done")[2] == ROWS + 1
    rejects, changes, left = first.json(END.format(pk=pk))
    assert "-4" not in rejects
    assert "Last" in changes
    assert left == 0
    assert bucket.listed() == []
    for house in machines:
        assert not (house.folder / "imports").exists()
