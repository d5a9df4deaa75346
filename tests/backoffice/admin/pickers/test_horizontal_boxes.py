"""The boxes of the picker: their rows, page by page, for whoever may ask."""

import json

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.admin.base import ModelAdmin
from backoffice.admin.pickers import autocomplete, links
from library.models import Book, Library
from tests.backoffice.admin.pages import model_admin, url
from tests.backoffice.admin.pickers.picking import (
    make_libraries,
    make_links,
    rows,
    staff,
    texts,
)
from tests.factories import make_book, make_library

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("few_are_many")]


# The view ---------------------------------------------------------------------------------


def test_the_boxes_are_paged_in_order(admin_client, book):
    libraries = make_libraries(250)
    make_links(book, libraries[:120])
    pages = [rows(admin_client, book, "chosen", page=page) for page in (1, 2, 3)]
    assert [len(texts(page)) for page in pages] == [100, 21, 0]
    assert [page.json()["pagination"]["more"] for page in pages] == [True, False, False]
    assert [page.json().get("count") for page in pages] == [121, None, None]
    assert texts(pages[0]) + texts(pages[1]) == ["Held", *map(str, libraries[:120])]
    available = texts(rows(admin_client, book, "available")) + texts(
        rows(admin_client, book, "available", page=2)
    )
    assert available == [str(library) for library in libraries[120:]]


def test_the_boxes_are_searched(admin_client, book):
    make_library(name="Seaford", zip_code="11783")
    assert texts(rows(admin_client, book, "available", term="seaf")) == ["Seaford"]
    assert texts(rows(admin_client, book, "available", term="11783")) == ["Seaford"]
    assert texts(rows(admin_client, book, "chosen", term="seaf")) == []
    assert rows(admin_client, book, "chosen", term="nothing").json()["count"] == 1
    assert rows(admin_client, book, "available", term="\x00seaf").status_code == 200


def test_what_is_chosen_is_searched_alone(admin_client, book):
    """Not all the rows that the word is in, of a million."""
    make_links(book, make_libraries(3))
    with CaptureQueriesContext(connection) as alone:
        assert texts(rows(admin_client, book, "chosen", term="held")) == ["Held"]
    searches = [query["sql"] for query in alone if "LIKE" in query["sql"]]
    assert len(searches) == 1
    assert "book_id" in searches[0]
    # As far as it goes: a book that is nearly everywhere is searched as the list is.
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(links, "FEW", 3)
        assert texts(rows(admin_client, book, "chosen", term="held")) == ["Held"]


def test_all_that_match_come_at_once_up_to_a_limit(admin_client, book, monkeypatch):
    make_libraries(150)
    answer = rows(admin_client, book, "available", all=1).json()
    assert len(answer["results"]) == 150
    assert not answer["pagination"]["more"]
    monkeypatch.setattr(autocomplete, "MAX_ALL", 149)
    answer = rows(admin_client, book, "available", all=1).json()
    assert len(answer["results"]) == 149
    assert answer["pagination"]["more"]


def test_a_new_book_has_all_available_and_none_chosen(admin_client, book):
    assert texts(rows(admin_client, None, "available", model=Book)) == ["Held"]
    assert texts(rows(admin_client, None, "chosen", model=Book)) == []


def test_the_other_side_has_its_boxes_too(admin_client, book):
    library = book.libraries.get()
    make_book(title="Emma")
    assert texts(rows(admin_client, library, "chosen")) == ["Dune"]
    assert texts(rows(admin_client, library, "available")) == ["Emma"]


def test_a_page_of_rows_takes_the_same_statements_for_few_and_for_many(admin_client, book):
    def costs():
        found = []
        for side in ("available", "chosen"):
            rows(admin_client, book, side)
            with CaptureQueriesContext(connection) as queries:
                rows(admin_client, book, side)
            found.append(len(queries))
        return found

    make_library()
    few = costs()
    make_links(book, make_libraries(1000)[:500])
    assert costs() == few


@pytest.mark.parametrize(
    ("permissions", "status"),
    [
        ((), 403),
        (("library.change_book",), 403),
        (("library.view_library",), 403),
        (("library.view_library", "library.view_book"), 403),
        (("library.view_library", "library.change_book"), 200),
    ],
)
def test_who_may_ask(client, book, permissions, status):
    staff(client, *permissions)
    for side in ("available", "chosen"):
        assert rows(client, book, side).status_code == status


def test_who_may_not_view_may_not_ask_when_there_are_few_either(client, book, monkeypatch):
    monkeypatch.setattr(model_admin(Book), "picker_max_rows", 500)
    staff(client, "library.change_book")
    assert rows(client, book, "available").status_code == 403
    staff(client, "library.change_book", "library.view_library")
    assert texts(rows(client, book, "chosen")) == ["Held"]


def test_who_is_not_signed_in_is_sent_away(client, book):
    assert rows(client, book, "available").status_code == 302


def test_a_new_books_boxes_are_for_whom_may_add_one(client, book):
    staff(client, "library.view_library", "library.change_book")
    assert rows(client, None, "available", model=Book).status_code == 403
    staff(client, "library.view_library", "library.add_book")
    assert rows(client, None, "available", model=Book).status_code == 200


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"page": "x"}, 404),
        ({"page": "0"}, 404),
        ({"page": "9" * 40}, 404),
        ({"object_id": "999999"}, 404),
        ({"object_id": "x"}, 404),
        ({"object_id": "9" * 40}, 404),
        ({"object_id": "1\x00"}, 404),
        ({"field": "title"}, 403),
        ({"field": "nothing"}, 403),
        ({"side": "left"}, 403),
    ],
)
def test_what_is_asked_amiss_is_refused(admin_client, book, parameters, status):
    parameters = {"side": "available"} | parameters
    assert rows(admin_client, book, **parameters).status_code == status


def test_a_related_admin_without_search_is_a_check_error(monkeypatch):
    class Wrong(ModelAdmin):
        filter_horizontal = ("libraries",)

    class Reverse(ModelAdmin):
        related_filter_horizontal = ("book_set",)

    for model in (Book, Library):
        monkeypatch.setattr(model_admin(model), "search_fields", ())
    for cls, model in ((Wrong, Book), (Reverse, Library)):
        assert "backoffice.E003" in [e.id for e in cls(model, admin.site).check()]


def test_what_was_picked_before_the_page_was_left_comes_back(admin_client, book):
    held, added, removed = book.libraries.get(), make_library(), make_library()
    address = url(Book, "picker", "libraries") + f"?object_id={book.pk}"

    def left(*, added, removed):
        packed = {"added": json.dumps(added), "removed": json.dumps(removed)}
        answer = admin_client.post(address, packed).json()
        return {side: [row["text"] for row in rows] for side, rows in answer.items()}

    assert left(added=[str(added.pk)], removed=[str(held.pk)]) == {
        "added": [added.name],
        "removed": ["Held"],
    }
    # Both were saved meanwhile.
    assert left(added=[str(held.pk)], removed=[str(removed.pk)]) == {"added": [], "removed": []}
    assert admin_client.post(address, {"added": "{"}).json() == {"added": [], "removed": []}
