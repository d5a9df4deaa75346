"""Editing from the list: links from either side, finding and replacing, the list's order."""

import re

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.urls import reverse

from backoffice.changes.edits import Edit
from backoffice.changes.models import Change
from backoffice.changes.replacing import Replacement
from backoffice.jobs.steps import undo_job
from library.models import Book, Library
from tests.backoffice.admin.pages import url
from tests.everything.admin import site
from tests.everything.factories import make_row
from tests.everything.models import fields
from tests.factories import make_book, make_library, make_user

pytestmark = pytest.mark.django_db

BOOKS = reverse("admin:library_book_changelist")
LIBRARIES = reverse("admin:library_library_changelist")


def send(client, step, rows, *, page=BOOKS, change=(), **data):
    """A step of the edit of `rows`; what is to be set has names like `edit-libraries-add`."""
    data = {name.replace("__", "-"): value for name, value in data.items()}
    data |= {"action": "edit_selected", "_selected_action": [row.pk for row in rows]}
    return client.post(page, {**data, f"_{step}": "1", "change": change}, follow=True)


def send_on(client, page, *, to=BOOKS):
    """What is on a preview, sent to be written."""
    sent = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
    data: dict[str, list[str]] = {}
    for name, value in sent:
        data.setdefault(name, []).append(value)
    return client.post(to, {**data, "_apply": "1"}, follow=True)


def cells(page):
    return [[*map(str, row[:1]), *row[1:]] for row in page.context["sample"]]


@pytest.fixture
def books():
    main = make_library(name="Main")
    return [make_book(title=f"Book {n}", libraries=[main] if n else []) for n in range(3)]


def test_books_are_added_to_a_library_and_taken_back(admin_client, superuser, books):
    new = make_library(name="New")
    page = send(
        admin_client,
        "preview",
        books,
        change=["libraries-add"],
        **{"edit-libraries-add": new.pk},
    )
    assert "Of 3 books, 3 would change." in page.text
    assert cells(page)[0] == ["Book 0", [("ins", "+ New"), ("", " ")]]
    page = send_on(admin_client, page)
    assert "Libraries: add these: New" in page.text
    assert set(new.book_set.all()) == set(books)
    record = books[1].history.latest()
    assert (record.history_user, record.libraries.count()) == (superuser, 2)
    undo_job(Change.objects.get())
    assert not new.book_set.exists()
    assert books[1].libraries.get().name == "Main"


def test_libraries_get_books_from_their_own_list(admin_client, books):
    libraries = [make_library(), make_library()]
    options = {"page": LIBRARIES, "change": ["book_set-add", "book_set-remove"]}
    page = send(
        admin_client,
        "preview",
        libraries,
        **{"edit-book_set-add": [book.pk for book in books[:2]]},
        **{"edit-book_set-remove": books[2].pk},
        **options,
    )
    page = send_on(admin_client, page, to=LIBRARIES)
    assert [set(each.book_set.all()) for each in libraries] == [set(books[:2])] * 2
    change = Change.objects.get()
    assert (change.model, change.updated) == ("library.Library", 2)
    assert {book.history.latest().history_change for book in books[:2]} == {change}
    undo = reverse("admin:library_library_import_undo", args=[change.pk])
    admin_client.post(undo, follow=True)
    assert not any(each.book_set.exists() for each in libraries)


@pytest.mark.parametrize(
    ("ops", "says"),
    [
        ({"libraries-add": []}, "This field is required"),
        ({"libraries-set": []}, "This field is required"),
        ({"libraries-add": ["1"], "libraries-remove": ["1"]}, "added and taken away: Main"),
        ({"libraries-add": ["1"], "libraries-set": ["1"]}, "not both"),
        ({"libraries-add": ["99"]}, "Select a valid choice"),
    ],
)
def test_what_can_t_be_done_to_links_is_said_beside_them(admin_client, books, ops, says):
    key = str(Library.objects.get().pk)
    sent = {f"edit-{n}": [v.replace("1", key) for v in values] for n, values in ops.items()}
    for step in ("preview", "apply"):
        page = send(admin_client, step, books, change=list(ops), **sent)
        assert says in page.text
    assert not Change.objects.exists()


