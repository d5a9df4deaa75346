"""Search: several words in any order, the same in lists and autocomplete."""

import pytest
from django.contrib import admin
from django.db import connection

from backoffice.admin.lists import paginator, search
from backoffice.querysets import related
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import statements, url
from tests.factories import make_book, make_librarian, make_library, make_patron

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["few", "many"])
def rows_found(request, monkeypatch):
    """Once answered by keys, once by walking the list."""
    if request.param == "many":
        monkeypatch.setattr(search, "FEW", 0)
        monkeypatch.setattr(related, "FEW", 0)
    return request.param


@pytest.fixture
def rows(rows_found):
    seaford = make_library(name="Seaford Public Library", address="2234 Jackson Ave")
    denver = make_library(name="Denver “Main”", zip_code="80202", phone_number="303-555-0100")
    make_patron(name="Ann Smith", library=seaford)
    make_patron(name="Bob Smith", library=denver)
    make_librarian(name="Cleo 100%", library=seaford)
    make_book(title="Sea_Wolf", libraries=[seaford, denver])
    make_book(title="Sea Wolf", libraries=[seaford])


def found(client, model, query):
    response = client.get(url(model, "changelist"), {"q": query})
    assert response.status_code == 200
    return [str(row) for row in response.context["cl"].result_list]


@pytest.mark.parametrize(
    ("model", "query", "expected"),
    [
        (Library, "library seaford", ["Seaford Public Library"]),
        (Library, "SEA jackson", ["Seaford Public Library"]),
        (Library, "80202", ["Denver “Main”"]),
        (Library, "555-0100 denver", ["Denver “Main”"]),
        (Library, "3035550100", ["Denver “Main”"]),
        (Library, "(303) 555 0100", ["Denver “Main”"]),
        (Library, "+1 303.555.0100 denver", ["Denver “Main”"]),
        (Library, "main (303) 55", ["Denver “Main”"]),
        (Library, "5550100", ["Denver “Main”"]),
        (Library, "555.0100 80202", ["Denver “Main”"]),
        (Library, "(303) 555 0101", []),
        (Library, "seaford 303.555.0100", []),
        (Library, '"public library"', ["Seaford Public Library"]),
        (Library, '"library public"', []),
        (Library, "seaford denver", []),
        (Library, "   ", ["Denver “Main”", "Seaford Public Library"]),
        (Patron, "smith", ["Ann Smith", "Bob Smith"]),
        (Patron, "seaford smith", ["Ann Smith"]),
        (Patron, "library public", ["Ann Smith"]),
        (Patron, "ann denver", []),
        (Librarian, "100%", ["Cleo 100%"]),
        (Librarian, "%", ["Cleo 100%"]),
        (Book, "sea_wolf", ["Sea_Wolf"]),
        (Book, "wolf sea", ["Sea Wolf", "Sea_Wolf"]),
    ],
)
def test_words_are_found_in_any_field_and_order(admin_client, rows, model, query, expected):
    assert found(admin_client, model, query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "\x00",
        "'; DROP TABLE library_library; --",
        '"',
        "'",
        "\\",
        "%_%",
        "é" * 3000,
        "a " * 3000,
    ],
)
@pytest.mark.parametrize("model", [Library, Patron])
def test_a_hostile_search_breaks_nothing(admin_client, rows, model, query):
    assert isinstance(found(admin_client, model, query), list)


def autocomplete(client, term):
    source = {"app_label": "library", "model_name": "patron", "field_name": "library"}
    response = client.get("/admin/autocomplete/", source | {"term": term})
    assert response.status_code == 200
    return [result["text"] for result in response.json()["results"]]


def test_autocomplete_searches_as_the_list_does(admin_client, rows):
    assert autocomplete(admin_client, "library seaford") == ["Seaford Public Library"]
    assert autocomplete(admin_client, "") == ["Denver “Main”", "Seaford Public Library"]
    assert autocomplete(admin_client, "\x00") == []


