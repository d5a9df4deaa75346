"""Every decision survives a process killed at any moment; two who decide at once both do."""

import random
import signal
import subprocess
import sys
import time

import pytest
from django.db import connection

from tests.faults.house import ROOT, House

ROWS, BAD, KILLS = 300, 60, 4
CHECK = """
from backoffice.jobs.steps import check_job, create_job
from library.resources import LibraryResource
rows = ["name,address,state,phone_number,zip_code"]
for n in range({rows}):
    phone = "-4" if n < {bad} else "212-222-6559"
    rows.append(f"L{{n}},1 Main St,NY,{{phone}},10001")
job = create_job(LibraryResource, ["\\n".join(rows).encode()], file_name="rows.csv")
check_job(job)
print(job.pk)
"""
DECIDE = """
from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change
from backoffice.jobs.review import Review
text = "516-221-1334"
for line in {lines}:
    review = Review(Change.objects.get(pk={pk}))
    review.decide(None, Decision(line=line, field="phone_number", answer="text", text=text))
    print(line, flush=True)
"""
STATE = """
import json
from backoffice.changes.models import Change
from backoffice.jobs.review import Review
job = Change.objects.get(pk={pk})
review = Review(job)
fresh = Change.objects.get(pk={pk})
decided = sorted(job.file.decisions.values_list("line", flat=True))
print(json.dumps([decided, review.counts["new"], fresh.new, fresh.rejected, fresh.status]))
"""
APPLY = """
from backoffice.jobs import tasks
tasks.apply.call({pk})
"""
WRITTEN = """
import json
from backoffice.changes.models import Change
from library.models import Library
mended = Library.objects.filter(phone_number="516-221-1334").count()
print(json.dumps([Change.objects.get(pk={pk}).status, Library.objects.count(), mended]))
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def house(tmp_path):
    if connection.vendor != "sqlite":
        pytest.skip("the store is a file of its own, whatever the database is")
    return House(tmp_path, "")


@pytest.fixture
def job(house):
    return int(house.shell(CHECK.format(rows=ROWS, bad=BAD)))


def start(house, code):
    return subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-v0", "-c", code],
        cwd=ROOT,
        env=house.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_what_was_decided_survives_the_process(house, job):
    chance, done = random.Random(20261126), set()  # noqa: S311 -- the same at every run
    for _ in range(KILLS):
        left = [line for line in range(2, 2 + BAD) if line not in done]
        with start(house, DECIDE.format(pk=job, lines=left)) as process:
            for _ in range(chance.randint(1, 5)):
                done.add(int(process.stdout.readline()))
            time.sleep(chance.random() / 10)
            process.send_signal(signal.SIGKILL)
            done |= {int(line) for line in process.stdout if line.endswith("\n")}
        decided, new, counted, rejected, status = house.json(STATE.format(pk=job))
        assert done <= set(decided)
        assert len(decided) <= len(done) + 1  # one was committed and not yet told
        assert (new, counted, rejected) == (
            ROWS - BAD + len(decided),
            new,
            BAD - len(decided),
        )
        assert status == "checked"
        done = set(decided)


def test_two_who_decide_and_write_at_once(house, job):
    lines = list(range(2, 2 + BAD, 4))
    two = [start(house, DECIDE.format(pk=job, lines=lines[i::2])) for i in range(2)]
    for process in two:
        out, _err = process.communicate(timeout=300)
        assert process.returncode == 0, out
    decided, new, counted, _rejected, _status = house.json(STATE.format(pk=job))
    assert decided == lines
    assert new == counted == ROWS - BAD + len(lines)
    two = [start(house, APPLY.format(pk=job)) for _ in range(2)]
    for process in two:
        out, _err = process.communicate(timeout=300)
        assert process.returncode == 0, out
    assert house.json(WRITTEN.format(pk=job)) == ["done", new, len(lines)]
