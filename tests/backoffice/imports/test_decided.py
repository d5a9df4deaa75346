"""Decisions of staff reach the engine: cells, values everywhere, rows, look-alikes, causes."""

import pytest

from backoffice.changes.decisions import Decision
from backoffice.imports.decided import Decided, digest
from backoffice.imports.engine import Import
from backoffice.readers.source import open_source
from library.models import Book, Library, Patron
from library.resources import BookResource, LibraryResource, PatronResource
from tests.backoffice.imports.running import HEADER, PRINCETON, SEAFORD, counted
from tests.factories import make_book, make_library

pytestmark = pytest.mark.django_db


def run(resource_class, path, *decisions, **options):
    """`(counts, rejects as text)` of an import with these decisions; it is applied."""
    decided = Decided([Decision(**fields) for fields in decisions])
    source = open_source(path)
    with Import(resource_class, source, decided=decided, **options) as imported:
        counts = imported.apply()
        return counted(counts), [str(reject) for reject in imported.rejects()]


def changed(row, **fields):
    return [fields.get(name, cell) for name, cell in zip(HEADER, row, strict=True)]


def test_a_cell_is_read_as_what_was_typed(write_csv):
    path = write_csv(HEADER, PRINCETON, changed(SEAFORD, phone_number="-4"))
    cell = {"line": 3, "field": "phone_number", "value": "-4"}
    counts, rejects = run(
        LibraryResource, path, {**cell, "answer": "text", "text": "(516) 221 1334"}
    )
    assert (counts, rejects) == ((2, 0, 0, 0), [])
    assert Library.objects.get(name="Seaford").phone_number == "516-221-1334"


def test_a_decision_about_another_text_or_row_does_not_hold(write_csv):
    path = write_csv(HEADER, PRINCETON, changed(SEAFORD, phone_number="-4"))
    counts, rejects = run(
        LibraryResource,
        path,
        {"line": 3, "field": "phone_number", "value": "-5", "answer": "text", "text": "x"},
        {"line": 2, "value": digest(SEAFORD), "answer": "skip"},
    )
    assert counts == (1, 0, 0, 1)
    assert "-4" in rejects[0]


def test_a_value_is_mended_everywhere(write_csv):
    bad = [changed(SEAFORD, name=name, state="Calif.") for name in ("A", "B")]
    path = write_csv(HEADER, changed(PRINCETON, address="Calif."), *bad)
    decision = {"field": "state", "value": "Calif.", "answer": "text", "text": "CA"}
    assert run(LibraryResource, path, decision)[0] == (3, 0, 0, 0)
    assert Library.objects.filter(state="CA").count() == 2
    assert Library.objects.get(name="Princeton").address == "Calif."


def test_decisions_go_before_the_values_of_the_options(write_csv):
    path = write_csv(HEADER, changed(PRINCETON, state="Jersey"))
    decision = {"field": "state", "value": "Jersey", "answer": "text", "text": "NJ"}
    values = {"state": {"Jersey": "NY"}}
    assert run(LibraryResource, path, decision, values=values)[0] == (1, 0, 0, 0)
    assert Library.objects.get().state == "NJ"


def test_a_row_is_set_aside_and_what_repeats_it_is_not(write_csv):
    path = write_csv(HEADER, PRINCETON, changed(PRINCETON, address="Other"))
    skip = {"line": 2, "value": digest(PRINCETON), "answer": "skip"}
    counts, rejects = run(LibraryResource, path, skip)
    assert counts == (1, 0, 0, 1)
    assert rejects == ["row 2: Set aside."]
    assert Library.objects.get().address == "Other"


def test_a_cause_leaves_cells_blank(write_csv):
    here = make_library(name="Seaford", zip_code="11783", phone_number="516-221-1334")
    path = write_csv(HEADER, changed(SEAFORD, phone_number="-4"))
    blank = {"field": "phone_number", "code": "code", "answer": "blank"}
    assert run(LibraryResource, path, blank)[0] == (0, 1, 0, 0)
    here.refresh_from_db()
    assert here.phone_number == "516-221-1334"


