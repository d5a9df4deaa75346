"""Columns that users choose, in their order, and views that lists open with."""

import html
import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from backoffice.admin.lists.choice import name_of, tidied
from backoffice.filters.models import SavedFilter
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import perm, url
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

LIBRARIES = "/admin/library/library/"


def columns(response):
    return list(map(name_of, response.context["cl"].list_display))[1:]


def names(response):
    return [row.name for row in response.context["cl"].result_list]


def test_a_list_has_the_columns_of_its_address_in_their_order(admin_client):
    make_library()
    page = admin_client.get(LIBRARIES + "?_columns=phone_number.name.book_count")
    assert columns(page) == ["phone_number", "name", "book_count"]
    assert page.context["cl"].list_display_links == ["name"]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("state.nonsense", "name.state"),  # what leads to the row can't be hidden
        ("state.state.name", "state.name"),
        ("name.password", "name"),
        ("name&_columns=state", "name.state"),
    ],
)
def test_columns_that_are_not_there_leave_the_address(admin_client, asked, shown):
    response = admin_client.get(f"{LIBRARIES}?_columns={asked}&state=NY")
    query = QueryDict(response.url.partition("?")[2])
    assert (query["_columns"], query["state"]) == (shown, "NY")


def test_nothing_chosen_is_the_list_as_it_is_declared(admin_client):
    assert admin_client.get(f"{LIBRARIES}?_columns=nonsense").url == f"{LIBRARIES}?_view=all"


def test_the_form_chooses_orders_and_keeps_what_is_sorted_by(admin_client):
    form = {
        "state": "NY",
        "o": "3.-2.8",  # state, address, books
        "_columns_were": "",
        "_columns": ["name", "state", "book_count", "zip_code"],
        "_place-zip_code": "1",
        "_place-name": "2",
        "_place-book_count": "3",
        "_place-state": "x",
    }
    response = admin_client.get(LIBRARIES, form)
    query = QueryDict(response.url.partition("?")[2])
    assert query.dict() == {
        "state": "NY",
        "o": "state.book_count",
        "_columns": "zip_code.name.book_count.state",
    }


@pytest.mark.parametrize("order", ["9", "-", "x.1", "9" * 400, "-0", "1.-1"])
def test_any_order_can_be_carried_over(order):
    query = QueryDict(mutable=True)
    query.update({"o": order, "_columns_were": "a.b", "_columns": "b.a"})
    tidy = tidied(query, ["a", "b"], ["a", "b"], ["a"])
    assert tidy.get("o", "") in ("", "a", "-a")


def test_the_rows_are_sorted_by_the_column_that_is_shown(admin_client):
    busy, quiet = make_library(name="A busy one"), make_library(name="Quiet")
    make_patron(library=busy)
    page = admin_client.get(LIBRARIES + "?_columns=name.patron_count&o=2")
    assert names(page) == [quiet.name, busy.name]


def test_a_hidden_column_costs_no_statement(admin_client):
    make_patron()

    def counted(query):
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(LIBRARIES + query)
        return [q["sql"] for q in queries]

    everything, some = counted(""), counted("?_columns=name.state.book_count")
    assert len(some) == len(everything) - 1
    assert not any("library_patron" in sql for sql in some)


def test_nobody_chooses_a_column_that_they_may_not_see(client):
    client.force_login(make_user(permissions=[perm("view", Library), perm("view", Book)]))
    page = client.get(LIBRARIES + "?_columns=name.patron_count.book_count", follow=True)
    shown = list(map(name_of, page.context["cl"].list_display))
    assert "patron_count" not in shown
    assert "book_count" in shown
    assert "_columns" in page.text
    assert 'value="patron_count"' not in page.text


def test_more_columns_are_fields_that_a_resource_has(admin_client, monkeypatch):
    make_patron()
    from django.contrib import admin

    monkeypatch.setattr(admin.site.get_model_admin(Patron), "list_display", ("name",))
    page = admin_client.get(url(Patron, "changelist"))
    assert 'name="_columns" value="library"' in page.text
    with CaptureQueriesContext(connection) as few:
        admin_client.get(url(Patron, "changelist") + "?_columns=name.library")
    make_patron()
    make_patron()
    with CaptureQueriesContext(connection) as many:
        admin_client.get(url(Patron, "changelist") + "?_columns=name.library")
    assert len(few) == len(many)


# Views ------------------------------------------------------------------------------------


def save(client, query, **data):
    return client.post(f"{LIBRARIES}save-filter/?{query}", {"name": "Mine", **data})


def test_a_view_keeps_columns_and_may_open_the_list(admin_client):
    make_library(name="Ours", state="NJ")
    make_library(name="Theirs", state="NY")
    query = "_columns=name.zip_code&o=-1&state=NJ"
    save(admin_client, query, start="on")
    saved = SavedFilter.objects.get()
    assert (saved.query, saved.start) == (query, True)
    opened = admin_client.get(LIBRARIES)
    assert opened.url == f"{LIBRARIES}?_view=start&{query}"
    page = admin_client.get(opened.url)
    assert (columns(page), names(page)) == (["name", "zip_code"], ["Ours"])
    assert names(admin_client.get(LIBRARIES + "?_view=all")) == ["Ours", "Theirs"]


