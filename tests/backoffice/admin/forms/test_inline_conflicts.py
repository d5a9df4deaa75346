"""Inlines with pages: what two people do at once."""

import datetime
from threading import Thread

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from library.models import Librarian, Library, Patron
from tests.backoffice.admin.forms.inline_pages import (
    errors,
    fill,
    ticked,
    told,
    typed,
    use,
)
from tests.backoffice.admin.pages import form_data, model_admin, url
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_librarian, make_library, make_patron

pytestmark = pytest.mark.django_db


# Two people at once ---------------------------------------------------------------------


def test_rows_added_meanwhile_shift_no_edit(admin_client, library, address):
    fill(library, 60)
    page = admin_client.get(address, {"patron_set-p": 2})
    data = typed(page, Patron_0030="Ann")
    for _ in range(30):
        make_patron(name="Aaron", library=library)
    assert admin_client.post(f"{address}?patron_set-p=2", data).status_code == 302
    assert library.patron_set.filter(name="Aaron").count() == 30
    assert set(library.patron_set.exclude(name="Aaron").values_list("name", flat=True)) == {
        *(f"Patron {n:04}" for n in range(60) if n != 30),
        "Ann",
    }


def test_an_edit_by_somebody_else_outlives_a_save_that_left_the_row_alone(
    admin_client, library, address
):
    fill(library, 3)
    data = typed(admin_client.get(address), Patron_0001="Ann")
    Patron.objects.filter(name="Patron 0002").update(name="Theirs")
    assert admin_client.post(address, data).status_code == 302
    everyone = library.patron_set.order_by("name").values_list("name", flat=True)
    assert list(everyone) == ["Ann", "Patron 0000", "Theirs"]


def test_two_edits_of_a_row_are_told_of_and_the_second_decides(admin_client, library, address):
    fill(library, 3)
    data = typed(admin_client.get(address), Patron_0001="Mine", Patron_0002="Other")
    Patron.objects.filter(name="Patron 0001").update(name="Theirs")
    page = admin_client.post(address, data)
    assert "Name is now “Theirs”" in errors(page)
    assert "Mine" in page.text
    assert not Patron.objects.filter(name__in=["Mine", "Other"]).exists()
    assert admin_client.post(address, form_data(page)).status_code == 302
    assert Patron.objects.filter(name__in=["Mine", "Other"]).count() == 2


def test_a_third_edit_is_told_of_again(admin_client, library, address):
    fill(library, 1)
    data = typed(admin_client.get(address), Patron_0000="Mine")
    Patron.objects.update(name="Theirs")
    data = form_data(admin_client.post(address, data))
    Patron.objects.update(name="Theirs anew")
    assert "Name is now “Theirs anew”" in errors(admin_client.post(address, data))


def test_an_error_elsewhere_passes_no_edit_off_as_seen(admin_client, library, address):
    fill(library, 2)
    data = typed(admin_client.get(address), Patron_0000="")
    Patron.objects.filter(name="Patron 0001").update(name="Theirs")
    data = form_data(admin_client.post(address, data)) | {"patron_set-0-name": "Mended"}
    assert admin_client.post(address, data).status_code == 302
    assert set(library.patron_set.values_list("name", flat=True)) == {"Mended", "Theirs"}


def test_a_save_that_is_sent_twice_is_no_conflict(admin_client, library, address):
    fill(library, 3)
    data = typed(admin_client.get(address), Patron_0001="Mine")
    for _ in range(2):
        assert admin_client.post(address, data).status_code == 302


def test_a_row_that_was_edited_meanwhile_is_not_deleted_unasked(admin_client, library, address):
    fill(library, 3)
    data = ticked(admin_client.get(address), "Patron 0001")
    Patron.objects.filter(name="Patron 0001").update(name="Theirs")
    page = admin_client.post(address, data)
    assert "Save again to delete it all the same" in errors(page)
    assert library.patron_set.count() == 3
    assert admin_client.post(address, form_data(page)).status_code == 302
    assert library.patron_set.count() == 2


def test_a_row_deleted_meanwhile_blocks_nothing(admin_client, library, address):
    fill(library, 3)
    data = typed(admin_client.get(address), Patron_0000="Ann")
    Patron.objects.get(name="Patron 0001").delete()
    response = admin_client.post(address, data)
    assert response.status_code == 302
    assert "deleted or moved meanwhile: Patron 0001." in told(response)
    everyone = library.patron_set.values_list("name", flat=True)
    assert set(everyone) == {"Ann", "Patron 0002"}


def test_a_row_that_two_people_delete_is_deleted(admin_client, library, address):
    fill(library, 3)
    data = ticked(admin_client.get(address), "Patron 0001")
    Patron.objects.get(name="Patron 0001").delete()
    assert admin_client.post(address, data).status_code == 302
    assert library.patron_set.count() == 2