def test_chosen_links_that_are_not_ticked_are_asked_about(admin_client, books):
    new = make_library()
    page = send(admin_client, "preview", books, **{"edit-libraries-add": new.pk})
    assert page.context["asked"] == ["Libraries: add these"]
    assert f'<option value="{new.pk}" selected' in page.text


def test_without_a_script_links_are_chosen_by_name(admin_client, books):
    new, zip_code = make_library(name="New"), "55555"
    twins = [make_library(name="Twin", zip_code=code) for code in ("44444", zip_code)]
    sent = {"change": ["libraries-add"], "edit-libraries-add-names": "New\r\nTwin\r\nNone"}
    page = send(admin_client, "preview", books, **sent)
    assert "“None” is not the name" in page.text
    assert "“Twin” is the name of 2 libraries" in page.text
    assert ">New\nTwin\nNone</textarea></noscript>" in page.text
    sent["edit-libraries-add-names"] = f"New\nTwin ({zip_code})"
    page = send(admin_client, "preview", books, **sent)
    send_on(admin_client, page)
    assert set(books[0].libraries.all()) == {new, twins[1]}
    page = send(admin_client, "preview", books, **{"edit-libraries-add-names": "New"})
    assert page.context["asked"] == ["Libraries: add these"]


def test_links_out_of_sight_are_neither_offered_nor_taken_away(
    admin_client, books, monkeypatch
):
    seen = make_library(name="Seen")
    library_admin = admin.site.get_model_admin(Library)
    monkeypatch.setattr(
        library_admin, "get_queryset", lambda r: Library.objects.filter(name="Seen")
    )
    hidden = Library.objects.get(name="Main")
    page = send(
        admin_client,
        "preview",
        books,
        change=["libraries-add"],
        **{"edit-libraries-add": hidden.pk},
    )
    assert "Select a valid choice" in page.text
    page = send(
        admin_client,
        "preview",
        books,
        change=["libraries-set"],
        **{"edit-libraries-set": seen.pk},
    )
    send_on(admin_client, page)
    assert set(books[1].libraries.all()) == {hidden, seen}


@pytest.mark.parametrize(
    ("model", "permissions", "offered"),
    [
        (Book, ["change_book"], False),
        (Book, ["change_book", "view_library"], True),
        (Library, ["change_library"], False),
        (Library, ["change_library", "view_book"], False),
        (Library, ["change_library", "change_book"], True),
    ],
)
def test_links_are_offered_to_whom_may_change_them(client, model, permissions, offered):
    row = make_book() if model is Book else make_library()
    user = make_user(permissions=[f"library.{each}" for each in permissions])
    client.force_login(user)
    data = {"action": "edit_selected", "_selected_action": [row.pk]}
    page = client.post(url(model, "changelist"), data)
    names = [field.name.rpartition("-")[2] for field, _ticked in page.context["fields"]]
    assert ("add" in names) is offered


# Finding and replacing --------------------------------------------------------------------


def replacing(find, put="", where=("title",), **how):
    return {
        "replace-find": find,
        "replace-put": put,
        "replace-where": list(where),
        **{f"replace-{name}": value for name, value in how.items()},
    }


def test_a_word_is_mended_and_the_places_are_marked(admin_client):
    books = [make_book(title=title) for title in ("Teh cat, Teh end", "Another")]
    page = send(admin_client, "preview", books, **replacing("Teh", "The"))
    assert "Of 2 books, 1 would change." in page.text
    text = "<del>Teh</del> cat, <del>Teh</del> end<br><ins>The</ins> cat, <ins>The</ins> end"
    assert f"<td>{text}</td>" in page.text
    page = send_on(admin_client, page)
    assert "Title: “Teh” → “The”" in page.text
    assert list(Book.objects.order_by("pk").values_list("title", flat=True)) == [
        "The cat, The end",
        "Another",
    ]
    undo_job(Change.objects.get())
    assert Book.objects.filter(title="Teh cat, Teh end").exists()


