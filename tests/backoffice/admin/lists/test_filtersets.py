"""The FilterSet in the list: its form, one parameter with one meaning, chips."""

import re
from html import unescape
from urllib.parse import parse_qsl

import pytest
from django.contrib import admin
from django.db import connection

from backoffice.querysets import related
from library.models import Book, Library, Patron
from tests.backoffice.admin.pages import perm, statements, url
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def branches():
    return [
        make_library(name=f"{name} Branch", state=state)
        for name, state in (("Apple", "NY"), ("Berry", "NJ"), ("Cherry", "NJ"))
    ]


def listed(response):
    return [str(row) for row in response.context["cl"].result_list]


def get(client, model, query=""):
    response = client.get(url(model, "changelist") + query)
    assert response.status_code == 200
    return response


def chips(response):
    """`{"State: New York": link}`."""
    found = re.findall(r'href="([^"]*)" aria-label="Remove ([^"]*)"', response.text)
    return {unescape(label): unescape(link) for link, label in found}


def test_the_form_filters_the_list(admin_client, branches):
    make_librarian(library=branches[1])
    assert listed(get(admin_client, Library, "?name=branch&librarian=yes")) == ["Berry Branch"]
    assert listed(get(admin_client, Library, "?librarian=no&state=NJ")) == ["Cherry Branch"]


def test_the_form_shows_what_is_filtered(admin_client, branches):
    page = get(admin_client, Library, "?name=berry&state=NJ&state=NY&o=2&q=branch")
    assert '<input type="text" name="name" value="berry"' in page.text
    assert '<option value="NJ" selected>' in page.text
    form = page.text.partition('id="filterset-form"')[2].partition("</form>")[0]
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', form)
    assert sorted(hidden) == [("o", "2"), ("q", "branch")]


def test_one_click_and_the_form_are_one_parameter(admin_client, branches):
    for branch in branches:
        make_patron(name=branch.name, library=branch)
    page = get(admin_client, Patron, "?library__state=NJ&name=e")
    assert listed(page) == ["Berry Branch", "Cherry Branch"]
    (spec,) = page.context["cl"].filter_specs
    choices = {str(c["display"]): c for c in spec.choices(page.context["cl"])}
    # Each state counts the patrons of that name, also those that are not chosen.
    assert list(choices) == ["All", "New Jersey (2)", "New York (1)"]
    assert choices["New Jersey (2)"]["selected"]
    assert choices["All"]["query_string"] == "?name=e"


def test_a_search_carries_every_value_along(admin_client, branches):
    page = get(admin_client, Library, "?state=NY&state=NJ&name=branch")
    form = page.text.partition('id="changelist-search"')[2].partition("</form>")[0]
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', form)
    assert sorted(hidden) == [("name", "branch"), ("state", "NJ"), ("state", "NY")]


def test_blank_fields_have_no_part_in_links(admin_client, branches):
    page = get(admin_client, Library, "?name=&librarian=&patron_count_min=&zip_code=1&o=1")
    assert page.context["cl"].get_query_string() == "?o=1&zip_code=1"
    page = get(admin_client, Library, "?state=&state=NJ")
    assert listed(page) == ["Berry Branch", "Cherry Branch"]
    assert set(chips(page)) == {"State: New Jersey"}
    page = get(admin_client, Library, "?name=&librarian=&state=")
    assert not chips(page)
    assert len(listed(page)) == 3


def test_a_popup_stays_one(admin_client, branches):
    page = get(admin_client, Library, "?_popup=1&_to_field=id&name=berry")
    assert listed(page) == ["Berry Branch"]
    assert '<input type="hidden" name="_popup" value="1">' in page.text
    assert all("_popup=1" in link for link in chips(page).values())
    assert 'id="save-filter"' not in page.text


def test_rows_are_those_that_the_admin_shows(admin_client, branches, monkeypatch):
    monkeypatch.setattr(
        admin.site.get_model_admin(Library),
        "get_queryset",
        lambda request: Library.objects.exclude(name="Berry Branch"),
    )
    for few in (0, related.FEW):
        monkeypatch.setattr(related, "FEW", few)
        page = get(admin_client, Library, "?name=branch&state=NJ")
        assert listed(page) == ["Cherry Branch"]
        assert page.context["cl"].full_result_count == 2


def test_actions_are_for_the_rows_of_the_filter(admin_client, branches):
    keys = [branch.pk for branch in branches]
    data = {"action": "delete_selected", "_selected_action": keys, "select_across": "1"}
    page = admin_client.post(url(Library, "changelist") + "?name=berry", data)
    assert "Berry Branch" in page.text
    assert "Apple Branch" not in page.text


def test_an_unknown_filter_shows_all_and_says_so(admin_client, branches):
    response = admin_client.get(url(Library, "changelist") + "?nome=x", follow=True)
    assert listed(response) == [branch.name for branch in branches]
    assert "no such filter" in response.text


