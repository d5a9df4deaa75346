"""Filters by history: when and by which change rows were added or changed."""

import datetime
import io
import json

import pytest
from django.core.management import call_command
from django.utils import timezone

from backoffice.changes.models import Change
from backoffice.filters import history
from backoffice.querysets import related
from library.models import Library, Patron
from tests.backoffice.filters.filtersets import filterset, found

pytestmark = pytest.mark.django_db


# History ----------------------------------------------------------------------------------


def test_since_means_from_the_first_moment_of_the_day(rows, monkeypatch):
    day = datetime.date(2020, 5, 17)
    start = timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))
    apple, berry, cherry = Library.objects.order_by("name")
    Library.history.filter(id=apple.pk).update(history_date=start)
    Library.history.filter(id=berry.pk).update(
        history_date=start - datetime.timedelta(seconds=1)
    )
    Library.history.filter(id=cherry.pk).update(history_date=start - datetime.timedelta(days=9))
    Library.history.filter(id=cherry.pk, history_type="~").update(history_date=start)
    for few, many in ((related.FEW, history.MANY), (0, history.MANY), (0, 0)):
        monkeypatch.setattr(related, "FEW", few)
        monkeypatch.setattr(history, "MANY", many)
        assert found(filterset(Library, "added_since", "2020-05-17")) == ["Apple Branch"]
        assert found(filterset(Library, "changed_since", "2020-05-17")) == [
            "Apple Branch",
            "Cherry Branch",
        ]
        assert found(filterset(Library, "added_since", "2020-05-18")) == []


def test_rows_of_an_import_are_found_by_its_number(tmp_path, rows):
    path = tmp_path / "libraries.csv"
    path.write_text(
        "name,address,state,phone_number,zip_code\n"
        "Apple Branch,9 New Street,NY,212-222-6559,10001\n"
        "Date Branch,1 Palm Street,CA,212-222-6559,90001\n"
    )
    out = io.StringIO()
    call_command("import", "library.Library", str(path), "--json", stdout=out)
    job = str(json.loads(out.getvalue())["job"])
    assert found(filterset(Library, "changed_by_import", job)) == [
        "Apple Branch",
        "Date Branch",
    ]
    # It is no import of patrons.
    assert "No import" in str(filterset(Patron, "changed_by_import", job).errors)


def test_an_import_that_wrote_nothing_is_an_error(rows):
    job = Change.objects.create(model="library.Library", title="f.csv")
    assert not filterset(Library, "changed_by_import", str(job.pk)).is_valid()
