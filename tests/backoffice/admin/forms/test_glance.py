"""What a form's page says at a glance, its parts, and what is wrong in it."""

import pytest
from django.test import Client
from django.urls import reverse

from library.models import Book, Library, Patron
from tests.backoffice.admin.pages import form_data, url
from tests.factories import (
    limit,
    make_book,
    make_librarian,
    make_library,
    make_patron,
    make_user,
)

pytestmark = pytest.mark.django_db


def facts(answer):
    return {fact.label: (fact.text, fact.url) for fact in answer.context["glance"]}


@pytest.fixture
def library():
    return make_library(
        name="Main",
        address="1 New St",
        state="NY",
        zip_code="10016",
        phone_number="212-222-6559",
    )


def test_a_library_at_a_glance(admin_client, library):
    page = url(Library, "change", library.pk)
    found = facts(admin_client.get(page))
    assert found["Address"] == (
        "1 New St, NY, 10016",
        "https://www.openstreetmap.org/search?query=1+New+St%2C+NY%2C+10016",
    )
    assert found["Phone number"] == ("212-222-6559", "tel:2122226559")
    add = f"/admin/library/librarian/add/?library={library.pk}"
    assert found["Librarian"] == ("None yet – add", add)
    assert f'<option value="{library.pk}" selected>' in admin_client.get(add).text
    assert found["Patrons"][0] == found["Books"][0] == "0"
    keeper = make_librarian(name="Ann", library=library)
    for other in (library, library, make_library(name="Main", zip_code="10017")):
        make_patron(library=other)
    make_book(title="Emma", libraries=[library])
    found = facts(admin_client.get(page))
    assert found["Librarian"] == ("Ann", f"/admin/library/librarian/{keeper.pk}/change/")
    assert (found["Patrons"][0], found["Books"][0]) == ("2", "1")
    assert admin_client.get(found["Patrons"][1]).context["cl"].result_count == 2
    assert admin_client.get(found["Books"][1]).context["cl"].result_count == 1


def test_an_extension_is_dialled_apart(admin_client, library):
    Library.objects.update(phone_number="212-222-6559 x12")
    answer = admin_client.get(url(Library, "change", library.pk))
    assert facts(answer)["Phone number"][1] == "tel:2122226559;ext=12"


def test_the_parts_of_the_page_with_their_numbers(admin_client, library):
    make_patron(library=library)
    make_book(libraries=[library])
    answer = admin_client.get(url(Library, "change", library.pk))
    parts = [(part.label, part.number) for part in answer.context["sections"]]
    assert parts == [("Details", None), ("Books", 1), ("Librarian", None), ("Patrons", 1)]
    for part in answer.context["sections"]:
        assert f'id="{part.anchor}"' in answer.text


def test_whoever_may_only_view_gets_links_and_no_page_to_add(client, library):
    book = make_book(title="Emma", libraries=[library])
    rights = [f"library.view_{name}" for name in ("library", "librarian", "book")]
    client.force_login(make_user(permissions=rights))
    answer = client.get(url(Library, "change", library.pk))
    assert facts(answer)["Librarian"] == ("None yet", "")
    assert "Patrons" not in facts(answer)
    assert f'<li><a href="{url(Book, "change", book.pk)}">Emma</a></li>' in answer.text
    for part in answer.context["sections"]:
        assert f'id="{part.anchor}"' in answer.text


def test_one_librarian_is_one_also_to_whoever_may_only_view(client, library):
    make_librarian(library=library)
    make_patron(library=library)
    names = ("library", "librarian", "patron", "book")
    client.force_login(make_user(permissions=[f"library.view_{name}" for name in names]))
    answer = client.get(url(Library, "change", library.pk))
    parts = [part.label for part in answer.context["sections"]]
    assert parts == ["Details", "Books", "Librarian", "Patrons"]
    assert "Librarians\n" not in answer.text.partition("<main")[2]


def test_a_row_of_an_inline_is_edited_or_viewed(admin_client, library):
    patron = make_patron(library=library)
    row = f'<a href="{url(Patron, "change", patron.pk)}" class="inline{{}}link">{{}}</a>'
    page = url(Library, "change", library.pk)
    assert row.format("change", "Edit") in admin_client.get(page).text
    admin_client.post("/admin/language/", {"language": "es"})
    assert row.format("change", "Editar") in admin_client.get(page).text
    reader = Client()
    reader.force_login(make_user(permissions=["library.view_library", "library.view_patron"]))
    assert row.format("view", "View") in reader.get(page).text


def test_numbers_are_of_what_one_may_see(client, library):
    shared = make_book(libraries=[library, make_library()])
    client.force_login(limit(make_user(permissions=["library.view_book"]), library))
    answer = client.get(url(Book, "change", shared.pk))
    assert answer.status_code == 200
    assert answer.context["glance"] == []  # no right to view libraries
    user = make_user(permissions=["library.view_book", "library.view_library"])
    client.force_login(limit(user, library))
    assert facts(client.get(url(Book, "change", shared.pk)))["Libraries"][0] == "1"


def test_errors_are_summed_up_with_links_to_their_fields(admin_client, library):
    make_patron(name="Ann", library=library)
    page = url(Library, "change", library.pk)
    data = form_data(admin_client.get(page), zip_code="12", **{"patron_set-0-name": ""})
    answer = admin_client.post(page, data)
    assert '<a href="#id_zip_code">ZIP code</a>: Enter a ZIP code' in answer.text
    assert '<a href="#id_patron_set-0-name">Patron 1, Name</a>: ' in answer.text


def test_the_format_is_said_before_the_error(admin_client):
    text = admin_client.get(reverse("admin:library_library_add")).text
    assert "Five digits, as 08542, or nine, as 08542-3214." in text
    assert "Ten digits, as 212-222-6559" in text