def test_whoever_may_not_view_patrons_has_no_filter_by_them(client, branches):
    client.force_login(make_user(permissions=["library.view_library"]))
    page = get(client, Library, "?name=berry")
    assert "patron_count" not in page.text
    response = client.get(url(Library, "changelist") + "?patron_count_min=1", follow=True)
    assert "no such filter" in response.text


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (Library, "book={book}"),
        (Library, "book__id__exact={book}"),
        (Library, "librarian=1"),
        (Library, "librarian__isnull=True"),
        (Book, "libraries={library}"),
        (Book, "libraries__state=NY"),
        (Book, "libraries__state__isnull=True"),
    ],
)
@pytest.mark.parametrize("page", ["changelist", "export"])
def test_no_address_means_another_filter_for_others(client, branches, model, query, page):
    """Django would take the title of a book for its primary key."""
    book = make_book(title="Zero", libraries=branches[:1])
    make_book(title=str(book.pk), libraries=branches[1:2])
    query = query.format(book=book.pk, library=branches[0].pk)
    client.force_login(make_user(permissions=[perm("view", model), perm("export", model)]))
    response = client.get(f"{url(model, page)}?{query}", follow=True)
    assert len(listed(response)) == model.objects.count()
    assert "no such filter" in response.text


def test_a_click_leads_by_no_rows_that_one_may_not_view(client, branches):
    make_book(libraries=branches)
    for permissions, number in (["view_book"], 0), (["view_book", "view_library"], 1):
        client.force_login(make_user(permissions=[f"library.{name}" for name in permissions]))
        page = get(client, Book)
        assert len(page.context["cl"].filter_specs) == number
        assert ("libraries__state" in page.text) == bool(number)


@pytest.mark.parametrize("parameter", ["name", "q"])
def test_capitals_are_passed_over_as_the_database_knows_them(admin_client, parameter):
    make_library(name="École Élémentaire")
    assert listed(get(admin_client, Library, f"?{parameter}=COLE"))
    knows_all = connection.vendor == "postgresql"
    assert bool(listed(get(admin_client, Library, f"?{parameter}=école"))) == knows_all


# Chips ------------------------------------------------------------------------------------


def test_chips_name_what_is_active_and_take_it_away(admin_client, branches):
    query = "?state=NY&state=NJ&name=br&patron_count_max=3&librarian=no&q=branch&o=2"
    active = chips(get(admin_client, Library, query))
    assert set(active) == {
        "Librarian: None",
        "Name contains: br",
        "Number of patrons to: 3",
        "State: New York",
        "State: New Jersey",
        "Search: branch",
    }
    everything = set(parse_qsl(query[1:]))
    removed = {label: everything - set(parse_qsl(link[1:])) for label, link in active.items()}
    assert removed["State: New York"] == {("state", "NY")}
    assert removed["Search: branch"] == {("q", "branch")}
    assert removed["Number of patrons to: 3"] == {("patron_count_max", "3")}


def test_clear_all_leaves_the_order(admin_client, branches):
    page = get(admin_client, Library, "?state=NY&name=x&q=branch&o=2")
    assert '<a class="clear-all" href="?o=2">Clear</a>' in page.text


def test_a_one_click_filter_has_a_chip(admin_client, branches):
    make_book(title="Nowhere")
    page = get(admin_client, Book, "?libraries__state__isnull=True")
    assert listed(page) == ["Nowhere"]
    assert set(chips(page)) == {"state: none"}


def test_a_value_that_can_t_be_has_a_chip_too(admin_client, branches):
    page = get(admin_client, Library, "?state=ZZ&patron_count_min=%3Cb%3E")
    assert set(chips(page)) == {"State: ZZ", "Number of patrons from: <b>"}
    assert "<b>" not in page.text.partition('class="chips"')[2]


# What it costs ----------------------------------------------------------------------------


def test_few_rows_are_looked_for_once(admin_client, branches):
    plain = statements(admin_client, url(Library, "changelist"))
    # The keys; and the count of all rows, where that of the list is known from the keys.
    assert statements(admin_client, url(Library, "changelist") + "?name=berry") == plain + 1


def test_many_rows_are_not_named_by_keys(admin_client, branches, monkeypatch):
    monkeypatch.setattr(related, "FEW", 2)
    page = get(admin_client, Library, "?name=branch")
    assert len(listed(page)) == 3
    assert " IN (" not in str(page.context["cl"].queryset.query)


def test_a_value_that_the_database_refuses_leads_back(admin_client, monkeypatch):
    def refuse(*args):
        raise OverflowError

    monkeypatch.setattr(related, "few_keys", refuse)
    response = admin_client.get(url(Library, "changelist") + "?name=x")
    assert response.url.endswith("?e=1")
