"""Deleting a row: the confirmation page, permissions, what is typed, and what remains."""

import html
import re

import pytest
from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.db.models import PROTECT, RESTRICT
from django.db.models.signals import post_delete
from django.test.utils import CaptureQueriesContext

from backoffice.changes.deletion import Deletion
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import perm, statements, url
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db


def delete(client, row, **data):
    return client.post(url(type(row), "delete", row.pk), {"post": "yes"} | data)


def act(client, model, query="", *, keys=None, **data):
    """The action, on the rows of the page or, with `across`, on the whole list."""
    chosen = keys or [model.objects.order_by("pk").first().pk]
    form = {"action": "delete_selected", "_selected_action": chosen} | data
    return client.post(url(model, "changelist") + query, form)


ACROSS = {"select_across": "1"}
SURE = {"post": "yes"}


# One row --------------------------------------------------------------------------------


def test_the_page_counts_what_goes_and_shows_some_of_it(admin_client, busy):
    text = re.sub(r"\s+", " ", admin_client.get(url(Library, "delete", busy.pk)).text)
    for line in (
        "Libraries: 1",
        "Patrons: 120",
        "Librarians: 1",
        "Links of books: 1",
        "… and 110 more patrons",
        "Type <strong>Busy Branch</strong>",
    ):
        assert line in text
    assert len(re.findall(r"/library/patron/\d+/change/", text)) == 10


@pytest.mark.parametrize("page", ["of one row", "of the list"])
def test_rows_of_several_models_are_listed_with_links(admin_client, busy, page):
    if page == "of one row":
        text = admin_client.get(url(Library, "delete", busy.pk)).text
    else:
        text = act(admin_client, Library, keys=[busy.pk]).text
    librarian = Librarian.objects.get()
    link = f'<a href="{url(Librarian, "change", librarian.pk)}">{librarian}</a>'
    assert f"<li>Librarian: {link}</li>" in text
    assert "&lt;" not in text


def test_the_page_costs_the_same_however_much_goes(admin_client, busy):
    few = make_library()
    make_patron(library=few)
    make_librarian(library=few)
    make_book(libraries=[few])
    costs = [statements(admin_client, url(Library, "delete", row.pk)) for row in (few, busy)]
    assert costs[0] == costs[1]


def test_a_row_with_little_is_deleted_without_typing(admin_client):
    patron = make_patron()
    assert (
        "id_confirmation"
        not in admin_client.get(url(Library, "delete", patron.library_id)).text
    )
    assert delete(admin_client, patron.library).status_code == 302
    assert not Library.objects.exists()
    assert not Patron.objects.exists()


@pytest.mark.parametrize("typed", ["", "busy branch", "Busy", "120", "\x00"])
def test_a_wrong_name_deletes_nothing_and_asks_again(admin_client, busy, typed):
    response = delete(admin_client, busy, confirmation=typed)
    assert response.status_code == 200
    assert "Nothing was deleted" in response.text
    assert Library.objects.filter(pk=busy.pk).exists()
    assert not LogEntry.objects.exists()
    assert not Patron.history.filter(history_type="-").exists()


def test_a_popup_stays_a_popup_when_it_asks_again(admin_client, busy):
    response = delete(admin_client, busy, confirmation="x", _popup="1", _to_field="id")
    assert response.context["is_popup"]
    assert 'name="_popup" value="1"' in response.text
    assert 'name="_to_field" value="id"' in response.text


@pytest.mark.parametrize("typed", ["Busy  Branch", " Busy Branch "])
def test_its_name_deletes_it_and_all_that_goes_with_it(admin_client, superuser, busy, typed):
    response = delete(admin_client, busy, confirmation=typed)
    assert response.status_code == 302
    assert list(Library.objects.values_list("name", flat=True)) == ["Other"]
    assert not Patron.objects.exists()
    assert not Librarian.objects.exists()
    assert Book.objects.get().libraries.count() == 1
    entry = LogEntry.objects.get()
    assert (entry.action_flag, entry.object_repr) == (DELETION, "Busy  Branch")


def test_a_name_is_typed_with_whole_letters(admin_client, busy):
    busy.name = "Cafe\N{COMBINING ACUTE ACCENT}"
    busy.save()
    typed = "Caf\N{LATIN SMALL LETTER E WITH ACUTE}"
    assert delete(admin_client, busy, confirmation=typed).status_code == 302


def test_every_row_that_goes_leaves_a_record(admin_client, superuser, busy):
    delete(admin_client, busy, confirmation="Busy Branch")
    for model, number in ((Library, 1), (Patron, 120), (Librarian, 1)):
        records = model.history.filter(history_type="-")
        assert records.count() == number
        assert {record.history_user for record in records} == {superuser}
    assert Library.history.filter(history_type="-").get().history_change_reason == "Deleted"
    reasons = Patron.history.filter(history_type="-").values_list("history_change_reason")
    assert set(reasons) == {("Deleted with the library Busy  Branch",)}


