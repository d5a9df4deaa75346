"""Checked again piece by piece is what a check of the whole file finds with all decisions."""

import os

import pytest
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change
from backoffice.imports.review.recheck import take_in
from backoffice.jobs import opening
from backoffice.jobs.opening import open_store
from backoffice.jobs.review import Review
from backoffice.jobs.steps import apply_job, check_job, create_job
from library.models import Book, Library
from library.resources import (
    BookResource,
    LibrarianResource,
    LibraryResource,
    PatronResource,
)
from tests.everything import models as everything
from tests.everything import resources
from tests.everything.factories import make_row
from tests.factories import make_book, make_librarian, make_library, make_patron

pytestmark = pytest.mark.django_db

UniqueResource = resources.RESOURCES[everything.Unique]
NAMES = ["Main", "MAIN", "Main\u200b", "East", "", "Mäin", "N/A"]
PLACES = ["Main", "East", "main", "Nowhere", "", "Main (10001)", "Two"]
#: What the cells of a file have, by model and column.
CELLS = {
    LibraryResource: {
        "name": NAMES,
        "address": ["1 Main St", "2 Main St", ""],
        "state": ["NY", "XX", ""],
        "phone_number": ["212-222-6559", "-4", "212 222 6559"],
        "zip_code": ["10001", "10001-1234", "1000"],
    },
    PatronResource: {"name": NAMES, "library": PLACES},
    LibrarianResource: {"name": ["Ann", "Bob", ""], "library": PLACES},
    BookResource: {"title": NAMES, "libraries": [*PLACES, "Main|East", "Main|Nowhere"]},
    UniqueResource: {
        "code": ["A", "B", "a", ""],
        "char": ["x", "y", "z", ""],
        "or_null": ["1", "2"],
    },
}


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(resources, UniqueResource.__qualname__, UniqueResource, raising=False)


def make_records():
    Library.objects.all().delete()
    Book.objects.all().delete()
    everything.Unique.objects.all().delete()
    main = make_library(name="Main", zip_code="10001")
    east = make_library(name="East", zip_code="10001", address="2 Main St", state="NY")
    for zip_code in ("10001", "10002"):
        make_library(name="Two", zip_code=zip_code)
    make_patron(name="Main", library=main)
    make_patron(name="main", library=east)
    make_librarian(name="Ann", library=east)
    make_book(title="East", libraries=[main, east])
    make_book(title="Main", libraries=[main])
    make_row(everything.Unique, code="A", char="x", or_null=1)


def make_job(resource_class, columns, rows, decisions=()):
    text = "\n".join(",".join(row) for row in [list(columns), *rows]).encode()
    job = create_job(resource_class, [text], file_name="rows.csv")
    for decision in decisions:
        decision.pk, decision.file = None, job.file
        decision.save(force_insert=True)
    check_job(job)
    return Change.objects.get(pk=job.pk)


def found(job):
    """All that the store has of the job's rows, and the counts of both."""
    job.refresh_from_db()
    with open_store(job) as store:
        return {
            "outcomes": store.fetch(
                "SELECT line, kind, key, pk, new, old, seen FROM outcomes ORDER BY line"
            ),
            "problems": sorted(
                store.fetch("SELECT line, field, value, code, message FROM problems")
            ),
            "causes": sorted(
                store.fetch(
                    "SELECT code, field, message, rows, line, value FROM causes WHERE rows > 0"
                )
            ),
            "repairs": sorted(store.fetch("SELECT line, field, value, repaired FROM repairs")),
            "likes": sorted(store.fetch("SELECT line, pk FROM likes")),
            "blocks": store.fetch("SELECT * FROM blocks WHERE rows <> 0 ORDER BY 1, 2"),
            "counts": (job.counts, store.counts()),
        }


def draw_decision(data, columns, lines, causes):
    """One that staff can take about a file of these columns, lines and causes."""
    line, field = data.draw(st.sampled_from(lines)), data.draw(st.sampled_from(list(columns)))
    text = data.draw(st.sampled_from(columns[field]))
    typed = {"answer": "text", "text": text} if text else {"answer": "blank"}
    value = data.draw(st.sampled_from(columns[field]))
    answer = data.draw(st.sampled_from(["skip", "same", "new"]))
    kinds = [
        {"line": line, "field": field, **typed},
        {"line": line, "answer": answer},
        {"field": field, "value": value, **typed},
    ]
    if causes:
        cause = data.draw(st.sampled_from(causes))
        answers = ["skip", "blank", *(["same", "new"] if cause.code == "alike" else [])]
        answer = data.draw(st.sampled_from(answers))
        kinds.append({"code": cause.code, "field": cause.field, "answer": answer})
    return Decision(**data.draw(st.sampled_from(kinds)))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)  # the locks of so many temporary tables are too many
@pytest.mark.parametrize("resource_class", CELLS, ids=lambda each: each.__name__)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_piece_by_piece_is_the_whole(resource_class, data):
    make_records()
    columns = CELLS[resource_class]
    row = st.tuples(*map(st.sampled_from, columns.values())).filter(any)
    rows = data.draw(st.lists(row, min_size=1, max_size=10))
    job = make_job(resource_class, columns, rows)
    staff = Review(job)
    lines = [row.line for row in staff.page(size=100)]
    for _ in range(data.draw(st.integers(1, 5))):
        taken = staff.decisions()
        if taken and data.draw(st.booleans()):
            staff.take_back(None, data.draw(st.sampled_from(taken)).pk)
        elif lines:
            try:
                staff.decide(None, draw_decision(data, columns, lines, staff.causes()))
            except ValidationError:
                continue
    piecewise = found(job)
    whole = make_job(resource_class, columns, rows, staff.decisions())
    assert piecewise == found(whole)
    if job.is_applicable:
        apply_job(job)
        job.refresh_from_db()
        assert (job.status, job.error) == ("done", "")


@pytest.mark.skipif("IMPORTS_BUCKET" in os.environ, reason="each machine takes in all")
def test_only_what_is_touched_is_staged(monkeypatch):
    lines = []

    def start_and_note(store, version, decisions, start):
        def noting(kept):
            lines.append(kept.lines)
            return start(kept)

        take_in(store, version, decisions, noting)

    monkeypatch.setattr(opening, "take_in", start_and_note)
    phone = "212-222-6559"
    rows = [(f"L{n}", "1 Main St", "NY", phone, "10001") for n in range(50)]
    rows += [("L7", "2 Main St", "NY", phone, "10001"), ("L8", "", "NY", "-4", "10001")]
    job = make_job(LibraryResource, CELLS[LibraryResource], rows)
    Review(job).decide(None, Decision(line=3, field="state", answer="text", text="NJ"))
    assert lines == [[3]]
    Review(job).decide(None, Decision(line=53, field="name", answer="text", text="l9"))
    assert lines[1:] == [[53]]  # as long as it is rejected, it has nothing to do with others
    Review(job).decide(None, Decision(line=9, answer="skip"))
    assert lines[2:] == [[9], [9, 52]]


def test_a_model_with_other_unique_keys_is_checked_as_a_whole(monkeypatch):
    make_records()
    rows = [("B", "x", "2"), ("C", "z", "2")]
    job = make_job(UniqueResource, CELLS[UniqueResource], rows)
    staff = Review(job)
    assert [row.kind for row in staff.page()] == ["rejected", "new"]
    staff.decide(None, Decision(line=3, field="or_null", answer="blank"))
    staff.decide(None, Decision(line=2, field="char", answer="text", text="y"))
    assert not staff.is_checking
    assert [row.kind for row in staff.page()] == ["new", "new"]
