"""One search over everything: who finds what, in which order, in how many statements."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.admin.search import hits, records
from backoffice.admin.search.hits import Hit, Kind, provider
from backoffice.changes.models import Change
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

SEARCH = "/admin/search/"


def answer(client, term, **query):
    response = client.get(SEARCH, {"q": term, **query})
    assert response.status_code == 200
    return response


def kinds(client, term):
    """`{title: [text of a hit]}`, without the manual, which is for all."""
    found = answer(client, term).context["kinds"]
    return {
        str(kind.title): [hit.text for hit in kind.hits]
        for kind in found
        if kind.title != "Help"
    }


@pytest.fixture
def seaford():
    return make_library(
        name="Seaford Public Library", zip_code="11783", phone_number="516-221-1334"
    )


def test_records_of_all_kinds_are_found_by_their_names(admin_client, seaford):
    make_patron(name="Ann Seaford", library=seaford)
    make_librarian(name="Bob Seaford", library=seaford)
    make_book(title="Seaford, a history")
    make_user(username="clerk", first_name="Sea", last_name="Seaford")
    job = Change.objects.create(model="library.Library", title="seaford.csv", user=make_user())
    assert kinds(admin_client, "seaford") == {
        "Libraries": ["Seaford Public Library"],
        "Patrons": ["Ann Seaford"],
        "Librarians": ["Bob Seaford"],
        "Books": ["Seaford, a history"],
        "Users": ["clerk"],
        "Imports": [f"Import {job.pk}: seaford.csv"],
    }


def test_a_hit_leads_to_its_page_and_says_what_tells_it_apart(admin_client, seaford):
    twin = make_library(name=seaford.name, zip_code="19973", state="DE")
    (kind,) = answer(admin_client, "seaford").context["kinds"]
    page = url(Library, "change", twin.pk)
    assert Hit("Seaford Public Library", page, "19973, Delaware") in kind.hits
    ann = make_patron(name="Ann", library=seaford)
    (kind,) = answer(admin_client, "ann").context["kinds"]
    assert kind.hits == [
        Hit("Ann", url(Patron, "change", ann.pk), "Seaford Public Library, 11783")
    ]


@pytest.mark.parametrize(
    "term", ["516-221-1334", "(516) 221-1334", "+1 516 221 1334", "221-1334", "11783"]
)
def test_phone_numbers_in_any_spelling_and_zip_codes_are_found(admin_client, seaford, term):
    make_library(phone_number="212-555-0100", zip_code="80202")
    (kind,) = answer(admin_client, term).context["kinds"]
    (hit,) = kind.hits
    assert hit.text == "Seaford Public Library"
    assert "11783" in hit.detail
    if term != "11783":
        assert "516-221-1334" in hit.detail  # it says why


def test_names_that_begin_with_it_come_first_then_there_is_more(admin_client):
    for n in range(4):
        make_book(title=f"A Rivers {n}")
    for n in range(3):
        make_book(title=f"rivers {n}" if n % 2 else f"Rivers {n}")
    (kind,) = answer(admin_client, "rivers").context["kinds"]
    assert [hit.text for hit in kind.hits] == [
        "Rivers 0", "rivers 1", "Rivers 2", "A Rivers 0", "A Rivers 1",
    ]  # fmt: skip
    assert kind.more == f"{url(Book, 'changelist')}?q=rivers"
    assert len(admin_client.get(kind.more).context["cl"].result_list) == 7


def test_of_a_word_that_many_have_those_that_begin_with_it_are_found(admin_client, monkeypatch):
    monkeypatch.setattr(records, "CANDIDATES", 3)
    for n in range(30):
        make_book(title=f"The Rivers {n:02}")
    make_book(title="Rivers last")
    (kind,) = answer(admin_client, "rivers").context["kinds"]
    assert kind.hits[0].text == "Rivers last"
    assert len(kind.hits) == 5
    # Trigrams alone don't make a hit; none of the first candidates is one.
    make_book(title="aabca zbcdz")
    make_book(title="abcd", libraries=[])
    monkeypatch.setattr(records, "CANDIDATES", 0)
    assert kinds(admin_client, "bcd")["Books"]


def test_words_stand_in_any_order_and_in_any_field(admin_client, seaford):
    make_library(name="Seaford Annex", address="9 Elm Road")
    assert kinds(admin_client, "public SEAFORD") == {"Libraries": ["Seaford Public Library"]}
    assert kinds(admin_client, "elm seaford") == {"Libraries": ["Seaford Annex"]}
    assert kinds(admin_client, "zebra seaford") == {}


def test_a_text_too_short_for_an_index_is_the_beginning_of_a_name(admin_client):
    make_book(title="Go")
    make_book(title="Ergo")
    assert kinds(admin_client, "go")["Books"] == ["Go"]


@pytest.mark.parametrize("term", ["", "  ", "\x00", "%", "_", '"', "zebra", "'", "a" * 900])
def test_what_finds_nothing_is_said_or_asked_for(admin_client, seaford, term):
    page = answer(admin_client, term).content.decode()
    assert "Seaford" not in page
    assert ("Nothing found" in page) == bool(term.strip())


def test_only_what_one_may_see_is_found(client, seaford):
    make_patron(name="Ann Seaford", library=seaford)
    make_user(username="seaford")
    Change.objects.create(model="library.Library", title="seaford.csv", user=make_user())
    client.force_login(make_user(permissions=[perm("view", Patron)]))
    assert kinds(client, "seaford") == {"Patrons": ["Ann Seaford"]}
    client.force_login(make_user())
    assert kinds(client, "seaford") == {}


def test_only_what_lies_within_ones_limits_is_found(client, seaford):
    other = make_library(name="Seaford Annex")
    make_patron(name="Ann Seaford", library=seaford)
    make_patron(name="Seaford Bob", library=other)
    user = make_user(permissions=[perm("view", Patron), perm("view", Library)])
    client.force_login(limit(user, other))
    assert kinds(client, "seaford") == {
        "Libraries": ["Seaford Annex"],
        "Patrons": ["Seaford Bob"],
    }


@pytest.mark.parametrize(
    ("term", "text", "page"),
    [
        ("new library", "Add library", (Library, "add")),
        ("import patrons", "Import patrons", (Patron, "import")),
        ("IMPORT PATRON", "Import patrons", (Patron, "import")),
        ("deleted books", "Deleted books", (Book, "deleted")),
        ("export books", "Export books", (Book, "export")),
        ("libraries list", "Libraries", (Library, "changelist")),
    ],
)
def test_what_one_can_do_is_found_where_one_may(admin_client, client, term, text, page):
    found = answer(admin_client, term).context["kinds"][0]
    assert Hit(text, url(*page)) in found.hits
    client.force_login(make_user())
    assert kinds(client, term) == {}


def test_another_provider_is_asked(admin_client, monkeypatch):
    monkeypatch.setattr(hits, "_providers", [*hits._providers])

    @provider
    def manual(site, request, term):
        yield Kind("Manual", [Hit(f"About {term}", "/manual/")])

    assert kinds(admin_client, "zebra") == {"Manual": ["About zebra"]}


@pytest.mark.parametrize("term", ["library", "516-221-1334", "zebra"])
def test_the_statements_are_bounded_whatever_is_found(
    admin_client, django_assert_max_num_queries, term
):
    def counted():
        with CaptureQueriesContext(connection) as queries:
            answer(admin_client, term, part="1")
        return len(queries)

    counted()  # what the process remembers
    none = counted()
    for n in range(20):
        library = make_library(name=f"Library {n}", phone_number="516-221-1334")
        make_patron(name=f"Library {n}", library=library)
    sign_in = 2
    searched = sum(getattr(each, "in_search", True) and bool(each.search_fields)
                   for each in admin.site._registry.values())  # fmt: skip
    a_kind = 2 if connection.vendor == "postgresql" else 3
    assert none <= sign_in + 2 * searched
    assert counted() <= none + 2  # the rows of two kinds
    assert none + 2 <= sign_in + a_kind * searched


def test_a_part_is_a_piece_of_a_page(admin_client, seaford):
    part = answer(admin_client, "seaford", part="1").content.decode()
    assert "<html" not in part
    assert url(Library, "change", seaford.pk) in part
