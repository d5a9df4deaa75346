"""Columns that count related rows, and sorting by a click on a header."""

import pytest
from django.contrib import admin
from django.contrib.admin.templatetags.admin_list import result_headers
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.admin.lists import columns
from backoffice.admin.lists.columns import RelatedCount
from library.models import Book, Library, Patron
from tests.backoffice.admin.pages import perm, url
from tests.factories import (
    limit,
    make_book,
    make_librarian,
    make_library,
    make_patron,
    make_user,
)

pytestmark = pytest.mark.django_db


def column(response, name):
    """`{row: the number that the column shows}`."""
    changelist = response.context["cl"]
    shown = next(c for c in changelist.list_display if getattr(c, "__name__", c) == name)
    return {str(row): int(shown(row)) for row in changelist.result_list}


def sorted_by(client, model, header, *, descending=False):
    page = client.get(url(model, "changelist"))
    changelist = page.context["cl"]
    index = next(
        i for i, h in enumerate(result_headers(changelist)) if str(h["text"]) == header
    )
    address = f"{url(model, 'changelist')}?o={'-' if descending else ''}{index}"
    return [str(row) for row in client.get(address).context["cl"].result_list]


@pytest.fixture
def busy_and_quiet():
    busy, quiet = make_library(name="Busy"), make_library(name="Quiet")
    for _ in range(3):
        make_patron(library=busy)
    for _ in range(2):
        make_book(libraries=[busy])
    make_book(libraries=[busy, quiet])
    return busy, quiet


def test_patrons_and_books_are_counted_without_multiplying_each_other(
    admin_client, busy_and_quiet
):
    response = admin_client.get(url(Library, "changelist"))
    assert column(response, "patron_count") == {"Busy": 3, "Quiet": 0}
    assert column(response, "book_count") == {"Busy": 3, "Quiet": 1}


@pytest.mark.parametrize("few", [2, 10_000])
@pytest.mark.parametrize("limited", [False, True])
def test_rows_are_sorted_by_their_numbers_few_or_many(client, monkeypatch, few, limited):
    monkeypatch.setattr(columns, "FEW", few)
    branches = [make_library(name=f"Branch {n}") for n in range(4)]
    for branch, number in zip(branches, (2, 11, 0, 3), strict=True):
        for _ in range(number):
            make_patron(library=branch)
    user = make_user(permissions=[perm("view", model) for model in (Library, Book, Patron)])
    client.force_login(limit(user, *branches[:3]) if limited else user)
    response = client.get(url(Library, "changelist") + "?o=-7")
    order = ["Branch 1", "Branch 3", "Branch 0", "Branch 2"]
    shown = [row.name for row in response.context["cl"].result_list]
    assert shown == [name for name in order if not (limited and name == "Branch 3")]


def test_books_are_counted_by_their_links_alone(admin_client, busy_and_quiet):
    with CaptureQueriesContext(connection) as queries:
        admin_client.get(url(Library, "changelist"))
    (counted,) = [q["sql"] for q in queries if "GROUP BY" in q["sql"] and "book" in q["sql"]]
    assert "JOIN" not in counted


def test_a_branch_that_one_sees_has_no_titles_that_one_does_not(client, busy_and_quiet):
    """To look each of them up among all that the user may see took a minute of 1,000,000."""
    user = make_user(permissions=[perm("view", model) for model in (Library, Book, Patron)])
    client.force_login(limit(user, busy_and_quiet[1]))
    with CaptureQueriesContext(connection) as queries:
        response = client.get(url(Library, "changelist"))
    assert column(response, "book_count") == {"Quiet": 1}
    (counted,) = [q["sql"] for q in queries if "GROUP BY" in q["sql"] and "book" in q["sql"]]
    assert counted.count("SELECT") == 1


def test_a_list_sorts_by_the_counts(admin_client, busy_and_quiet):
    make_book(libraries=[make_library(name="Between"), busy_and_quiet[1]])
    assert sorted_by(admin_client, Library, "books") == ["Between", "Quiet", "Busy"]
    assert sorted_by(admin_client, Library, "books", descending=True)[0] == "Busy"
    assert sorted_by(admin_client, Library, "patrons", descending=True)[0] == "Busy"


def test_a_filtered_list_of_books_sorts_by_its_number_of_libraries(
    admin_client, busy_and_quiet
):
    response = admin_client.get(url(Book, "changelist"), {"libraries__state": "NY", "o": "-2"})
    numbers = list(column(response, "libraries_count").values())
    assert numbers == [2, 1, 1]


def test_related_columns_sort_by_name_and_not_by_key(admin_client):
    zoo, ark = make_library(name="Zoo"), make_library(name="Ark")
    make_patron(name="A", library=zoo)
    make_patron(name="B", library=ark)
    make_librarian(name="Zed", library=ark)
    make_librarian(name="Ann", library=zoo)
    assert sorted_by(admin_client, Patron, "library") == ["B", "A"]
    assert sorted_by(admin_client, Library, "librarian") == ["Zoo", "Ark"]


def test_the_library_list_has_its_columns(admin_client, busy_and_quiet):
    make_librarian(name="Philip J. Fry", library=busy_and_quiet[0])
    response = admin_client.get(url(Library, "changelist"))
    headers = [str(header["text"]) for header in result_headers(response.context["cl"])][1:]
    assert headers == [
        "name",
        "address",
        "state",
        "ZIP code",
        "phone number",
        "librarian",
        "patrons",
        "books",
    ]
    assert "Philip J. Fry" in response.text


def test_a_column_counts_what_the_related_admin_shows(
    admin_client, busy_and_quiet, monkeypatch
):
    patron_admin = admin.site.get_model_admin(Patron)
    one = Patron.objects.first()
    monkeypatch.setattr(
        patron_admin, "get_queryset", lambda request: Patron.objects.filter(pk=one.pk)
    )
    response = admin_client.get(url(Library, "changelist"))
    assert column(response, "patron_count") == {"Busy": 1, "Quiet": 0}


def test_a_column_is_left_out_for_whom_may_not_view_what_it_counts(client, busy_and_quiet):
    client.force_login(make_user(permissions=[perm("view", Library), perm("view", Book)]))
    response = client.get(url(Library, "changelist"))
    shown = [c for c in response.context["cl"].list_display if isinstance(c, RelatedCount)]
    assert [column.__name__ for column in shown] == ["book_count"]


@pytest.mark.parametrize("order", ["-99", "x", "1.-2.3.4.5.6.7.8", "", "9" * 400])
def test_any_order_in_the_address_gives_a_list(admin_client, busy_and_quiet, order):
    response = admin_client.get(url(Library, "changelist"), {"o": order})
    assert response.status_code == 200
