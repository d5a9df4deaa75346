"""The picker of many rows: only what was added and removed is sent, and saved."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.admin.pickers.horizontal import LISTED, MAX_NAMES, LinksField
from library.models import Book, Library
from tests.backoffice.admin.pages import form_data, model_admin, perm, statements, url
from tests.backoffice.admin.pickers.picking import (
    changes,
    make_books,
    make_libraries,
    make_links,
    names,
    refused,
    rows,
    save,
    staff,
    texts,
)
from tests.factories import make_book, make_library, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("few_are_many")]


# Saving -----------------------------------------------------------------------------------


def test_the_page_holds_none_of_the_rows(admin_client, book):
    page = admin_client.get(url(Book, "change", book.pk))
    form = page.context["adminform"].form
    assert isinstance(form.fields["libraries"], LinksField)
    assert "libraries" not in form.initial
    assert "Held" not in page.text
    assert 'id="add_id_libraries"' in page.text


def test_few_rows_keep_djangos_widget(admin_client, book, monkeypatch):
    monkeypatch.setattr(model_admin(Book), "picker_max_rows", 1)
    page = admin_client.get(url(Book, "change", book.pk))
    assert 'class="selectfilter"' in page.text
    make_library()
    assert 'class="selectfilter"' not in admin_client.get(url(Book, "change", book.pk)).text


def test_what_is_added_and_removed_is_saved_and_written_down(admin_client, book, superuser):
    held, other = book.libraries.get(), make_library(name="Other")
    before = book.history.count()
    save(admin_client, book, changes(added=[other], removed=[held]) | {"title": "Dune II"})
    assert names(book) == {"Other"}
    assert book.history.count() == before + 1
    record = book.history.latest()
    assert record.title == "Dune II"
    assert [link.library_id for link in record.libraries.all()] == [other.pk]
    assert record.history_user == superuser
    assert LogEntry.objects.get().get_change_message() == "Changed Title and Libraries."


def test_a_new_book_and_its_links_are_one_record(admin_client):
    library = make_library()
    data = {"title": "New"} | changes(added=[library])
    assert admin_client.post(url(Book, "add"), data).status_code == 302
    record = Book.objects.get().history.get()
    assert record.history_type == "+"
    assert [link.library_id for link in record.libraries.all()] == [library.pk]


def test_the_first_save_of_a_row_without_history_keeps_what_was_there(admin_client, book):
    book.history.all().delete()
    save(admin_client, book, changes(added=[make_library()]) | {"title": "Dune II"})
    then, now = book.history.order_by("history_id")
    assert (then.title, then.libraries.count()) == ("Dune", 1)
    assert (now.title, now.libraries.count()) == ("Dune II", 2)


def test_five_thousand_chosen_take_one_more_and_one_less(admin_client, book):
    make_links(book, make_libraries(5000))
    other, gone = make_library(name="Other"), Library.objects.get(name="Held")
    save(admin_client, book, changes(added=[other], removed=[gone]))
    assert book.libraries.count() == 5001
    assert book.history.latest().libraries.count() == 5001


def test_five_thousand_are_added_and_removed_at_once(admin_client, book):
    libraries = make_libraries(5000)
    save(admin_client, book, changes(added=libraries))
    assert book.libraries.count() == 5001
    save(admin_client, book, changes(removed=libraries))
    assert names(book) == {"Held"}
    assert [r.libraries.count() for r in book.history.all()[:2]] == [1, 5001]


def test_a_page_takes_its_size_from_none_of_the_rows(admin_client, book):
    address = url(Book, "change", book.pk)
    few = admin_client.get(address).content
    make_links(book, make_libraries(1000))
    assert abs(len(admin_client.get(address).content) - len(few)) < 100


def test_a_save_takes_the_same_statements_for_few_links_and_for_many(admin_client, book):
    def cost(*, added, removed):
        with CaptureQueriesContext(connection) as queries:
            response = admin_client.post(
                url(Book, "change", book.pk),
                {"title": "Dune"} | changes(added=added, removed=removed),
            )
        assert response.status_code == 302
        return len(queries)

    libraries = make_libraries(2000)
    make_links(book, libraries[:10])
    admin_client.get("/admin/")
    cost(added=libraries[-2:-1], removed=[])  # what the process remembers is known
    few = cost(added=libraries[1000:1010], removed=libraries[:5])
    make_links(book, libraries[10:1000])
    assert cost(added=libraries[-3:-2], removed=libraries[5:6]) == few
    assert cost(added=libraries[1010:1500], removed=libraries[6:500]) <= few + 2


def test_a_form_takes_the_same_statements_for_few_links_and_for_many(admin_client, book):
    library = book.libraries.get()
    addresses = [url(Book, "change", book.pk), url(Library, "change", library.pk)]
    few = [statements(admin_client, address) for address in addresses]
    make_links(book, make_libraries(1000))
    make_books(1000, library)
    assert [statements(admin_client, address) for address in addresses] == few


def test_two_people_at_once_both_have_their_way(client, admin_client, book):
    first, second = make_library(name="First"), make_library(name="Second")
    mine = changes(added=[first], removed=[book.libraries.get()])
    theirs = changes(added=[second])
    for data in (theirs, mine):
        save(admin_client, book, data)
    assert names(book) == {"First", "Second"}


def test_what_was_done_already_is_passed_over(admin_client, book):
    held, other = book.libraries.get(), make_library(name="Other")
    save(admin_client, book, changes(added=[held], removed=[other]))
    assert names(book) == {"Held"}
    assert book.history.latest().libraries.count() == 1


def test_a_save_that_changes_no_link_leaves_them(admin_client, book):
    save(admin_client, book, changes() | {"title": "Dune II"})
    assert names(book) == {"Held"}
    assert LogEntry.objects.get().get_change_message() == "Changed Title."
    assert book.history.latest().libraries.count() == 1


def test_the_last_link_can_not_go_where_one_is_required(admin_client, book):
    held = book.libraries.get()
    assert "required" in refused(admin_client, book, changes(removed=[held]))[1]
    assert names(book) == {"Held"}


# From the other side ----------------------------------------------------------------------


def test_books_are_linked_from_the_library(admin_client, superuser):
    library = make_library()
    kept, gone, new, other = (make_book(title=t) for t in ("Kept", "Gone", "New", "Other"))
    library.book_set.set([kept, gone])
    records = Book.history.count()
    save(admin_client, library, changes("book_set", added=[new, kept], removed=[gone, other]))
    assert set(library.book_set.all()) == {kept, new}
    assert Book.history.count() == records + 2
    assert [link.library_id for link in new.history.latest().libraries.all()] == [library.pk]
    assert gone.history.latest().libraries.count() == 0
    assert new.history.latest().history_user == superuser
    assert LogEntry.objects.get().get_change_message() == "Changed Books."


def test_a_save_takes_the_same_statements_for_10_books_and_for_1000(admin_client):
    library = make_library()
    books = Book.objects.bulk_create(Book(title=f"Book {n}") for n in range(1010))

    def cost(added):
        data = form_data(admin_client.get(url(Library, "change", library.pk)))
        with CaptureQueriesContext(connection) as queries:
            response = admin_client.post(
                url(Library, "change", library.pk), data | changes("book_set", added=added)
            )
        assert response.status_code == 302
        return len(queries)

    few = cost(books[:10])
    # Django writes rows on SQLite in batches.
    assert cost(books[10:]) <= few + 20
    assert library.book_set.count() == 1010
    assert all(book.history.latest().libraries.count() == 1 for book in books[::100])


# What may be sent -------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["x", "9" * 30, "9" * 5000, "-1", "1\x00", "", "1.5", "999999"])
def test_a_key_that_leads_nowhere_is_refused_in_words(admin_client, book, key):
    page, error = refused(admin_client, book, changes(added=[key]))
    assert "left out" in error
    assert key[:20].replace("\x00", "") in error.replace("\x00", "")
    assert page.context["adminform"].form["libraries"].field.widget.widget.links.count() == 1
    save(admin_client, book, changes(removed=[key]))  # nothing to take away
    assert names(book) == {"Held"}


NO_LISTS = ["{", "{}", "1", "null", '"1"', "[" * 100_000, "\x00"]
NO_KEYS = ["[[1]]", "[true]", "[null]", '["\\ud800"]', '[{"a": 1}]']


@pytest.mark.parametrize("packed", NO_LISTS + NO_KEYS)
def test_what_holds_no_keys_is_refused(admin_client, book, packed):
    refused(admin_client, book, changes() | {"libraries-added": packed})
    assert names(book) == {"Held"}


@pytest.mark.parametrize("packed", NO_LISTS)
def test_what_is_no_list_removes_nothing(admin_client, book, packed):
    refused(admin_client, book, changes() | {"libraries-removed": packed})
    assert names(book) == {"Held"}


def test_duplicates_count_once_and_opposites_not_at_all(admin_client, book):
    other, third = make_library(name="Other"), make_library(name="Third")
    save(admin_client, book, changes(added=[other, other, third], removed=[third]))
    assert names(book) == {"Held", "Other"}


def test_what_is_refused_is_left_out_and_the_rest_kept_for_the_next_save(admin_client, book):
    other, held = make_library(name="Other <b>"), book.libraries.get()
    page, _ = refused(admin_client, book, changes(added=[other, 999_999], removed=[held]))
    widget = page.context["adminform"].form["libraries"]
    html = str(widget)
    assert f'name="libraries-added" value="[&quot;{other.pk}&quot;]"' in html
    assert f'name="libraries-removed" value="[&quot;{held.pk}&quot;]"' in html
    assert "Other \\u003Cb\\u003E" in html
    assert names(book) == {"Held"}


def test_an_error_elsewhere_keeps_what_was_chosen(admin_client, book):
    other = make_library(name="Other")
    data = changes(added=[other], libraries_names="Held") | {"title": ""}
    page, _ = refused(admin_client, book, data, name="title")
    html = str(page.context["adminform"].form["libraries"])
    assert f"[&quot;{other.pk}&quot;]" in html
    assert ">Held</textarea>" in html


def test_a_page_opened_when_there_were_few_asks_again(admin_client, book):
    _, error = refused(admin_client, book, {"libraries": [book.libraries.get().pk]})
    assert "has grown" in error
    assert names(book) == {"Held"}


def test_a_page_opened_when_there_were_many_is_saved(admin_client, book, monkeypatch):
    monkeypatch.setattr(model_admin(Book), "picker_max_rows", 500)
    other = make_library(name="Other")
    save(admin_client, book, changes(added=[other]))
    assert names(book) == {"Held", "Other"}


# Who gets it ------------------------------------------------------------------------------


def test_who_may_not_view_libraries_gets_no_picker_and_loses_no_link(client, book):
    staff(client, perm("change", Book))
    page = client.get(url(Book, "change", book.pk))
    assert "libraries" not in page.context["adminform"].form.fields
    assert "Held" not in page.text
    save(client, book, changes(added=[make_library()]) | {"title": "Dune II"})
    assert names(book) == {"Held"}
    for side in ("available", "chosen"):
        assert rows(client, book, side).status_code == 403


def test_who_may_only_view_reads_the_first_names(client, book):
    make_links(book, make_libraries(150))
    staff(client, perm("view", Book), perm("view", Library))
    page = client.get(url(Book, "change", book.pk))
    assert ">Held</a></li><li>" in page.text
    assert ">Library 00099</a></li><li>51 more</li></ul>" in page.text
    assert "Library 00100" not in page.text
    assert rows(client, book, "chosen").status_code == 403


def test_a_library_lists_the_first_of_its_books_to_who_may_view_them(client):
    library = make_library()
    make_books(150, library)
    staff(client, perm("change", Library), perm("view", Book))
    page = client.get(url(Library, "change", library.pk))
    assert ">Book 00099</a></li><li>50 more</li></ul>" in page.text


def narrow(monkeypatch, model, **condition):
    monkeypatch.setattr(
        admin.site.get_model_admin(model),
        "get_queryset",
        lambda request: model.objects.filter(**condition),
    )


def test_links_out_of_sight_are_not_shown_not_counted_and_never_changed(
    admin_client, book, monkeypatch
):
    hidden, other = book.libraries.get(), make_library(name="Other")
    unlinked = make_library(name="Hidden too")
    narrow(monkeypatch, Library, name="Other")
    answer = rows(admin_client, book, "chosen").json()
    assert (answer["results"], answer["count"]) == ([], 0)
    assert texts(rows(admin_client, book, "available")) == ["Other"]
    assert "left out" in refused(admin_client, book, changes(added=[unlinked]))[1]
    save(admin_client, book, changes(added=[other], removed=[hidden]))
    assert names(book) == {"Held", "Other"}
    assert rows(admin_client, book, "chosen").json()["count"] == 1


def test_groups_are_offered_within_what_one_may_hand_on(client, monkeypatch):
    user_admin = model_admin(type(make_user()))
    monkeypatch.setattr(user_admin, "picker_max_rows", 0)
    group = Group.objects.create(name="Powerful")
    permission = make_user(permissions=["library.delete_book"]).user_permissions.get()
    group.permissions.add(permission)
    Group.objects.create(name="Harmless")
    other = make_user()
    staff(client, "auth.change_user", "auth.view_group")
    response = rows(client, other, "available", field="groups")
    assert texts(response) == ["Harmless"]


# Without JavaScript -----------------------------------------------------------------------


def test_the_chosen_are_listed_on_demand_page_by_page(admin_client, book):
    make_links(book, make_libraries(150))
    address = url(Book, "change", book.pk)
    assert "libraries-page=1" in admin_client.get(address).text
    page = admin_client.get(address + "?libraries-page=1").text
    assert page.count('name="libraries-remove"') == LISTED
    assert "Chosen: 151." in page
    assert "?libraries-page=2" in page
    last = admin_client.get(address + "?libraries-page=2").text
    assert last.count('name="libraries-remove"') == 51
    assert admin_client.get(address + "?libraries-page=x").status_code == 200


def test_the_pages_of_the_chosen_keep_the_rest_of_the_address(admin_client, book):
    make_links(book, make_libraries(2 * LISTED))
    address = url(Book, "change", book.pk)
    rest = "?_changelist_filters=q%3Dx&amp;a=1&amp;libraries-page="
    query = {"_changelist_filters": "q=x", "a": "1"}
    assert f'href="{rest}1"' in admin_client.get(address, query).text
    page = admin_client.get(address, {"libraries-page": "2", **query}).text
    assert f'href="{rest}1"' in page
    assert f'href="{rest}3"' in page


def test_links_are_ticked_away_and_added_by_name(admin_client, book):
    held = book.libraries.get()
    make_library(name="Main", zip_code="10001")
    make_library(name="Main", zip_code="10002")
    make_library(name="Branch (East)")
    data = changes(
        libraries_remove=[held.pk], libraries_names="Main (10002)\r\n\r\n Branch (East) \r\n"
    )
    save(admin_client, book, data)
    assert names(book) == {"Main", "Branch (East)"}
    assert book.libraries.get(name="Main").zip_code == "10002"


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("Main", "“Main” is the name of 2 libraries: write it as name (zip_code)."),
        ("Nowhere", "“Nowhere” is not the name of one of the libraries"),
        ("Main\x00", "is not the name"),
        ("(" * 5000 + ")", "is not the name"),
        ("\n".join(map(str, range(MAX_NAMES + 1))), "At most 1000 names at a time"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused_in_words(admin_client, book, typed, error):
    for zip_code in ("10001", "10002"):
        make_library(name="Main", zip_code=zip_code)
    _, found = refused(admin_client, book, changes(libraries_names=typed))
    assert error in found
    assert names(book) == {"Held"}


def test_a_name_out_of_sight_leads_nowhere(admin_client, book, monkeypatch):
    make_library(name="Hidden")
    narrow(monkeypatch, Library, name="Held")
    _, error = refused(admin_client, book, changes(libraries_names="Hidden"))
    assert "“Hidden” is not the name" in error