def test_a_deleted_book_keeps_its_links_in_its_record(admin_client, busy):
    book = Book.objects.get()
    delete(admin_client, book)
    record = Book.history.filter(history_type="-").get()
    assert {link.library.name for link in record.libraries.all()} == {"Busy  Branch", "Other"}


def test_deleting_takes_as_many_statements_for_many_rows_as_for_few(admin_client, busy):
    few = [make_library(name="Few") for _ in range(2)]
    for library in few:
        make_patron(library=library)
        make_librarian(library=library)
        make_book(libraries=[library])
    delete(admin_client, few[0])  # what the process remembers is known by then
    numbers = []
    for row in (few[1], busy):
        with CaptureQueriesContext(connection) as queries:
            response = delete(admin_client, row, confirmation=row.name)
        assert response.status_code == 302
        numbers.append(len(queries))
    assert numbers[0] == numbers[1]


# Who may --------------------------------------------------------------------------------


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_nothing_comes_to_refer_to_a_row_while_it_goes(admin_client):
    library = make_library()
    with CaptureQueriesContext(connection) as queries:
        admin_client.post(url(Library, "delete", library.pk), {"post": "yes"})
    sql = [query["sql"] for query in queries]
    locked = next(n for n, text in enumerate(sql) if "FOR UPDATE" in text)
    tables = {text for text in sql if text.startswith("LOCK TABLE")}
    read = min(n for n, text in enumerate(sql) if "_patron" in text and text not in tables)
    assert any("library_patron" in text for text in tables & set(sql[:locked]))
    assert locked < read
    assert not Library.objects.exists()


def test_related_rows_need_the_permission_to_delete_them_too(client, busy):
    client.force_login(make_user(permissions=[perm("delete", Library)]))
    page = client.get(url(Library, "delete", busy.pk))
    assert "you have no permission to delete:" in page.text
    assert delete(client, busy, confirmation="Busy Branch").status_code == 403
    assert Library.objects.filter(pk=busy.pk).exists()


def test_the_action_needs_the_permissions_too(client, busy):
    client.force_login(make_user(permissions=[perm("delete", Library), perm("view", Library)]))
    response = act(client, Library, keys=[busy.pk], confirmation="1", **SURE)
    assert response.status_code == 403
    assert Patron.objects.count() == 120


def test_a_permission_of_its_own_for_each_row_is_asked_for_each(client, busy, monkeypatch):
    client.force_login(
        make_user(permissions=[perm("delete", m) for m in (Library, Patron, Librarian)])
    )
    last = Patron.objects.last()
    patron_admin = admin.site.get_model_admin(Patron)
    monkeypatch.setattr(
        type(patron_admin),
        "has_delete_permission",
        lambda self, request, obj=None: obj is None or obj.pk != last.pk,
        raising=False,
    )
    assert delete(client, busy, confirmation="Busy Branch").status_code == 403


@pytest.mark.parametrize("on_delete", [PROTECT, RESTRICT])
def test_rows_that_others_protect_stay(admin_client, busy, monkeypatch, on_delete):
    field = Patron._meta.get_field("library")
    monkeypatch.setattr(field.remote_field, "on_delete", on_delete)
    page = admin_client.get(url(Library, "delete", busy.pk))
    assert "can't be deleted: these records need" in html.unescape(page.text)
    assert "… and 110 more patrons" in page.text
    delete(admin_client, busy, confirmation="Busy Branch")
    act(admin_client, Library, keys=[busy.pk], confirmation="1", **SURE)
    assert Library.objects.filter(pk=busy.pk).exists()


def test_what_another_signal_listens_to_is_left_to_django(admin_client, busy):
    heard = []

    def listen(instance, **kwargs):
        heard.append(instance.pk)

    assert Deletion(Library.objects.all()).is_plain
    post_delete.connect(listen, sender=Patron)
    try:
        assert not Deletion(Library.objects.all()).is_plain
        assert "Patrons: 120" in admin_client.get(url(Library, "delete", busy.pk)).text
        assert delete(admin_client, busy).status_code == 200
        delete(admin_client, busy, confirmation="Busy Branch")
    finally:
        post_delete.disconnect(listen, sender=Patron)
    assert len(heard) == 120
    assert not Library.objects.filter(pk=busy.pk).exists()


def test_a_key_that_may_be_empty_is_emptied(admin_client, superuser):
    """An account's imports and records outlive it."""
    other = make_user()
    library = make_library()
    Library.history.update(history_user=other)
    delete(admin_client, other)
    assert not User.objects.filter(pk=other.pk).exists()
    assert library.history.get().history_user is None


def test_other_models_go_by_two_ways_once(admin_client):
    patron, book = make_patron(), make_book()
    loan = Loan.objects.create(number="1", patron=patron)
    loan.books.set([book])
    delete(admin_client, patron)
    assert not Loan.objects.exists()
    assert Loan.history.filter(history_type="-").count() == 1


def test_groups_go_without_a_history(admin_client):
    group = Group.objects.create(name="Readers")
    group.permissions.set(Permission.objects.all()[:3])
    assert delete(admin_client, group).status_code == 302
    assert not Group.objects.exists()
