"""Lists too long to be counted: counts, pages and sorting."""

import datetime
import re

import pytest
from django.contrib import admin
from django.contrib.admin.templatetags.admin_list import result_headers
from django.core.paginator import EmptyPage, PageNotAnInteger
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.admin.lists.paginator import Paginator
from backoffice.admin.records.changes import STATES
from backoffice.changes.models import Change
from backoffice.querysets import related
from backoffice.querysets.ordering import indexed_ordering, walked
from backoffice.trail.models import Entry
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.conftest import PER_PAGE
from tests.backoffice.admin.pages import statements, url
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_library, make_patron

pytestmark = pytest.mark.django_db


def names(response):
    return [str(row) for row in response.context["cl"].result_list]


def page(client, model, **params):
    return client.get(url(model, "changelist"), params)


# Pages ----------------------------------------------------------------------------------


def test_pages_lead_from_both_ends_over_every_row(admin_client, libraries, long):
    expected = [library.name for library in libraries]
    forwards = [n for p in range(1, 6) for n in names(page(admin_client, Library, p=p))]
    assert forwards == expected
    last, before = (names(page(admin_client, Library, p=p)) for p in (-1, -2))
    assert (before + last) == expected[-10:]


def test_a_long_list_says_what_it_knows_and_links_to_its_last_page(
    admin_client, libraries, long
):
    response = page(admin_client, Library)
    text = re.sub(r"\s+", " ", response.text)
    count = response.context["cl"].result_count
    # PostgreSQL says what autovacuum saw last, which is of other tests as well.
    known = r"about [\d,]+" if connection.vendor == "postgresql" else "about 24"
    assert re.fullmatch(rf"10\+|{known}", str(count))
    assert f"{count} libraries" in text
    assert 'href="?p=-1">last</a>' in text
    assert f"Choose all {count}" in text
    response = page(admin_client, Library, p=-1)
    assert response.context["cl"].page_num == -1
    assert 'href="?p=-2">last − 1</a>' in response.text


@pytest.mark.parametrize("number", ["6", "-6", "0", "999999999999999999999"])
def test_a_page_that_is_not_there_leads_back_to_the_list(admin_client, libraries, long, number):
    assert page(admin_client, Library, p=number).url.endswith("?e=1")


@pytest.mark.parametrize("number", ["x", "1.5", ""])
def test_what_is_no_page_number_is_the_first_page(admin_client, libraries, long, number):
    assert names(page(admin_client, Library, p=number))[0] == "Branch 00"


def test_a_paginator_refuses_what_is_no_page(libraries, long):
    pages = Paginator(Library.objects.order_by("pk"), PER_PAGE)
    with pytest.raises(EmptyPage):
        pages.page(0)
    with pytest.raises(PageNotAnInteger):
        pages.page("x")


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (1, "1 2 3 4 … last"),
        (7, "1 2 3 4 5 6 7 8 9 10 … last"),
        (8, "1 2 … 5 6 7 8 9 10 11 … last"),
        (-1, "1 2 … last − 3 last − 2 last − 1 last"),
        (-9, "1 2 … last − 11 last − 10 last − 9 last − 8 last − 7 last − 6 last − 5 … last"),
    ],
)
def test_which_pages_are_linked(libraries, long, number, shown):
    pages = Paginator(Library.objects.order_by("pk"), PER_PAGE).get_elided_page_range(number)
    texts = [p.__html__() if hasattr(p, "__html__") else str(p) for p in pages]
    assert " ".join(texts) == shown


def test_a_short_list_pages_as_ever(admin_client, libraries, monkeypatch):
    monkeypatch.setattr(admin.site.get_model_admin(Library), "list_per_page", PER_PAGE)
    response = page(admin_client, Library, p=5)
    assert names(response) == [library.name for library in libraries[20:]]
    assert "24 libraries" in response.text


@pytest.mark.parametrize(
    ("number", "first"), [("6", 20), ("9" * 21, 20), ("-1", 20), ("-2", 15), ("-9", 0)]
)
def test_of_a_short_list_a_page_that_has_gone_is_the_last(
    admin_client, libraries, monkeypatch, number, first
):
    """Where its rows are deleted, and where a long list has become a short one."""
    monkeypatch.setattr(admin.site.get_model_admin(Library), "list_per_page", PER_PAGE)
    response = page(admin_client, Library, p=number)
    assert names(response)[0] == f"Branch {first:02}"
    assert response.context["cl"].page_num == first // PER_PAGE + 1


# Order ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "ordering", "expected"),
    [
        (Library, ["name"], ["name", "zip_code", "pk"]),
        (Library, ["-name"], ["-name", "-zip_code", "-pk"]),
        (Library, ["state"], ["state", "name", "pk"]),
        (Library, ["name", "zip_code", "pk"], ["name", "zip_code", "pk"]),
        (Library, ["pk"], ["pk"]),
        (Patron, ["name"], ["name", "library_id", "pk"]),
        (Patron, ["library_id"], ["library_id", "name", "pk"]),
        (Book, ["-title"], ["-title", "-pk"]),
        (Loan, ["number"], ["number", "pk"]),
        (Library, ["address"], None),
        (Library, ["name", "-pk"], None),
        (Library, ["name", "address"], None),
        (Patron, ["library"], None),
        (Patron, ["library__name"], None),
        (Library, [], None),
    ],
)
def test_an_order_is_continued_as_its_index_is(model, ordering, expected):
    assert indexed_ordering(model, ordering) == expected


