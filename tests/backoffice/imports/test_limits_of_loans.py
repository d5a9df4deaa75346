"""Imports with limits of a model with a path of two steps, a unique value, and other links."""

import pytest

from backoffice.exports.rows import export_chunks
from backoffice.querysets.reach import Reach
from tests.backoffice.imports.running import counted, run
from tests.everything.loans.models import Loan
from tests.everything.loans.resources import LoanResource
from tests.factories import limit, make_book, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

HEADERS = ["number", "patron", "books"]


@pytest.fixture
def mine():
    return make_library(name="Mine", zip_code="10001")


@pytest.fixture
def other():
    return make_library(name="Secret", zip_code="07001")


@pytest.fixture
def reach(mine):
    return Reach.of(limit(make_user(), mine))


def make_loan(number, patron, *books):
    loan = Loan.objects.create(number=number, patron=patron)
    loan.books.set(books)
    return loan


def exported(reach):
    rows = reach.within(Loan.objects.all())
    resource = LoanResource().within(reach)
    return [list(row) for chunk in export_chunks(resource, rows, HEADERS) for row in chunk][1:]


def test_links_to_what_is_elsewhere_are_neither_written_out_nor_taken(
    write_csv, reach, mine, other
):
    ann = make_patron(name="Ann", library=mine)
    ours, second = (make_book(title=title, libraries=[mine]) for title in ("Ours", "Second"))
    theirs = make_book(title="Theirs", libraries=[other])
    loan = make_loan("1", ann, ours, theirs)
    make_loan("2", make_patron(name="Bob", library=other), ours)
    (row,) = exported(reach)
    assert row == ["1", "Ann (Mine, 10001)", "Ours"] or row == ["1", "Ann", "Ours"]
    counts, _rejects = run(LoanResource, write_csv(HEADERS, row), reach=reach)
    assert counted(counts) == (0, 0, 1, 0)
    path = write_csv(HEADERS, ["1", row[1], "Second"])
    counts, _rejects = run(LoanResource, path, reach=reach)
    assert counted(counts) == (0, 1, 0, 0)
    assert set(loan.books.all()) == {second, theirs}
    _counts, (reject,) = run(
        LoanResource, write_csv(HEADERS, ["1", row[1], "Theirs"]), reach=reach
    )
    assert "No such record is here" in reject


def test_a_unique_value_that_is_taken_elsewhere_is_rejected_and_no_more_said(
    write_csv, reach, mine, other
):
    make_patron(name="Ann", library=mine)
    book = make_book(title="Ours", libraries=[mine])
    theirs = make_loan("7", make_patron(name="Bob", library=other), book)
    path = write_csv(HEADERS, ["7", "Ann", "Ours"], ["8", "Bob", "Ours"])
    counts, rejects = run(LoanResource, path, reach=reach)
    assert counted(counts) == (0, 0, 0, 2)
    assert "Belongs to another record (loan) already." in rejects[0]
    assert "No such record is here" in rejects[-1]
    assert not any("Secret" in reject or "07001" in reject for reject in rejects)
    theirs.refresh_from_db()
    assert theirs.patron.name == "Bob"


def test_a_reference_to_what_is_elsewhere_stays(monkeypatch, write_csv, reach, mine, other):
    monkeypatch.setattr(Loan, "scope", "books__libraries")
    make_patron(name="Ann", library=mine)
    loan = make_loan(
        "1", make_patron(name="Bob", library=other), make_book(title="Ours", libraries=[mine])
    )
    assert exported(reach) == [["1", "", "Ours"]]
    path = write_csv(HEADERS, ["1", "", "Ours"])
    assert counted(run(LoanResource, path, reach=reach)[0]) == (0, 0, 1, 0)
    _counts, (reject,) = run(
        LoanResource, write_csv(HEADERS, ["1", "Ann", "Ours"]), reach=reach
    )
    assert "names a record there that you may not see" in reject
    loan.refresh_from_db()
    assert loan.patron.name == "Bob"
