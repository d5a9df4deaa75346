"""The rows that every filter is tried on."""

import datetime

import pytest
from django.utils import timezone

from backoffice.changes.models import Change
from tests.backoffice.filters.filtersets import FILTERSETS
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_librarian, make_library, make_patron


@pytest.fixture
def rows():
    apple, berry, cherry = (
        make_library(
            name=name, address=address, state=state, zip_code=zip_code, phone_number=no
        )
        for name, address, state, zip_code, no in (
            ("Apple Branch", "1 Elm Street", "NY", "10001", "212-222-6559"),
            ("Berry Branch", "2 Oak Avenue", "NJ", "08542", "609-924-9529"),
            ("Cherry Branch", "3 Oak Avenue", "CO", "80204", "720-865-1111"),
        )
    )
    bob = make_patron(name="Bob", library=apple)
    make_patron(name="Zed", library=apple)
    jane = make_patron(name="Jane", library=cherry)
    make_librarian(name="Ann", library=apple)
    make_librarian(name="Carl", library=cherry)
    dune = make_book(title="Dune", libraries=[apple, cherry])
    make_book(title="Emma", libraries=[berry])
    make_book(title="Faust")
    due = datetime.date(2026, 12, 1)
    Loan.objects.create(number="L1", patron=bob, due=due, renewals=2).books.set([dune])
    Loan.objects.create(number="L2", patron=jane)
    for model in FILTERSETS:
        Change.objects.create(model=model._meta.label, title="f.csv", applied_at=timezone.now())
    record = cherry.history.get()
    job = Change.objects.get(model="library.Library")
    record.pk, record.history_type = None, "~"
    record.history_date, record.history_change = job.applied_at, job
    record.save()