@pytest.mark.parametrize("model", [Library, Patron, Librarian, Book])
@pytest.mark.parametrize("sign", ["", "-"])
def test_the_order_of_a_list_is_that_of_an_index(admin_client, model, sign, libraries):
    """Both databases walk the index and sort nothing."""
    make_book(libraries=libraries)
    response = page(admin_client, model, o=f"{sign}1")
    queryset = response.context["cl"].queryset.select_related(None)[:5]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_incremental_sort = off")
        assert "Sort" not in queryset.explain()
    else:
        assert "TEMP B-TREE" not in queryset.explain()


def headers(response):
    return {str(h["text"]): h["sortable"] for h in result_headers(response.context["cl"])}


def test_a_long_list_is_sorted_by_indexed_columns_alone(admin_client, libraries, long):
    response = page(admin_client, Library, o="-1")
    assert names(response)[0] == "Branch 23"
    assert [text for text, sortable in headers(response).items() if sortable] == [
        "name",
        "state",
    ]


@pytest.mark.parametrize("order", ["2", "-6", "7", "2.1"])
def test_another_order_is_passed_over_with_a_word(admin_client, libraries, long, order):
    response = page(admin_client, Library, o=order)
    assert names(response)[0] == "Branch 00"
    assert "too long to sort by this column" in response.text
    assert "o=" not in response.context["cl"].get_query_string()


def test_a_long_list_that_is_filtered_to_few_rows_sorts_by_all(admin_client, libraries, long):
    response = page(admin_client, Library, o="-4", state="NJ")
    assert names(response)[0] == "Branch 20"
    assert headers(response)["ZIP code"]


# Filters --------------------------------------------------------------------------------


def offered(response):
    changelist = response.context["cl"]
    (spec,) = changelist.filter_specs
    return [str(choice["display"]) for choice in spec.choices(changelist)]


def test_a_long_list_counts_each_state_to_a_bound(admin_client, libraries, long):
    make_library(state="CO")
    response = page(admin_client, Library)
    assert offered(response) == ["All", "Colorado (1)", "New Jersey (3+)", "New York (3+)"]


def test_a_long_list_that_is_searched_offers_states_without_counts(
    admin_client, libraries, long
):
    assert offered(page(admin_client, Library, q="Branch")) == ["All", "New Jersey", "New York"]
    # One that few rows fit is as a short list is.
    assert offered(page(admin_client, Library, q='"Branch 04"')) == ["All", "New Jersey (1)"]


@pytest.mark.parametrize("make", [make_patron, lambda library: make_book(libraries=[library])])
def test_a_state_two_tables_away_is_counted_and_filtered(admin_client, libraries, long, make):
    rows = [make(library=library) for library in libraries]
    model = type(rows[0])
    path = "library__state" if model is Patron else "libraries__state"
    assert offered(page(admin_client, model))[1:3] == ["New Jersey (3+)", "New York (3+)"]
    found = set()
    for number in (1, 2, -1):
        response = page(admin_client, model, p=number, **{path: "NJ"})
        found |= set(names(response))
    assert found == {str(rows[n]) for n in range(0, 24, 4)}
    assert str(response.context["cl"].result_count) == "4+"


def test_a_state_of_few_libraries_is_found_by_their_keys(admin_client, libraries, long):
    far = make_library(state="HI")
    patrons = [make_patron(library=far) for _ in range(3)]
    for library in libraries:
        make_patron(library=library)
    response = page(admin_client, Patron, library__state="HI")
    assert names(response) == sorted(p.name for p in patrons)
    assert response.context["cl"].result_count.is_exact


def test_a_book_in_several_libraries_of_a_state_is_listed_once(admin_client, libraries, long):
    book = make_book(libraries=libraries)
    response = page(admin_client, Book, libraries__state="NY")
    assert names(response) == [str(book)]
    assert response.context["cl"].result_count == 1


def test_values_that_no_row_has_any_more_and_rows_that_lead_nowhere(
    admin_client, libraries, long
):
    books = [make_book(libraries=libraries[:1]) for _ in range(12)]
    nowhere = make_book()
    assert offered(page(admin_client, Book))[-1] == "-"
    response = page(admin_client, Book, libraries__state__isnull="True")
    assert names(response) == [str(nowhere)]
    response = page(admin_client, Book, libraries__state="NJ")
    assert set(names(response)) <= {str(book) for book in books}


def test_a_filter_without_an_index_offers_its_choices(admin_client, superuser, long):
    Change.objects.bulk_create(
        Change(model="library.Library", title="f.csv", status="done") for _ in range(12)
    )
    changelist = page(admin_client, Change).context["cl"]
    spec = next(s for s in changelist.filter_specs if s.title == "status")
    labels = [str(choice["display"]) for choice in spec.choices(changelist)]
    assert labels == ["All", *sorted(str(words) for words, _tone in STATES.values())]