def test_clear_does_not_lead_back_to_the_start_view(admin_client):
    save(admin_client, "state=NJ", start="on")
    page = admin_client.get(LIBRARIES + "?state=NY")
    assert page.context["cl"].cleared == "?_view=all"
    assert [link for _label, _text, link in page.context["cl"].chips] == ["?_view=all"]


def test_one_view_opens_the_list(admin_client, admin_user):
    save(admin_client, "state=NJ", start="on")
    save(admin_client, "state=NY", name="Other", start="on")
    save(admin_client, "state=TX", name="Third")
    assert [saved.name for saved in SavedFilter.objects.filter(start=True)] == ["Other"]
    save(admin_client, "state=OH", name="Other", start="", replace="on")
    assert admin_client.get(LIBRARIES).status_code == 200


def test_a_shared_view_opens_its_owners_list_alone(client, admin_client):
    save(admin_client, "state=NJ", shared="on", start="on")
    client.force_login(make_user(permissions=[perm("view", Library)]))
    assert client.get(LIBRARIES).status_code == 200


def test_views_that_are_handed_over_open_nothing(admin_client, admin_user):
    heir = make_user(username="heir")
    for user in (User.objects.get(username="admin"), heir):
        SavedFilter.objects.create(
            user=user, model="library.Library", name="X", query="state=NJ", start=True
        )
    SavedFilter.objects.filter(user=admin_user).hand_over(heir)
    starting = SavedFilter.objects.filter(start=True)
    assert [saved.user for saved in starting] == [heir]


def test_a_book_of_nowhere_is_found_by_its_columns(admin_client):
    make_book(title="Nowhere")
    page = admin_client.get(url(Book, "changelist") + "?_columns=title&q=nowhere")
    assert page.context["cl"].result_count == 1


@pytest.mark.parametrize(
    "rights", [(), ("change",), ("export",)], ids=["view", "edit", "export"]
)
@pytest.mark.parametrize("query", ["", "_columns=zip_code.book_count.name.patron_count.state"])
def test_each_header_sorts_by_its_own_column(client, rights, query):
    first, second = (
        make_library(name="A", address="9 Street", state="NJ", zip_code="20000"),
        make_library(name="B", address="1 Street", state="AK", zip_code="10000"),
    )
    Library.objects.update(phone_number="212-222-6559")
    Library.objects.filter(pk=second.pk).update(phone_number="201-222-6559")
    make_patron(library=first)
    make_book(libraries=[first])
    make_librarian(name="Z", library=first), make_librarian(name="Y", library=second)
    rows = {first: 0, second: 1}
    models = (Library, Patron, Book, Librarian)
    allowed = [perm(right, model) for right in ("view", *rights) for model in models]
    client.force_login(make_user(permissions=allowed))
    page = client.get(f"{LIBRARIES}?{query}")
    shown = list(map(name_of, page.context["cl"].list_display))
    assert ("action_checkbox" in shown) == bool(rights)
    headers = re.findall(r'<th scope="col"[^>]*column-(\w+).*?</th>', page.text, re.S)
    assert headers == [name for name in shown if name != "action_checkbox"]
    for name in headers:
        (head,) = re.findall(rf'<th scope="col"[^>]*column-{name}\b.*?</th>', page.text, re.S)
        (address,) = re.findall(r'<a href="([^"]*\bo=[^"]*)"', head)
        once = client.get(LIBRARIES + html.unescape(address))
        cl = once.context["cl"]
        place, direction = next(iter(cl.get_ordering_field_columns().items()))
        assert name_of(cl.list_display[place]) == name
        found = [rows[row] for row in cl.result_list]
        # All but the name are the other way round in the two.
        upwards = [0, 1] if name == "name" else [1, 0]
        assert found == (upwards if direction == "asc" else upwards[::-1]), name


@pytest.mark.parametrize("rights", [(), ("change",)])
def test_what_is_sorted_by_stays_when_columns_move(client, rights):
    make_library(name="A", zip_code="20000"), make_library(name="B", zip_code="10000")
    allowed = [perm(right, Library) for right in ("view", *rights)]
    client.force_login(make_user(permissions=allowed))
    form = {
        "o": "zip_code",
        "_columns_were": "",
        "_columns": ["name", "zip_code"],
        "_place-zip_code": "1",
        "_place-name": "2",
    }
    moved = client.get(LIBRARIES, form, follow=True)
    assert names(moved) == ["B", "A"]


@pytest.mark.parametrize("order", ["-zip_code.name", "-4.1"], ids=["by names", "by numbers"])
def test_an_address_sorts_alike_for_who_may_do_more_and_who_may_less(client, order):
    make_library(name="A", zip_code="10000"), make_library(name="B", zip_code="20000")
    make_library(name="C", zip_code="20000")
    for right in ("view", "change"):
        rights = [perm("view", Library), perm(right, Library)]
        client.force_login(make_user(username=right, permissions=rights))
        page = client.get(f"{LIBRARIES}?o={order}")
        assert names(page) == ["B", "C", "A"], right
        shown = list(map(name_of, page.context["cl"].list_display))
        assert ("action_checkbox" in shown) == (right == "change")
        assert [shown[place] for place in page.context["cl"].get_ordering_field_columns()] == [
            "zip_code",
            "name",
        ]


def test_an_order_by_what_one_may_not_see_is_none(client):
    make_library(name="B"), make_library(name="A")
    client.force_login(make_user(permissions=[perm("view", Library)]))
    page = client.get(LIBRARIES + "?o=-patron_count")
    assert names(page) == ["A", "B"]
