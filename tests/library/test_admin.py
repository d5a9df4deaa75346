"""The admin as the library declares it: what staff find on each page."""

import pytest
from django.contrib import admin
from django.urls import reverse

from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import form_data, url
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def main(db):
    library = make_library(
        name="New York Public Library",
        address="455 5th Ave",
        state="NY",
        zip_code="10016",
        phone_number="212-222-6559",
    )
    make_librarian(name="Philip J. Fry", library=library)
    make_patron(name="Bob Smith", library=library)
    make_book(title="Mostly Harmless", libraries=[library])
    return library


@pytest.mark.parametrize(
    ("model", "texts"),
    [
        (
            Library,
            [
                "New York Public Library",
                "455 5th Ave",
                "10016",
                "212-222-6559",
                "Philip J. Fry",
            ],
        ),
        (Patron, ["Bob Smith", "New York Public Library", "New York"]),
        (Librarian, ["Philip J. Fry", "New York Public Library", "New York"]),
        (Book, ["Mostly Harmless"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_list_shows_what_staff_look_for(admin_client, main, model, texts):
    page = admin_client.get(url(model, "changelist"))
    for text in [*texts, "New York (1)"]:
        assert text in page.text


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (Library, "5th ave"),
        (Library, "10016"),
        (Library, "222-6559"),
        (Patron, "bob"),
        (Patron, "bob york"),
        (Librarian, "fry"),
        (Librarian, "york"),
        (Book, "harmless"),
    ],
)
def test_a_list_is_searched(admin_client, main, model, query):
    make_patron(
        name="X",
        library=make_library(name="Elsewhere", zip_code="80204", phone_number="720-865-1111"),
    )
    make_librarian(name="Y", library=Library.objects.get(name="Elsewhere"))
    make_book(title="Z")
    page = admin_client.get(url(model, "changelist"), {"q": query})
    assert page.context["cl"].result_count == 1


def test_lists_are_in_the_order_of_names(admin_client):
    for name in ("B", "C", "A"):
        library = make_library(name=name)
        make_patron(name=name, library=library)
        make_librarian(name=name, library=library)
        make_book(title=name)
    for model in (Library, Patron, Librarian, Book):
        page = admin_client.get(url(model, "changelist"))
        assert [str(row) for row in page.context["cl"].result_list] == ["A", "B", "C"]
        assert not model._meta.ordering


def test_the_librarian_and_the_patrons_are_edited_with_the_library(admin_client, main):
    address = url(Library, "change", main.pk)
    data = form_data(
        admin_client.get(address),
        **{
            "librarian-0-name": "Turanga Leela",
            "patron_set-0-name": "Robert Smith",
            "patron_set-1-name": "Jane Doe",
        },
    )
    assert admin_client.post(address, data).status_code == 302
    assert Librarian.objects.get().name == "Turanga Leela"
    names = Patron.objects.order_by("name").values_list("name", flat=True)
    assert list(names) == ["Jane Doe", "Robert Smith"]


def test_a_library_takes_one_librarian(admin_client, main):
    page = admin_client.get(url(Library, "change", main.pk))
    formset = page.context["inline_admin_formsets"][0].formset
    assert (formset.total_form_count(), formset.max_num) == (1, 1)


@pytest.mark.parametrize("may", [[], ["view"], ["change"], ["add"], ["delete"]], ids=str)
def test_inlines_follow_the_permissions_for_patrons(client, main, may):
    permissions = ["library.change_library", *(f"library.{action}_patron" for action in may)]
    client.force_login(make_user(permissions=permissions))
    page = client.get(url(Library, "change", main.pk))
    shown = [inline.opts.model for inline in page.context["inline_admin_formsets"]]
    assert shown == ([Patron] if may else [])
    data = {
        "patron_set-TOTAL_FORMS": "2",
        "patron_set-INITIAL_FORMS": "1",
        "patron_set-0-id": main.patron_set.get().pk,
        "patron_set-0-library": main.pk,
        "patron_set-0-name": "Changed",
        "patron_set-1-library": main.pk,
        "patron_set-1-name": "Added",
    }
    if may in (["view"], ["delete"], ["change"]):
        data["patron_set-TOTAL_FORMS"] = "1"
    client.post(url(Library, "change", main.pk), form_data(page) | data)
    names = {
        "change": {"Changed"},
        "add": {"Bob Smith", "Added"},
    }.get(may[0] if may else None, {"Bob Smith"})
    assert set(Patron.objects.values_list("name", flat=True)) == names


def test_a_wrong_phone_number_state_or_zip_code_is_refused_in_words(admin_client, main):
    address = url(Library, "change", main.pk)
    data = form_data(admin_client.get(address), state="ZZ", zip_code="8542", phone_number="-4")
    errors = admin_client.post(address, data).context["adminform"].form.errors
    assert set(errors) == {"state", "zip_code", "phone_number"}
    assert "212-222-6559" in str(errors["phone_number"])
    assert "08542" in str(errors["zip_code"])


def test_a_phone_number_is_cleaned(admin_client, main):
    address = url(Library, "change", main.pk)
    data = form_data(admin_client.get(address), phone_number="(609) 924 9529")
    assert admin_client.post(address, data).status_code == 302
    main.refresh_from_db()
    assert main.phone_number == "609-924-9529"


def test_a_books_libraries_are_picked_from_two_panes(admin_client, main):
    book = Book.objects.get()
    other = make_library(name="Other")
    page = admin_client.get(url(Book, "change", book.pk))
    assert 'class="selectfilter"' in page.text
    data = form_data(page, libraries=[main.pk, other.pk])
    assert admin_client.post(url(Book, "change", book.pk), data).status_code == 302
    assert set(book.libraries.all()) == {main, other}


def test_the_site_bears_its_name(admin_client):
    page = admin_client.get(reverse("admin:index"))
    assert "Library back office" in page.text
    assert str(admin.site.index_title) in page.text
