"""A row's history in the admin: what it shows, to whom, and the way back."""

import datetime

import pytest
from django.contrib import admin
from django.contrib.auth.models import User

from library.models import Book, Library, Patron
from tests.backoffice.admin.pages import DOMAIN, form_data, perm, seeing_history, url
from tests.factories import make_book, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db


def changes(client, row, page=1):
    """`[{field: (old, new)}]` for each record on the page, newest first."""
    response = client.get(url(type(row), "history", row.pk), {"p": page})
    assert response.status_code == 200
    return [
        {
            change["field"]: (change["old"], change["new"])
            for change in getattr(record, "history_delta_changes", [])
        }
        for record in response.context["page_obj"]
    ]


def revert(client, record, pk):
    return client.post(url(type(record).instance_type, "simple_history", pk, record.pk))


def links(record):
    return {link.library_id for link in record.libraries.all()}


def sign_in(client, *permissions, histories=DOMAIN):
    """Somebody with these permissions, who may view the histories as well."""
    seen = [right for model in histories for right in seeing_history(model)]
    user = make_user(permissions=[*permissions, *seen])
    client.force_login(user)
    return user


# What it shows --------------------------------------------------------------------------


def test_each_change_shows_old_and_new_in_the_staffs_words(admin_client):
    library = make_library(name="Old", state="NY")
    library.name, library.state = "New", "NJ"
    library.save()
    assert changes(admin_client, library) == [
        {"Name": ("Old", "New"), "State": ("New York", "New Jersey")},
        {},
    ]
    page = admin_client.get(url(Library, "history", library.pk))
    assert "New Jersey" in page.text
    assert url(Library, "simple_history", library.pk, library.history.first().pk) in page.text


def test_changes_stand_in_the_order_of_writing_whatever_the_clocks_of_machines_say(
    admin_client,
):
    library = make_library(name="Old")
    for name in ("New", "Newer"):
        library.name = name
        library.save()
    newest = library.history.first()
    newest.history_date -= datetime.timedelta(minutes=5)
    newest.save()
    assert changes(admin_client, library) == [
        {"Name": ("New", "Newer")},
        {"Name": ("Old", "New")},
        {},
    ]


def test_related_rows_are_shown_by_name_also_when_deleted(admin_client):
    first, second = make_library(name="First"), make_library(name="Second")
    patron = make_patron(library=first)
    patron.library = second
    patron.save()
    first.delete()
    assert changes(admin_client, patron)[0] == {"Library": ("First (deleted)", "Second")}
    Library.history.filter(name="First").delete()
    old, new = changes(admin_client, patron)[0]["Library"]
    assert (old, new) == (f"deleted library {patron.history.last().library_id}", "Second")


def test_a_books_libraries_are_shown_by_name(admin_client):
    seaford, denver = make_library(name="Seaford"), make_library(name="Denver")
    book = make_book(libraries=[seaford])
    book.libraries.add(denver)
    seaford.book_set.remove(book)
    assert changes(admin_client, book) == [
        {"Libraries": ("Seaford, Denver", "Denver")},
        {"Libraries": ("Seaford", "Denver, Seaford")},
        {"Libraries": ("-", "Seaford")},
        {},
    ]


def test_a_long_list_shows_what_changed_first(admin_client):
    book = make_book(libraries=[make_library(name=f"A{n:02}") for n in range(30)])
    book.libraries.add(make_library(name="Zoo"))
    old, new = changes(admin_client, book)[0]["Libraries"]
    assert new.startswith("Zoo, A00, ")
    assert new.endswith(", 21 more")
    assert old.endswith(", 20 more")


def test_of_many_links_that_changed_a_few_are_named(admin_client):
    book = make_book()
    book.libraries.set([make_library(name=f"A{n:02}") for n in range(30)])
    book.libraries.remove(*book.libraries.filter(name__lt="A12"))
    removed, added, _made = changes(admin_client, book)
    old, new = removed["Libraries"]
    assert old == ", ".join(f"A{n:02}" for n in range(10)) + ", 20 more"
    assert new == ", ".join(f"A{n:02}" for n in range(12, 22)) + ", 8 more"
    assert added["Libraries"] == ("-", old)


def test_names_are_escaped(admin_client):
    library = make_library(name="<b>old</b>")
    book = make_book(libraries=[library])
    library.name = "<i>new</i>"
    library.save()
    for row in (library, book):
        text = admin_client.get(url(type(row), "history", row.pk)).text
        assert "<b>old" not in text
        assert "<i>new" not in text