def test_options_and_edges_go_with_what_is_written(admin_client):
    books = [make_book(title=title) for title in ("CAFÉ au lait", "cafés")]
    how = {"ignore_case": "on", "whole_words": "on"}
    page = send(admin_client, "preview", books, **replacing("café ", "Tea ", **how))
    page = send_on(admin_client, page)
    assert Change.objects.get().updated == 1
    assert set(Book.objects.values_list("title", flat=True)) == {"Tea au lait", "cafés"}


def test_texts_that_can_t_be_are_named_and_left_alone(admin_client):
    books = [make_book(title="a" * 200), make_book(title="ha")]
    page = send(admin_client, "preview", books, **replacing("a", "bb"))
    assert "Left alone, since the new text can’t be: 1" in page.text
    assert "at most 200 characters" in page.text
    send_on(admin_client, page)
    change = Change.objects.get()
    assert (change.updated, change.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("sent", "change", "says"),
    [
        (replacing("x", where=()), (), "Tick the fields to look in."),
        (replacing("", "y"), (), "Enter what is to be replaced."),
        (replacing("x") | {"edit-title": "y"}, ["title"], "not both"),
        (replacing("a\x00b"), (), "Null characters are not allowed"),
        (replacing("", ignore_case="on"), (), "Tick at least one field, or enter what to find"),
    ],
)
def test_what_is_missing_is_asked_for(admin_client, books, sent, change, says):
    page = send(admin_client, "preview", books, change=change, **sent)
    assert says in page.text


def test_every_text_of_the_form_is_searched_and_cleaned_as_there(admin_client):
    library = make_library(name="A 212", phone_number="212-222-6559", zip_code="10212")
    where = ["name", "phone_number", "zip_code"]
    page = send(
        admin_client, "preview", [library], page=LIBRARIES, **replacing("212", "(646) ", where)
    )
    assert "1 would change" not in page.text  # the ZIP code would not be one
    page = send(
        admin_client, "preview", [library], page=LIBRARIES, **replacing("212-", "(646) ", where)
    )
    send_on(admin_client, page, to=LIBRARIES)
    library.refresh_from_db()
    assert (library.name, library.phone_number) == ("A 212", "646-222-6559")


@pytest.mark.parametrize(
    ("text", "becomes"), [(" Teh\n", ""), ("  a\nTeh ", "  a\n "), ("Teh\n", "")]
)
def test_a_text_of_several_lines_keeps_its_edges_but_not_only_edges(
    rf, superuser, monkeypatch, text, becomes
):
    request = rf.get("/")
    request.user = superuser
    field = fields.Texts._meta.get_field("text")
    clean = site.get_model_admin(fields.Texts).get_texts(request)[field]
    row = make_row(fields.Texts, text=text)
    replacement = Replacement("Teh", "")
    with Edit(fields.Texts.objects.all(), None, (), replacement, {field: clean}) as edit:
        edit.run(user=superuser, title="-")
    row.refresh_from_db()
    assert row.text == becomes
    monkeypatch.setattr(field, "blank", False)
    with pytest.raises(ValidationError, match="required"):
        site.get_model_admin(fields.Texts).get_texts(request)[field](" \n")


# The order --------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["?o=-4", "?o=4", "", "?o=-8.1"])
def test_a_preview_is_in_the_order_of_the_list(admin_client, query):
    for n in (3, 1, 2):
        library = make_library(name=f"L{n % 3}", zip_code=f"1000{n}")
        make_book(libraries=[library] * n)
    listed = admin_client.get(LIBRARIES + query).context["cl"].result_list
    data = {"edit-state": "CT"}
    page = send(
        admin_client, "preview", listed, page=LIBRARIES + query, change=["state"], **data
    )
    assert [row[0] for row in page.context["sample"]] == [str(row) for row in listed]