# Dates ----------------------------------------------------------------------------------


@pytest.fixture
def entries(long):
    for year, number in ((2024, 12), (2026, 4)):
        for n in range(number):
            Entry.objects.create(
                action="add",
                object_name=f"{year} {n}",
                at=datetime.datetime(year, 3, n + 1, 12, tzinfo=datetime.UTC),
            )


@pytest.mark.parametrize(
    ("query", "links"),
    [
        ({}, ["2024", "2025", "2026"]),
        ({"at__year": 2026}, ["January", "December"]),
        ({"at__year": 2026, "at__month": 2}, ["February 1", "February 28"]),
        ({"at__year": 2025}, ["January", "December"]),
        ({"at__year": 2026, "at__month": 3, "at__day": 2}, []),
    ],
)
def test_a_long_list_offers_all_dates_between_its_ends(admin_client, entries, query, links):
    text = page(admin_client, Entry, **query).text
    for link in links:
        assert re.search(rf">\s*{link}( 20\d\d)?\s*</a>", text), link


@pytest.mark.parametrize(
    "query",
    [{"at__year": year} for year in ("x", "9999", "0", "9" * 30)] + [{"at__month": "13"}],
)
def test_a_date_that_is_none_breaks_nothing(admin_client, entries, query):
    assert page(admin_client, Entry, **query).status_code in (200, 302)


@pytest.mark.parametrize("page_name", ["changelist", "export", "save_filter"])
@pytest.mark.parametrize(
    "lookup", ["id__range=1", "name__range=abc", "name__regex=(", "name__iregex=("]
)
def test_what_no_text_can_ask_for_is_refused(admin_client, lookup, page_name):
    response = admin_client.get(f"{url(Library, page_name)}?{lookup}")
    assert response.status_code == 400


@pytest.mark.parametrize("action", ["delete_selected", "edit_selected", "export_admin_action"])
def test_ticks_that_are_no_keys_are_refused(admin_client, action):
    library = make_library(name="Ticked")
    for key in ("abc", "\x00", "", "9" * 30):
        for ticked in ([key], [key, library.pk]):
            data = {"action": action, "_selected_action": ticked, "post": "yes"}
            page = admin_client.post(url(Library, "changelist"), data, follow=True)
            assert page.status_code == 200
            assert "are not in this list" in page.text
    assert Library.objects.get() == library


# Statements -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    ["", "?p=2", "?o=-1", "?state=NY", "?q=branch", "?q=branch&state=NY", "?q=zzz", "?o=2"],
)
def test_a_long_list_takes_as_many_statements_as_a_short_one(
    admin_client, libraries, monkeypatch, request, query
):
    monkeypatch.setattr(admin.site.get_model_admin(Library), "list_per_page", PER_PAGE)
    short = statements(admin_client, url(Library, "changelist") + query)
    request.getfixturevalue("long")
    many = statements(admin_client, url(Library, "changelist") + query)
    assert many == short


@pytest.mark.parametrize("order", ["", "-1", "3"])
def test_several_states_of_a_long_list_come_in_its_order(admin_client, long, libraries, order):
    make_library(name="Branch 99", state="CT")
    key = (lambda row: (row.state, row.name)) if order == "3" else (lambda row: row.name)
    expected = [str(row) for row in sorted(libraries, key=key, reverse=order == "-1")]
    states = {"state": ["NY", "NJ"], "o": order}
    assert names(page(admin_client, Library, **states)) == expected[:5]
    assert names(page(admin_client, Library, **states, p=3)) == expected[10:15]
    assert names(page(admin_client, Library, **states, p=-1)) == expected[-5:]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL knows how many there are")
def test_several_states_are_walked_past_and_not_sorted(libraries):
    rows = Library.objects.filter(state__in=["NY", "NJ"]).order_by("name", "zip_code", "pk")
    plan = walked(rows).explain()
    assert "library_name_zip" in plan
    assert "TEMP B-TREE" not in plan
    assert "TEMP B-TREE" in rows.explain()  # and what it was made of is as it was
    assert list(walked(rows)) == list(rows) == libraries


def test_a_long_list_that_the_form_leaves_many_rows_of_is_not_counted(
    admin_client, long, libraries
):
    with CaptureQueriesContext(connection) as queries:
        found = page(admin_client, Library, name="branch")
    assert str(found.context["cl"].result_count) == "4+"
    assert names(found) == [f"Branch {n:02}" for n in range(5)]
    assert not [q for q in queries if "count(*)" in q["sql"].lower() and "LIKE" in q["sql"]]


def test_a_short_list_that_the_form_leaves_many_rows_of_is_counted(
    admin_client, monkeypatch, libraries
):
    monkeypatch.setattr(related, "FEW", 4)
    assert str(page(admin_client, Library, name="branch").context["cl"].result_count) == "24"