def test_the_oldest_record_on_a_page_is_compared_with_the_next_page(admin_client, monkeypatch):
    monkeypatch.setattr(admin.site.get_model_admin(Library), "history_list_per_page", 2)
    library = make_library(name="1")
    for name in ("2", "3", "4"):
        library.name = name
        library.save()
    assert changes(admin_client, library, page=1) == [
        {"Name": ("3", "4")},
        {"Name": ("2", "3")},
    ]
    assert changes(admin_client, library, page=2) == [{"Name": ("1", "2")}, {}]


def test_names_of_users_are_for_whom_may_view_users(client):
    user = sign_in(client, perm("view", Library))
    library = make_library()
    library._history_user = user
    library.save()
    address = url(User, "change", user.pk)
    page = client.get(url(Library, "history", library.pk))
    assert user.username in page.text  # one's own
    assert address not in page.text
    sign_in(client, perm("view", Library))
    page = client.get(url(Library, "history", library.pk))
    assert user.username not in page.text
    assert "somebody else" in page.text
    sign_in(client, perm("view", Library), perm("view", User))
    assert address in client.get(url(Library, "history", library.pk)).text


# Who may see it -------------------------------------------------------------------------


def test_rows_out_of_sight_have_no_history_to_see_or_revert(admin_client, monkeypatch):
    library = make_library(name="Hidden")
    record = library.history.get()
    library_admin = admin.site.get_model_admin(Library)
    monkeypatch.setattr(library_admin, "get_queryset", lambda request: Library.objects.none())
    assert admin_client.get(url(Library, "history", library.pk)).status_code == 302
    address = url(Library, "simple_history", library.pk, record.pk)
    assert admin_client.get(address).status_code == 404
    assert revert(admin_client, record, library.pk).status_code == 404
    assert library.history.count() == 1


@pytest.mark.parametrize("pk", ["x", "0", "9" * 30, "1_2F"])
def test_a_key_that_is_none_leads_back_with_a_message(admin_client, pk):
    assert admin_client.get(url(Library, "history", pk)).status_code == 302
    assert admin_client.get(url(Library, "simple_history", pk, 1)).status_code == 404


@pytest.mark.parametrize("version", ["x", "0", "9" * 30])
def test_a_version_that_is_none_is_not_found(admin_client, version):
    address = url(Library, "simple_history", make_library().pk, version)
    assert admin_client.get(address).status_code == 404


def test_a_version_of_another_row_is_not_found(admin_client):
    one, other = make_library(), make_library()
    address = url(Library, "simple_history", one.pk, other.history.get().pk)
    assert admin_client.get(address).status_code == 404


def test_who_may_only_view_reads_a_version_and_can_not_revert_to_it(client):
    sign_in(client, perm("view", Library))
    library = make_library(name="Old")
    library.name = "New"
    library.save()
    record = library.history.last()
    page = client.get(url(Library, "simple_history", library.pk, record.pk))
    assert page.status_code == 200
    assert "Old" in page.text
    assert 'value="Revert"' not in page.text
    assert revert(client, record, library.pk).status_code == 403
    assert Library.objects.get().name == "New"
    assert library.history.count() == 2


def test_without_permission_there_is_nothing_to_see(client):
    sign_in(client, perm("view", Patron))
    library = make_library()
    record = library.history.get()
    assert client.get(url(Library, "history", library.pk)).status_code == 403
    address = url(Library, "simple_history", library.pk, record.pk)
    assert client.get(address).status_code == 403
    assert revert(client, record, library.pk).status_code == 403


# Who did it -----------------------------------------------------------------------------


def test_every_save_in_the_admin_names_its_user(admin_client, superuser):
    library, other = make_library(), make_library()
    patron = make_patron(name="Bob", library=library)
    address = url(Library, "change", library.pk)
    data = form_data(
        admin_client.get(address),
        **{
            "name": "Renamed",
            "librarian-0-name": "Philip J. Fry",
            "patron_set-0-name": "Robert",
            "patron_set-1-name": "Jane Doe",
        },
    )
    assert admin_client.post(address, data).status_code == 302
    book = make_book(libraries=[library])
    address = url(Book, "change", book.pk)
    data = form_data(admin_client.get(address), libraries=[other.pk])
    assert admin_client.post(address, data).status_code == 302
    for row in (library, patron, library.librarian, Patron.objects.get(name="Jane Doe"), book):
        assert row.history.latest().history_user == superuser, row
    assert links(book.history.latest()) == {other.pk}
    admin_client.post(url(Patron, "delete", patron.pk), {"post": "yes"})
    deletion = Patron.history.filter(id=patron.pk).latest()
    assert (deletion.history_type, deletion.history_user) == ("-", superuser)
