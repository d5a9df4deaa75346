"""Imports, edits, deletions and undos at the same time: history, replayed, is what is there.

Processes of their own on one database, each with random changes of the same few records.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.faults.house import ROOT

pytestmark = pytest.mark.slow

PROCESSES = 4
STEPS = int(os.environ.get("FAULTS_STEPS", 10))

WORK = """
import random, sys
from django.db import OperationalError
from backoffice.changes.deletion import Deletion
from backoffice.changes.edits import Edit, Refused, RowsMoved
from backoffice.changes.models import Change, JobStopped
from backoffice.jobs.steps import apply_job, check_job, create_job, undo_job
from library.models import Book, Library
from library.resources import BookResource, LibraryResource

chance = random.Random({seed})
NAMES = "ABCDEF"

def import_libraries():
    rows = [
        f"{{name}},{{chance.randrange(5)}} Street,NY,212-222-6559,10001"
        for name in chance.sample(NAMES, 4)
    ]
    run(LibraryResource, "name,address,state,phone_number,zip_code", rows)

def import_books():
    titles = [f"T{{name}}" for name in chance.sample(NAMES, 3)]
    rows = [f"{{title}},{{'|'.join(chance.sample(NAMES, 2))}}" for title in titles]
    run(BookResource, "title,libraries", rows)

def run(resource, header, rows):
    text = chr(10).join([header, *rows, ""])
    job = create_job(resource, [text.encode()], file_name="f.csv")
    check_job(job)
    job.refresh_from_db()
    apply_job(job)

def edit():
    values = {{Library._meta.get_field("address"): f"Edited {{chance.randrange(9)}}"}}
    rows = Library.objects.filter(name__in=chance.sample(NAMES, 3))
    Edit(rows, values).run(user=None, title="e")

def delete():
    model, field = chance.choice([(Library, "name"), (Book, "title")])
    name = chance.choice(NAMES)
    Deletion(model.objects.filter(**{{field + "__endswith": name}})).run(user=None, title="d")

def undo():
    changes = list(Change.objects.filter(status="done").exclude(kind="undo"))
    if changes:
        undo_job(chance.choice(changes))

KINDS = [import_libraries, import_libraries, import_books, edit, delete, undo, undo]
done = 0
for step in range({steps}):
    try:
        chance.choice(KINDS)()
        done += 1
    except (JobStopped, OperationalError, Refused, RowsMoved) as error:
        print(type(error).__name__, error, file=sys.stderr)
print(done)
"""

REPLAY = """
import json
from backoffice.changes.models import Change
from library.models import Book, Library
wrong = []
for model in (Library, Book):
    fields = [field.attname for field in model._meta.concrete_fields]
    replayed, links = {}, {}
    for record in model.history.order_by("history_id"):
        was = replayed.get(record.id)
        if (record.history_type == "+") != (was is None):
            wrong.append([model.__name__, record.history_id, record.history_type])
        if record.history_type == "-":
            replayed.pop(record.id, None)
        else:
            replayed[record.id] = [getattr(record, name) for name in fields]
            if model is Book:
                links[record.id] = sorted(record.libraries.values_list("library_id", flat=True))
    live = {row[0]: list(row) for row in model.objects.values_list(*fields)}
    if live != replayed:
        wrong.append([model.__name__, str(live), str(replayed)])
    if model is Book:
        for book in Book.objects.all():
            now = sorted(book.libraries.values_list("pk", flat=True))
            if not set(now) <= set(links.get(book.pk, [])):
                wrong.append(["links", book.pk, now, links.get(book.pk)])
states = sorted({change.status for change in Change.objects.all()})
names = list(Library.objects.values_list("name", flat=True))
done = Change.objects.filter(status="done").count()
print(json.dumps([wrong, states, len(names) - len(set(names)), done]))
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_history_replayed_is_what_is_there(house, seed):
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "manage.py", "shell", "-v0", "-c"),
                WORK.format(seed=100 * seed + number, steps=STEPS),
            ],
            cwd=ROOT,
            env=house.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    outcomes = [process.communicate(timeout=300) for process in processes]
    said = "\n".join(errors for _out, errors in outcomes)
    assert not any(process.returncode for process in processes), said
    assert sum(int(out.split()[-1]) for out, _errors in outcomes) >= STEPS, said
    wrong, states, twins, done = json.loads(house.shell(REPLAY))
    assert (wrong, twins) == ([], 0), said
    assert set(states) <= {"done", "undone", "failed", "checked"}, said
    assert done
