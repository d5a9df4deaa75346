"""A row that has no links already is saved without any; one that has some keeps one."""

import pytest

from library.models import Book
from tests.backoffice.admin.pages import form_data, url
from tests.factories import make_book, make_library

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[False, True], ids=["all on the page", "a page at a time"])
def picker(request):
    if request.param:
        request.getfixturevalue("few_are_many")
    return request.param


def post(client, page, **changes):
    address = page.wsgi_request.path
    return client.post(address, form_data(page, **changes))


def test_a_book_without_a_library_can_have_its_title_mended(admin_client, picker):
    book = make_book(title="Ponce", libraries=[make_library()])
    book.libraries.get().delete()
    page = admin_client.get(url(Book, "change", book.pk))
    assert not page.context["adminform"].form.fields["libraries"].required or picker
    assert post(admin_client, page, title="Ponce de León").status_code == 302
    book.refresh_from_db()
    assert (book.title, book.libraries.count()) == ("Ponce de León", 0)


def test_a_new_book_needs_a_library(admin_client, picker):
    make_library()
    page = admin_client.get(url(Book, "add"))
    done = post(admin_client, page, title="New", **{"libraries-added": "[]"})
    assert done.context["adminform"].form.errors["libraries"] == ["This field is required."]


def test_the_last_library_can_not_be_taken_away(admin_client, picker):
    library = make_library()
    book = make_book(libraries=[library])
    page = admin_client.get(url(Book, "change", book.pk))
    taken = {"libraries-removed": f'["{library.pk}"]', "libraries": []}
    done = post(admin_client, page, **taken)
    assert done.context["adminform"].form.errors["libraries"]
