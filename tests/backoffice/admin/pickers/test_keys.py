"""What can be no key is said beside its field, or left out of an address: no error 500."""

import pytest
from django.contrib.auth.models import Group, User

from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import form_data, url
from tests.factories import make_book, make_librarian, make_library, make_patron

pytestmark = pytest.mark.django_db

NO_KEYS = ["abc", "9" * 25, "\0", "1,abc", " ", "-1"]


@pytest.mark.parametrize("value", NO_KEYS, ids=repr)
@pytest.mark.parametrize(
    ("model", "make", "name"),
    [
        (Patron, make_patron, "library"),
        (Librarian, make_librarian, "library"),
        (Book, make_book, "libraries"),
    ],
)
def test_a_form_says_it(admin_client, model, make, name, value):
    row = make()
    data = {"name": "x", "title": "x", name: value}
    for address in (url(model, "add"), url(model, "change", row.pk)):
        page = admin_client.post(address, data)
        assert page.status_code == 200
        assert name in page.context["adminform"].form.errors
    assert model.history.count() == 1


@pytest.mark.parametrize("value", NO_KEYS, ids=repr)
@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Patron, "library"),
        (Librarian, "library"),
        (Book, "libraries"),
        (Library, "book_set"),
        (User, "groups"),
        (Group, "permissions"),
    ],
)
@pytest.mark.parametrize("page", ["add", "changelist"])
def test_an_address_leaves_it_out(admin_client, model, name, value, page):
    response = admin_client.get(url(model, page), {name: value}, follow=True)
    assert response.status_code == 200


@pytest.mark.parametrize("value", NO_KEYS, ids=repr)
@pytest.mark.parametrize("step", ["_preview", "_apply"])
def test_a_bulk_edit_says_it(admin_client, value, step):
    patron = make_patron()
    data = {"action": "edit_selected", "_selected_action": patron.pk, "change": "library"}
    page = admin_client.post(
        url(Patron, "changelist"), data | {"edit-library": value, step: "1"}
    )
    assert page.status_code == 200
    assert "Select a valid choice" in page.text or "This field is required" in page.text


def test_an_address_fills_in_what_is_there(admin_client):
    library = make_library(name="Smithtown")
    page = admin_client.get(url(Patron, "add"), {"library": library.pk})
    assert f'<option value="{library.pk}" selected>Smithtown</option>' in page.text


# Users ----------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["", "Zq9x-ruby-4"])
def test_a_user_is_added_without_a_password(admin_client, typed):
    data = form_data(admin_client.get(url(User, "add")), username="ann")
    data |= {"usable_password": "false", "password1": typed, "password2": typed}
    assert admin_client.post(url(User, "add"), data).status_code == 302
    assert not User.objects.get(username="ann").has_usable_password()
