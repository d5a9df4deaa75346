"""A new model takes a model, a ModelAdmin, a Resource and a FilterSet, and nothing else.

`tests/everything/loans` is such a model. Nothing in `backoffice/` knows of it.
"""

import csv
import datetime
import io
import json

import pytest
from django.core.management import call_command
from django.urls import reverse

from tests.everything.loans.models import Loan
from tests.factories import make_book, make_library, make_patron

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


def rejects_of(path, tmp_path, **options):
    target = tmp_path / "rejects.csv"
    call_command(
        "import",
        "loans.Loan",
        str(path),
        "--json",
        on_error="skip",
        rejects=str(target),
        stdout=io.StringIO(),
        **options,
    )
    with target.open(newline="", encoding="utf-8") as file:
        return {row["loan"]: row["error"] for row in csv.DictReader(file)}


def test_constraints_of_the_model_reject_rows(tmp_path, patron):
    """A check, a unique expression and a unique column under a condition; columns or not."""
    ann, kim, _lee = (make_patron(name=name) for name in ("Ann", "Kim", "Lee"))
    Loan.objects.create(number="A1", patron=ann, renewals=1)
    Loan.objects.create(number="A2", patron=kim, renewals=9)
    path = tmp_path / "loans.csv"
    path.write_text(
        "loan,borrower,renewals\n"
        "a1,Lee,0\n"  # A1, in another case
        "B1,Lee,10\n"  # too many
        "B2,Ann,2\n"  # Ann has A1 renewed
        "B3,Ann,0\n"
        "B4,Lee,1\n"
        "B5,Lee,2\n"  # Lee has B4 renewed
        "b4,Ann,0\n"  # B4, in another case
        "A2,Kim,8\n",  # her own
        encoding="utf-8",
    )
    rejects = rejects_of(path, tmp_path, alike="new")
    assert rejects == {
        "a1": "row 2, number 'a1': Belongs to another record (loan) already.",
        "B1": "row 3, renewals '10': A loan is renewed nine times at most.",
        "B2": rejects["B2"],
        "B5": rejects["B5"],
        "b4": "row 8, number 'b4': Repeats row 6. Keep one of the two.",
    }
    assert rejects["B2"].startswith("row 4, patron ")
    assert "Belongs to another record" in rejects["B2"]
    assert "Repeats row 6" in rejects["B5"]
    kept = Loan.objects.order_by("number").values_list("number", "renewals")
    assert list(kept) == [("A1", 1), ("A2", 8), ("B3", 0), ("B4", 1)]


def test_constraints_see_what_a_blank_cell_keeps(tmp_path, patron):
    for number, renewals in (("A1", 1), ("A2", 0)):
        Loan.objects.create(number=number, patron=patron, renewals=renewals)
    make_patron(name="Ann")
    path = tmp_path / "loans.csv"
    path.write_text("loan,borrower,renewals\nA2,,1\nA3,Ann,2\n", encoding="utf-8")
    rejects = rejects_of(path, tmp_path, keep_blank=True)
    assert list(rejects) == ["A2"]
    assert "Belongs to another record" in rejects["A2"]
    assert set(Loan.objects.values_list("number", "renewals")) == {
        ("A1", 1),
        ("A2", 0),
        ("A3", 2),
    }


def test_constraints_see_what_the_file_leaves_alone(tmp_path):
    """The patron of a loan is not in the file, yet decides."""
    ann = make_patron(name="Ann")
    for number in ("A1", "A2"):
        Loan.objects.create(number=number, patron=ann)
    path = tmp_path / "loans.csv"
    path.write_text("loan,renewals\nA1,1\nA2,1\n", encoding="utf-8")
    assert "Repeats row 2" in rejects_of(path, tmp_path)["A2"]
    assert list(Loan.objects.order_by("number").values_list("renewals", flat=True)) == [1, 0]


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
