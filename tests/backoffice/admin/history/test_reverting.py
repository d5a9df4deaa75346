"""Going back to a version, also of a row that was deleted."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry

from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.history.test_history import links, revert, sign_in
from tests.backoffice.admin.pages import perm, url
from tests.factories import make_book, make_librarian, make_library, make_patron

pytestmark = pytest.mark.django_db


# Reverting ------------------------------------------------------------------------------


def test_a_version_is_shown_as_it_was(admin_client):
    first, second = make_library(name="First"), make_library(name="Second")
    book = make_book(title="Old title", libraries=[first])
    record = book.history.latest()
    book.title = "New title"
    book.save()
    book.libraries.set([second])
    page = admin_client.get(url(Book, "simple_history", book.pk, record.pk))
    fields = {
        line.field["name"]: str(line.contents())
        for fieldset in page.context["adminform"]
        for row in fieldset
        for line in row
    }
    assert fields == {"title": "Old title", "libraries": "First"}
    assert 'value="Revert"' in page.text


def test_reverting_brings_back_fields_and_links_in_one_record_of_the_user(
    admin_client, superuser
):
    first, second = make_library(), make_library()
    book = make_book(title="Old", libraries=[first])
    record = book.history.latest()
    book.title = "New"
    book.save()
    book.libraries.set([second])
    before = book.history.count()
    response = revert(admin_client, record, book.pk)
    assert response.status_code == 302
    book.refresh_from_db()
    assert book.title == "Old"
    assert set(book.libraries.all()) == {first}
    assert book.history.count() == before + 1
    latest = book.history.latest()
    assert (latest.title, links(latest), latest.history_user, latest.history_type) == (
        "Old",
        {first.pk},
        superuser,
        "~",
    )
    assert latest.history_change_reason.startswith("Reverted to the version of ")
    assert LogEntry.objects.get().get_change_message() == latest.history_change_reason + "."


def test_reverting_is_no_popup(admin_client):
    library = make_library(name="Old")
    library.name = "New"
    library.save()
    record = library.history.last()
    address = url(Library, "simple_history", library.pk, record.pk)
    assert admin_client.post(address, {"_popup": "1"}).status_code == 302
    assert Library.objects.get().name == "Old"


def test_reverting_a_library_leaves_its_books_and_patrons_alone(admin_client):
    library = make_library(name="Old")
    library.name = "New"
    library.save()
    book, patron = make_book(libraries=[library]), make_patron(library=library)
    revert(admin_client, library.history.last(), library.pk)
    assert Library.objects.get().name == "Old"
    assert set(library.book_set.all()) == {book}
    assert set(library.patron_set.all()) == {patron}


def test_links_to_rows_deleted_since_are_left_out_and_counted(admin_client):
    first, second = make_library(), make_library()
    book = make_book(libraries=[first, second])
    record = book.history.latest()
    first.delete()
    response = admin_client.post(url(Book, "simple_history", book.pk, record.pk), follow=True)
    assert set(book.libraries.all()) == {second}
    assert "1 library was left out, because it no longer exists or you may" in response.text


def test_a_version_that_is_no_longer_valid_is_refused_in_words(admin_client):
    library, other = make_library(), make_library()
    librarian = make_librarian(library=library)
    record = librarian.history.get()
    librarian.library = other
    librarian.save()
    make_librarian(library=library)
    response = revert(admin_client, record, librarian.pk)
    assert response.status_code == 200
    assert "Librarian with this Library already exists." in response.text
    assert Librarian.objects.get(pk=librarian.pk).library == other


def test_a_version_whose_library_is_gone_is_refused_in_words(admin_client):
    first = make_library()
    patron = make_patron(library=first)
    record = patron.history.get()
    patron.library = make_library()
    patron.save()
    first.delete()
    response = revert(admin_client, record, patron.pk)
    assert response.status_code == 200
    assert "is no longer valid. Library: library instance with id" in response.text
    assert patron.history.count() == 2


@pytest.fixture
def hidden(monkeypatch):
    monkeypatch.setattr(
        admin.site.get_model_admin(Library),
        "get_queryset",
        lambda request: Library.objects.exclude(name="Hidden"),
    )
    return make_library(name="Hidden")


def test_a_version_that_refers_to_a_row_out_of_sight_is_refused(admin_client, hidden):
    patron = make_patron(library=hidden)
    record = patron.history.get()
    patron.library = make_library()
    patron.save()
    response = revert(admin_client, record, patron.pk)
    assert "Library: It was one of the libraries that you may not choose." in response.text
    assert patron.history.count() == 2
    patron.delete()
    assert revert(admin_client, record, record.id).status_code == 200
    assert not Patron.objects.exists()


def test_a_reference_out_of_sight_that_stays_keeps_no_version_away(admin_client, hidden):
    patron = make_patron(name="Old", library=hidden)
    patron.name = "New"
    patron.save()
    assert revert(admin_client, patron.history.last(), patron.pk).status_code == 302
    assert Patron.objects.get().name == "Old"


def test_links_out_of_sight_are_neither_made_nor_taken_away(admin_client, hidden):
    seen, other = make_library(name="Seen"), make_library(name="Other")
    book = make_book(libraries=[hidden, seen])
    with_both = book.history.latest()
    book.libraries.set([seen])
    with_one = book.history.latest()
    book.libraries.set([other, hidden])
    assert revert(admin_client, with_one, book.pk).status_code == 302
    assert set(book.libraries.all()) == {seen, hidden}
    book.libraries.set([other])
    assert revert(admin_client, with_both, book.pk).status_code == 302
    assert set(book.libraries.all()) == {seen}


# Deleted rows ---------------------------------------------------------------------------


@pytest.fixture
def deleted_book():
    book = make_book(title="Gone", libraries=[make_library(name="Main")])
    pk = book.pk
    book.delete()
    return pk


def test_the_history_of_a_deleted_row_can_be_read_and_brings_it_back(
    admin_client, superuser, deleted_book
):
    page = admin_client.get(url(Book, "history", deleted_book))
    assert page.status_code == 200
    record = Book.history.filter(id=deleted_book, history_type="~").get()
    address = url(Book, "simple_history", deleted_book, record.pk)
    assert "Gone" in admin_client.get(address).text
    assert admin_client.post(address).status_code == 302
    book = Book.objects.get(pk=deleted_book)
    assert [str(library) for library in book.libraries.all()] == ["Main"]
    assert book.history.latest().history_user == superuser
    assert len(links(book.history.latest())) == 1


def test_a_deleted_row_stays_out_of_sight(admin_client, hidden):
    pk, seen = hidden.pk, make_library()
    hidden.delete()
    assert admin_client.get(url(Library, "history", pk)).status_code == 302
    pk = seen.pk
    seen.delete()
    assert admin_client.get(url(Library, "history", pk)).status_code == 200


def test_bringing_a_row_back_needs_the_permission_to_add(client, deleted_book):
    sign_in(client, perm("change", Book))
    record = Book.history.filter(id=deleted_book).last()
    page = client.get(url(Book, "simple_history", deleted_book, record.pk))
    assert 'value="Revert"' not in page.text
    assert revert(client, record, deleted_book).status_code == 403
    assert not Book.objects.exists()


def test_the_history_of_a_deleted_row_needs_the_permission_to_view(client, deleted_book):
    sign_in(client, perm("view", Library))
    assert client.get(url(Book, "history", deleted_book)).status_code == 403