def test_autocomplete_goes_on_past_the_rows_that_are_named_by_their_keys(admin_client):
    names = {str(make_library(name=f"Sea {n:03}")) for n in range(130)}
    source = {"app_label": "library", "model_name": "patron", "field_name": "library"}
    found, page, more = [], 0, True
    while more:
        page += 1
        answer = admin_client.get(
            "/admin/autocomplete/", source | {"term": "sea", "page": page}
        )
        found += [result["text"] for result in answer.json()["results"]]
        more = answer.json()["pagination"]["more"]
    assert page < 10
    assert sorted(found) == sorted(names)


def test_a_search_stays_within_what_the_admin_shows(admin_client, rows, monkeypatch):
    monkeypatch.setattr(
        admin.site.get_model_admin(Patron),
        "get_queryset",
        lambda request: Patron.objects.exclude(name="Ann Smith"),
    )
    assert found(admin_client, Patron, "smith") == ["Bob Smith"]


def test_a_search_over_a_relation_to_many_finds_each_row_once(admin_client, rows, monkeypatch):
    book_admin = admin.site.get_model_admin(Book)
    monkeypatch.setattr(book_admin, "search_fields", ("title", "libraries__name"))
    assert found(admin_client, Book, "e") == ["Sea Wolf", "Sea_Wolf"]
    assert found(admin_client, Book, "denver") == ["Sea_Wolf"]
    library_admin = admin.site.get_model_admin(Library)
    monkeypatch.setattr(library_admin, "search_fields", ("patron__name", "librarian__name"))
    assert found(admin_client, Library, "cleo") == ["Seaford Public Library"]
    monkeypatch.setattr(library_admin, "search_fields", ("book__title",))
    assert len(found(admin_client, Library, "wolf")) == 2


@pytest.mark.parametrize("fields", [("=name",), ("^name",), ("pk__exact", "name")])
def test_other_lookups_are_djangos(admin_client, rows, monkeypatch, fields):
    monkeypatch.setattr(admin.site.get_model_admin(Patron), "search_fields", fields)
    assert found(admin_client, Patron, '"ann smith"') == ["Ann Smith"]


@pytest.mark.parametrize("model", [Library, Patron, Book])
def test_a_search_takes_the_same_statements_for_few_rows_and_for_many(
    admin_client, rows, model
):
    address = url(model, "changelist") + "?q=sea+a"
    few = statements(admin_client, address)
    for n in range(30):
        library = make_library(name=f"Seaside {n}")
        make_patron(name="Sea", library=library)
        make_book(title=f"A Sea {n}", libraries=[library])
    assert statements(admin_client, address) == few


@pytest.mark.parametrize("near", [0, 5, 80, 1000])
@pytest.mark.parametrize("order", ["", "-1"])
def test_many_hits_come_in_order_wherever_they_are(admin_client, monkeypatch, order, near):
    monkeypatch.setattr(search, "FEW", 60)
    monkeypatch.setattr(paginator, "NEAR", near)
    Book.objects.bulk_create(Book(title=f"{n % 7} of Rivers {n:03}") for n in range(130))
    Book.objects.bulk_create(Book(title=f"{n % 9} of Bread {n:03}") for n in range(60))
    expected = sorted(f"{n % 7} of Rivers {n:03}" for n in range(130))
    if order:
        expected.reverse()
    pages = []
    for page in (1, 2, 3):
        query = {"q": "rivers", "o": order, "p": page}
        changelist = admin_client.get(url(Book, "changelist"), query).context["cl"]
        assert not changelist.result_count.is_exact
        pages.append([book.title for book in changelist.result_list])
    assert pages == [expected[:50], expected[50:100], expected[100:]]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has the index")
@pytest.mark.parametrize("model", [Library, Patron, Librarian, Book])
def test_the_search_index_fits_what_django_asks(admin_client, model):
    field = model._meta.get_field("title" if model is Book else "name")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexonlyscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
    plan = model.objects.filter(**{f"{field.name}__icontains": "seaford"}).explain()
    assert f"{model._meta.model_name}_search" in plan
