"""A new model takes a model, a ModelAdmin, a Resource and a FilterSet, and nothing else.

`tests/loans` is such a model. Nothing in `backoffice/` knows of it.
"""

import csv
import datetime
import io
import json

import pytest
from django.core.management import call_command
from django.urls import reverse

from tests.factories import make_book, make_library, make_patron
from tests.loans.models import Loan

pytestmark = pytest.mark.django_db

HEADER = "loan,borrower,books,due,renewals\n"


def import_loans(path, text):
    path.write_text(text, encoding="utf-8")
    out = io.StringIO()
    call_command("import", "loans.Loan", str(path), "--json", on_error="skip", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def patron():
    make_patron(name="Bob", library=make_library(name="Main", zip_code="10002"))
    return make_patron(name="Bob", library=make_library(name="Main", zip_code="10001"))


def test_import_reads_references_two_tables_away(tmp_path, patron):
    book = make_book(title="Dune")
    outcome = import_loans(
        tmp_path / "loans.csv",
        HEADER
        + '1,"Bob (Main, 10001)",Dune,2026-12-01,2\n2,Bob,Dune,,0\n3,"Bob (Main, 10001)",'
        ",2026-13-01,x\n",
    )
    assert (outcome["new"], outcome["rejected"]) == (1, 2)
    loan = Loan.objects.get()
    assert (loan.patron, loan.due, loan.renewals) == (patron, datetime.date(2026, 12, 1), 2)
    assert set(loan.books.all()) == {book}
    assert loan.created is not None
    record = loan.history.get()
    assert [link.book for link in record.books.all()] == [book]


def test_export_then_import_changes_nothing(tmp_path, patron):
    loan = Loan.objects.create(number="1", patron=patron, due=datetime.date(2026, 12, 1))
    loan.books.set([make_book(), make_book()])
    Loan.objects.create(number="2", patron=patron)
    path = tmp_path / "loans.csv"
    call_command("export", "csv", "loans.Loan", "-o", str(path))
    with path.open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["patron"] == "Bob (Main, 10001)"
    outcome = import_loans(path, path.read_text(encoding="utf-8"))
    assert (outcome["unchanged"], outcome["rows"]) == (2, 2)


def test_export_takes_its_filters(tmp_path, patron):
    for number in ("1", "2"):
        Loan.objects.create(number=number, patron=patron)
    path = tmp_path / "loans.csv"
    call_command("export", "csv", "loans.Loan", "--filter", "number=2", "-o", str(path))
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


def test_its_pages_are_there(admin_client, patron):
    loan = Loan.objects.create(number="1", patron=patron)
    for view, args in [
        ("changelist", ()),
        ("add", ()),
        ("change", (loan.pk,)),
        ("delete", (loan.pk,)),
        ("history", (loan.pk,)),
        ("import", ()),
        ("export", ()),
    ]:
        response = admin_client.get(reverse(f"admin:loans_loan_{view}", args=args))
        assert response.status_code == 200, view
