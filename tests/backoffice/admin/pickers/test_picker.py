"""The picker for the reverse side of a many-to-many, and choices within what one sees."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.widgets import FilteredSelectMultiple, RelatedFieldWidgetWrapper

from backoffice.admin.base import ModelAdmin
from library.models import Book, Library, Patron
from tests.backoffice.admin.forms.inline_pages import use
from tests.backoffice.admin.pages import form_data, perm, url
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def library():
    library = make_library(name="Main")
    make_book(title="Held", libraries=[library])
    make_book(title="Not held")
    return library


def keys(*titles):
    return [Book.objects.get(title=title).pk for title in titles]


def titles(library):
    return {book.title for book in library.book_set.all()}


def save(client, row, **changes):
    address = url(type(row), "change", row.pk)
    data = form_data(client.get(address), **changes)
    response = client.post(address, data)
    errors = response.context and response.context["errors"]
    assert response.status_code == 302, errors
    return response


def test_the_form_shows_the_held_books_as_chosen_among_all(admin_client, library):
    field = (
        admin_client.get(url(Library, "change", library.pk))
        .context["adminform"]
        .form["book_set"]
    )
    assert field.value() == keys("Held")
    assert isinstance(field.field.widget, RelatedFieldWidgetWrapper)
    assert isinstance(field.field.widget.widget, FilteredSelectMultiple)
    assert str(field.label) == "Books"
    assert [str(label) for _, label in field.field.choices] == ["Held", "Not held"]
    assert '<select name="book_set"' in str(field)
    assert 'id="add_id_book_set"' in str(field)


def test_what_is_picked_is_saved_and_written_down(admin_client, library, superuser):
    save(admin_client, library, book_set=keys("Not held"))
    assert titles(library) == {"Not held"}
    for title, links in (("Held", set()), ("Not held", {library.pk})):
        record = Book.objects.get(title=title).history.latest()
        assert {link.library_id for link in record.libraries.all()} == links
        assert record.history_user == superuser
    assert LogEntry.objects.get().get_change_message() == "Changed Books."


def test_all_can_be_taken_away(admin_client, library):
    save(admin_client, library, book_set=[])
    assert titles(library) == set()


def test_a_save_that_picks_nothing_else_leaves_the_books_alone(admin_client, library):
    before = Book.history.count()
    save(admin_client, library, name="Renamed")
    assert Library.objects.get().name == "Renamed"
    assert titles(library) == {"Held"}
    assert Book.history.count() == before


def test_a_new_library_takes_books(admin_client, library):
    data = form_data(
        admin_client.get(url(Library, "add")),
        name="New",
        address="1 Main Street",
        state="NY",
        phone_number="212-222-6559",
        zip_code="10001",
        book_set=keys("Held", "Not held"),
    )
    assert admin_client.post(url(Library, "add"), data).status_code == 302
    assert titles(Library.objects.get(name="New")) == {"Held", "Not held"}


def test_a_book_that_does_not_exist_is_refused_in_words(admin_client, library):
    address = url(Library, "change", library.pk)
    data = form_data(admin_client.get(address), book_set=["999999", "x"])
    response = admin_client.post(address, data)
    assert response.status_code == 200
    assert response.context["adminform"].form.errors["book_set"]
    assert titles(library) == {"Held"}


def staff(client, *permissions):
    user = make_user(permissions=permissions)
    client.force_login(user)
    return user


def test_who_may_only_view_books_reads_their_titles(client, library):
    staff(client, perm("change", Library), perm("view", Book))
    page = client.get(url(Library, "change", library.pk))
    assert "book_set" not in page.context["adminform"].form.fields
    assert "Held" in page.text
    save(client, library, book_set=[])
    assert titles(library) == {"Held"}


def test_who_may_not_view_books_finds_none_on_the_page(client, library):
    staff(client, perm("change", Library))
    page = client.get(url(Library, "change", library.pk))
    assert "Held" not in page.text
    assert "book_set" not in page.text
    save(client, library, book_set=[])
    assert titles(library) == {"Held"}


def test_who_may_only_view_libraries_reads_the_titles(client, library):
    staff(client, perm("view", Library), perm("change", Book))
    page = client.get(url(Library, "change", library.pk))
    assert "Held" in page.text
    assert '<select name="book_set"' not in page.text
    response = client.post(url(Library, "change", library.pk), {"book_set": []})
    assert response.status_code == 403


def test_no_link_to_add_a_book_without_the_permission(client, library):
    staff(client, perm("change", Library), perm("change", Book))
    assert "add_id_book_set" not in client.get(url(Library, "change", library.pk)).text


def narrow(monkeypatch, model, **condition):
    monkeypatch.setattr(
        admin.site.get_model_admin(model),
        "get_queryset",
        lambda request: model.objects.filter(**condition),
    )


def test_links_to_books_out_of_sight_survive_a_save(admin_client, library, monkeypatch):
    narrow(monkeypatch, Book, title="Not held")
    page = admin_client.get(url(Library, "change", library.pk))
    assert "Held</option>" not in page.text.replace("Not held", "")
    save(admin_client, library, book_set=keys("Not held"))
    assert titles(library) == {"Held", "Not held"}


def test_links_to_libraries_out_of_sight_survive_a_save(admin_client, library, monkeypatch):
    other = make_library(name="Other")
    book = make_book(libraries=[library])
    narrow(monkeypatch, Library, name="Other")
    save(admin_client, book, libraries=[other.pk])
    assert {str(held) for held in book.libraries.all()} == {"Main", "Other"}


def test_links_out_of_sight_are_enough_where_some_are_required(
    admin_client, library, monkeypatch
):
    book = make_book(title="Held", libraries=[library])
    other = make_book(title="Seen", libraries=[make_library(name="Other")])
    narrow(monkeypatch, Library, name="Other")
    save(admin_client, book, title="Renamed", libraries=[])
    assert str(book.libraries.get()) == "Main"
    assert Book.objects.filter(title="Renamed").exists()
    address = url(Book, "change", other.pk)
    data = form_data(admin_client.get(address), libraries=[])
    assert admin_client.post(address, data).context["adminform"].form.errors["libraries"]


def test_links_out_of_sight_survive_a_save_of_an_inline(admin_client, monkeypatch):
    use(monkeypatch, Patron, model=Loan)
    hidden, seen, new = (make_book(title=title) for title in ("Hidden", "Seen", "New"))
    loan = Loan.objects.create(number="1", patron=make_patron())
    loan.books.set([hidden, seen])
    narrow(monkeypatch, Book, title__in=["Seen", "New"])
    row = {"loan_set-0-renewals": "1", "loan_set-0-books": [new.pk]}
    save(admin_client, loan.patron, **row)
    assert set(loan.books.all()) == {hidden, new}


def test_a_patron_can_not_be_moved_to_a_library_out_of_sight(
    admin_client, library, monkeypatch
):
    patron = make_patron(library=make_library(name="Other"))
    narrow(monkeypatch, Library, name="Other")
    address = url(Patron, "change", patron.pk)
    data = form_data(admin_client.get(address), library=library.pk)
    assert admin_client.post(address, data).context["adminform"].form.errors["library"]


def test_declared_fields_place_the_picker(rf, superuser, library):
    class Placed(ModelAdmin):
        fieldsets = [("A", {"fields": ["name"]}), ("B", {"fields": [("book_set", "state")]})]
        related_filter_horizontal = ("book_set",)

    request = rf.get("/")
    request.user = superuser
    fieldsets = Placed(Library, admin.site).get_fieldsets(request, library)
    assert fieldsets[1][1]["fields"] == [["book_set", "state"]]
    request.user = make_user(permissions=[perm("change", Library)])
    fieldsets = Placed(Library, admin.site).get_fieldsets(request, library)
    assert fieldsets[1][1]["fields"] == [["state"]]


def test_a_wrong_name_is_a_check_error_that_says_what_there_is():
    class Wrong(ModelAdmin):
        related_filter_horizontal = ("books",)

    errors = [e for e in Wrong(Library, admin.site).check() if e.id.startswith("backoffice")]
    assert [error.id for error in errors] == ["backoffice.E001"]
    assert "'books'" in errors[0].msg
    assert "'book_set'" in errors[0].msg


def test_a_related_model_without_an_admin_is_a_check_error():
    class Right(ModelAdmin):
        related_filter_horizontal = ("book_set",)

    errors = Right(Library, admin.AdminSite()).check()
    assert "backoffice.E002" in [error.id for error in errors]