def test_an_edit_of_a_row_deleted_meanwhile_is_told_of(admin_client, library, address):
    fill(library, 3)
    data = typed(admin_client.get(address), Patron_0000="Ann", Patron_0001="Typed")
    Patron.objects.get(name="Patron 0001").delete()
    page = admin_client.post(address, data)
    assert "Somebody else deleted or moved this patron" in errors(page)
    assert "Typed" in page.text
    response = admin_client.post(address, form_data(page))
    assert "deleted or moved meanwhile: Patron 0001." in told(response)
    everyone = library.patron_set.values_list("name", flat=True)
    assert set(everyone) == {"Ann", "Patron 0002"}


def test_a_row_moved_meanwhile_stays_where_it_is(admin_client, library, address):
    fill(library, 3)
    data = typed(admin_client.get(address), Patron_0000="Ann")
    elsewhere = make_library()
    Patron.objects.filter(name="Patron 0001").update(library=elsewhere)
    response = admin_client.post(address, data)
    assert "Patron 0001" in told(response)
    assert elsewhere.patron_set.get().name == "Patron 0001"


def test_the_librarian_is_guarded_too(admin_client, library, address):
    make_librarian(name="Lea", library=library)
    page = admin_client.get(address)
    data = form_data(page, **{"librarian-0-name": "Mine"})
    Librarian.objects.update(name="Theirs")
    page = admin_client.post(address, data)
    assert "Name is now “Theirs”" in page.text
    assert Librarian.objects.get().name == "Theirs"


def test_dates_and_links_of_a_row_are_guarded(monkeypatch, admin_client):
    use(monkeypatch, Patron, model=Loan)
    patron, dune, emma = make_patron(), make_book(title="Dune"), make_book(title="Emma")
    loan = Loan.objects.create(number="1", patron=patron, due=datetime.date(2026, 12, 1))
    loan.books.set([dune])
    address = url(Patron, "change", patron.pk)
    data = form_data(admin_client.get(address))
    before = Loan.history.count()
    assert admin_client.post(address, data).status_code == 302
    assert Loan.history.count() == before

    loan.books.add(emma)
    Loan.objects.update(due=datetime.date(2026, 12, 24))
    response = admin_client.post(address, data | {"loan_set-0-renewals": "1"})
    assert "Due is now “Dec. 24, 2026”" in told(response)
    assert "Books: “Emma” added" in told(response)
    loan.refresh_from_db()
    assert (loan.renewals, loan.due.day, loan.books.count()) == (1, 24, 2)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_rows_are_locked_while_they_are_compared(admin_client, library, address):
    fill(library, 3)
    data = form_data(admin_client.get(address))
    with CaptureQueriesContext(connection) as queries:
        admin_client.post(address, data)
    locks = [q["sql"] for q in queries if "FOR NO KEY UPDATE" in q["sql"]]
    assert ['"library_library"' in locks[0], '"library_patron"' in locks[1]] == [True, True]


def test_a_second_librarian_is_refused_where_it_was_typed(admin_client, library, address):
    data = form_data(admin_client.get(address)) | {"librarian-0-name": "Second"}
    make_librarian(name="First", library=library)
    page = admin_client.post(address, data)
    assert "Librarian with this Library already exists." in page.text
    assert 'value="Second"' in page.text


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_two_who_add_the_librarian_at_once_are_told(
    admin_client, library, address, monkeypatch
):
    library_admin = model_admin(Library)
    save_related = library_admin.save_related

    def elsewhere():
        make_librarian(name="First", library=library)
        connection.close()

    def save_second(*args):
        monkeypatch.undo()
        thread = Thread(target=elsewhere)
        thread.start()
        thread.join()
        save_related(*args)

    monkeypatch.setattr(library_admin, "save_related", save_second)
    data = form_data(admin_client.get(address), name="Renamed")
    page = admin_client.post(address, data | {"librarian-0-name": "Second"})
    assert "Librarian with this Library already exists." in page.text
    assert 'value="Second"' in page.text
    assert Librarian.objects.get().name == "First"
    library.refresh_from_db()
    assert library.name == "Smithtown"


def test_what_the_database_refused_is_not_said_to_be_saved(
    admin_client, library, address, monkeypatch
):
    """As where it checks a foreign key at the end of the transaction."""
    library_admin = model_admin(Library)
    response_change = library_admin.response_change

    def refuse(*args):
        monkeypatch.undo()
        response_change(*args)
        raise IntegrityError

    monkeypatch.setattr(library_admin, "response_change", refuse)
    data = form_data(admin_client.get(address), name="Renamed")
    assert told(admin_client.post(address, data, follow=True)).count("successfully") == 1