def test_references_that_lead_nowhere_are_left_blank(write_csv):
    book = make_book(title="Dune", libraries=[make_library(name="East")])
    make_library(name="Main")
    path = write_csv(["title", "libraries"], ["Dune", "Main|Nowhere"], ["Emma", "Main"])
    blank = {"field": "libraries", "code": "unknown", "answer": "blank"}
    assert run(BookResource, path, blank)[0] == (1, 0, 1, 0)
    assert book.libraries.get().name == "East"
    assert Book.objects.get(title="Emma").libraries.get().name == "Main"


def test_a_reference_of_the_match_key_can_not_be_left_blank(write_csv):
    path = write_csv(["name", "library"], ["Ann", "Nowhere"])
    blank = {"field": "library", "code": "unknown", "answer": "blank"}
    assert run(PatronResource, path, blank)[0] == (0, 0, 0, 1)
    assert not Patron.objects.exists()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("same", (0, 1, 0, 1)), ("new", (1, 0, 0, 1)), ("skip", (0, 0, 0, 2))],
)
def test_one_look_alike_is_answered_and_another_still_asks(write_csv, answer, expected):
    for name in ("Princeton", "Seaford"):
        make_library(name=name, zip_code="08542")
    rows = [
        changed(PRINCETON, name=name, zip_code="08542") for name in ("PRINCETON", "SEAFORD")
    ]
    row = {"line": 2, "value": digest(rows[0]), "answer": answer}
    counts, rejects = run(LibraryResource, write_csv(HEADER, *rows), row)
    assert counts == expected
    assert "Looks like" in rejects[-1]


@pytest.mark.parametrize(("answer", "expected"), [("same", (0, 2)), ("new", (2, 0))])
def test_all_look_alikes_are_answered_but_those_with_an_answer(write_csv, answer, expected):
    for name in ("Princeton", "Seaford"):
        make_library(name=name, zip_code="08542")
    rows = [
        changed(PRINCETON, name=name, zip_code="08542") for name in ("PRINCETON", "SEAFORD")
    ]
    cause = {"field": "name, zip_code", "code": "alike", "answer": answer}
    path = write_csv(HEADER, *rows)
    other = {"same": "new", "new": "same"}[answer]
    row = {"line": 2, "value": digest(rows[0]), "answer": other}
    with Import(
        LibraryResource, open_source(path), decided=Decided([Decision(**cause)])
    ) as imported:
        assert counted(imported.check()) == (*expected, 0, 0)
    assert run(LibraryResource, path, cause, row)[0] == (1, 1, 0, 0)


def test_the_record_is_chosen_where_a_row_looks_like_several(write_csv):
    make_library(name="princeton", zip_code="08542")
    meant = make_library(name="PRINCETON", zip_code="08542")
    row = changed(PRINCETON, zip_code="08542")
    path = write_csv(HEADER, row)
    same = {"line": 2, "value": digest(row), "answer": "same"}
    assert run(LibraryResource, path, same)[0] == (0, 0, 0, 1)
    assert run(LibraryResource, path, {**same, "text": str(meant.pk)})[0] == (0, 1, 0, 0)
    meant.refresh_from_db()
    assert (meant.name, meant.address) == ("PRINCETON", "65 Witherspoon Street")


@pytest.mark.parametrize("others", [[], ["Seaford"]])
def test_a_row_that_was_to_be_a_record_that_is_gone_is_asked_about_again(write_csv, others):
    gone = make_library(name="seaford", zip_code="11783")
    for name in others:
        make_library(name=name, zip_code="11783")
    row = changed(SEAFORD, name="SEAFORD")
    same = {"line": 2, "value": digest(row), "answer": "same", "text": str(gone.pk)}
    gone.delete()
    decided = Decided([Decision(**same)])
    with Import(
        LibraryResource, open_source(write_csv(HEADER, row)), decided=decided
    ) as imported:
        assert counted(imported.check()) == (0, 0, 0, 1)
        assert [reject.code for reject in imported.rejects()] == ["alike"]


@pytest.mark.parametrize("answer", ["same", "new"])
def test_look_alikes_within_the_file_are_answered(write_csv, answer):
    rows = [PRINCETON, changed(PRINCETON, name="PRINCETON")]
    row = {"line": 3, "value": digest(rows[1]), "answer": answer}
    counts, rejects = run(LibraryResource, write_csv(HEADER, *rows), row)
    assert (counts, rejects) == {
        "same": ((1, 0, 1, 0), []),
        "new": ((2, 0, 0, 0), []),
    }[answer]
