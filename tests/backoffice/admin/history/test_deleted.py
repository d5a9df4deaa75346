"""The list of deleted records, and how one is restored from it."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from backoffice.changes.models import Change
from backoffice.history import deleted as history_deleted
from backoffice.trail.record import record
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import DOMAIN, perm, seeing_history, statements, url
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def main():
    library = make_library(name="Main")
    make_librarian(name="Lib", library=library)
    make_book(title="Book", libraries=[library])
    for name in ("Ann", "Bob"):
        make_patron(name=name, library=library)
    return library


def delete(client, row):
    address = url(type(row), "delete", row.pk)
    return client.post(address, {"post": "yes"}, follow=True)


def listed(client, model, **query):
    response = client.get(url(model, "deleted"), query)
    assert response.status_code == 200
    return [row["name"] for row in response.context["rows"]]


def sign_in(client, *permissions, histories=DOMAIN):
    """Somebody with these permissions, who may view the histories as well."""
    seen = [right for model in histories for right in seeing_history(model)]
    user = make_user(permissions=[*permissions, *seen])
    client.force_login(user)
    return user


EVERY = [
    perm(action, model)
    for action in ("view", "add", "change", "delete")
    for model in (Library, Patron, Librarian, Book, Loan)
]


# The list -------------------------------------------------------------------------------


def test_the_list_tells_who_deleted_what_and_what_went_with_it(admin_client, superuser, main):
    delete(admin_client, main)
    page = admin_client.get(url(Library, "deleted"))
    (row,) = page.context["rows"]
    assert row["name"] == "Main"
    assert row["record"].history_user == superuser
    assert row["with_it"] == "2 patrons, 1 librarian, links of 1 book"
    assert url(Library, "restore", main.pk) in page.text
    assert url(Library, "deleted") in admin_client.get(url(Library, "changelist")).text
    page = admin_client.get(url(Patron, "deleted"))
    assert [each["name"] for each in page.context["rows"]] == ["Bob", "Ann"]
    record = Book.history.latest("history_id")
    assert record.history_user == superuser
    assert record.history_change_reason == "The library Main was deleted"


def test_what_is_there_again_is_not_listed_and_the_latest_comes_first(admin_client, main):
    for name in ("First", "Second"):
        make_library(name=name).delete()
    delete(admin_client, main)
    assert listed(admin_client, Library) == ["Main", "Second", "First"]
    admin_client.post(url(Library, "restore", main.pk))
    assert listed(admin_client, Library) == ["Second", "First"]
    delete(admin_client, main)
    assert listed(admin_client, Library) == ["Main", "Second", "First"]


def test_it_is_searched_by_name(admin_client):
    for name in ("North Branch", "South Branch", "100%"):
        make_library(name=name).delete()
    assert listed(admin_client, Library, q="branch sou") == ["South Branch"]
    assert listed(admin_client, Library, q="%") == ["100%"]
    assert listed(admin_client, Library, q="nobody") == []
    assert listed(admin_client, Library, q="\x00", before="x") != []


def test_pages_go_on_to_older_ones(admin_client, monkeypatch):
    for n in range(120):
        make_library(name=f"L{n:03}").delete()
    names, before = [], ""
    while before is not None:
        page = admin_client.get(url(Library, "deleted"), {"before": before})
        names += [row["name"] for row in page.context["rows"]]
        before = page.context["page"].older
        assert before is None or f"before={before}" in page.text
    assert names == [f"L{n:03}" for n in reversed(range(120))]
    # A page looks through so many records only; then it offers to look further.
    monkeypatch.setattr(history_deleted, "LOOKED_AT", 30)
    page = admin_client.get(url(Library, "deleted"), {"q": "L080"})
    assert (list(page.context["rows"]), "Older" in page.text) == ([], True)
    page = admin_client.get(
        url(Library, "deleted"), {"q": "L080", "before": page.context["page"].older}
    )
    assert [row["name"] for row in page.context["rows"]] == ["L080"]


def test_the_list_takes_as_many_statements_for_many_as_for_few(admin_client, main):
    delete(admin_client, main)
    few = statements(admin_client, url(Library, "deleted"))
    for _ in range(20):
        library = make_patron().library
        make_book(libraries=[library])
        delete(admin_client, library)
    assert statements(admin_client, url(Library, "deleted")) == few


# Who sees it ----------------------------------------------------------------------------


def test_who_may_not_view_the_model_gets_neither_page(client, main):
    Library.objects.filter(pk=main.pk).delete()
    sign_in(client, perm("view", Patron))
    assert client.get(url(Library, "deleted")).status_code == 403
    assert client.get(url(Library, "restore", main.pk)).status_code == 403


def test_who_may_only_view_sees_the_list_and_can_restore_nothing(client, main):
    Library.objects.filter(pk=main.pk).delete()
    sign_in(client, perm("view", Library))
    page = client.get(url(Library, "deleted"))
    assert "Main" in page.text
    assert url(Library, "restore", main.pk) not in page.text
    assert "You can't restore it" in client.get(url(Library, "restore", main.pk)).text
    assert client.post(url(Library, "restore", main.pk)).status_code == 403
    assert not Library.objects.filter(name="Main").exists()


def test_names_are_shown_of_what_the_user_may_view(client, main):
    Library.objects.filter(pk=main.pk).delete()
    sign_in(client, perm("view", Library), perm("view", Librarian))
    page = client.get(url(Library, "restore", main.pk)).text
    assert "2 patrons" in page
    assert "Lib" in page
    assert "Ann" not in page


def test_restoring_needs_the_right_to_add_all_that_comes_back(client, main):
    Library.objects.filter(pk=main.pk).delete()
    sign_in(client, *(p for p in EVERY if p != perm("add", Librarian)))
    address = url(Library, "restore", main.pk)
    assert "it adds librarians again, which you may not" in client.get(address).text
    assert client.post(address).status_code == 403


@pytest.fixture
def only_new_jersey(monkeypatch):
    """Restricts libraries and patrons to a state, the latter by a join."""
    for model, path in ((Library, "state"), (Patron, "library__state")):
        model_admin = admin.site.get_model_admin(model)
        monkeypatch.setattr(
            model_admin,
            "get_queryset",
            lambda request, model=model, path=path: model.objects.filter(**{path: "NJ"}),
        )


def test_what_get_queryset_would_hide_is_hidden(client, only_new_jersey):
    rows = [make_library(name=state, state=state) for state in ("NJ", "NY")]
    patrons = [make_patron(name=library.name, library=library) for library in rows]
    for row in (*patrons, *rows):
        type(row).objects.filter(pk=row.pk).delete()
    sign_in(client, *EVERY)
    assert listed(client, Library) == ["NJ"]
    assert client.get(url(Library, "restore", rows[0].pk)).status_code == 200
    for page in ("restore", "history"):
        assert client.get(url(Library, page, rows[1].pk)).status_code == 302
    client.post(url(Library, "restore", rows[0].pk))
    # Its library is back, so the join finds it.
    assert listed(client, Patron) == ["NJ"]


# Restoring ------------------------------------------------------------------------------


def test_a_library_is_restored_from_the_message_of_its_deletion(admin_client, superuser, main):
    page = delete(admin_client, main)
    address = url(Library, "restore", main.pk)
    assert f'<a href="{address}">Undo</a>' in page.text
    page = admin_client.get(address)
    assert [text for _part, text, _names in page.context["parts"]] == [
        "2 patrons",
        "1 librarian",
        "links of 1 book",
    ]
    assert "Ann, Bob" in page.text
    done = admin_client.post(address, follow=True)
    assert done.redirect_chain[0][0] == url(Library, "change", main.pk)
    change = Change.objects.get(kind="restored")
    undo = url(Library, "import_undo", change.pk)
    assert "was restored, with 2 patrons, 1 librarian, links of 1 book." in done.text
    assert f'<a href="{undo}">Undo</a>' in done.text
    assert change.user == superuser
    assert main.patron_set.count() == 2
    assert LogEntry.objects.filter(object_id=str(main.pk)).first().is_change()
    assert "Undo the restoration" in admin_client.get(undo).text
    admin_client.post(undo)
    assert not Library.objects.exists()
    assert listed(admin_client, Library) == ["Main"]
    change.refresh_from_db()
    assert change.status == "undone"


def test_of_namesakes_it_is_said_which_one_was_restored(admin_client, main):
    make_library(name="Main")
    delete(admin_client, main)
    name = f"Main — {main.zip_code}, {main.get_state_display()}"
    done = admin_client.post(url(Library, "restore", main.pk), follow=True)
    assert f"The library “{name}” was restored" in done.text
    assert Change.objects.get(kind="restored").title == f"Library: {name}"


def test_what_is_not_ticked_stays_deleted(admin_client, main):
    delete(admin_client, main)
    offered = ["library.Patron", "library.Librarian", "library.Book~"]
    data = {"offered": offered, "with": ["library.Librarian"]}
    admin_client.post(url(Library, "restore", main.pk), data)
    assert (main.patron_set.count(), main.book_set.count()) == (0, 0)
    assert main.librarian.name == "Lib"


def test_restoring_twice_says_that_it_is_there(admin_client, main):
    delete(admin_client, main)
    address = url(Library, "restore", main.pk)
    admin_client.post(address)
    assert "nothing needs to be restored" in admin_client.post(address, follow=True).text
    assert Library.history.filter(history_type="+", id=main.pk).count() == 2
    assert admin_client.get(url(Library, "restore", 10**9)).status_code == 302
    assert admin_client.get(url(Library, "restore", "x")).status_code == 302


def test_a_patron_leads_to_the_library_that_has_to_come_back_first(admin_client, main):
    patron = main.patron_set.first()
    delete(admin_client, main)
    page = admin_client.get(url(Patron, "restore", patron.pk))
    assert "What it referred to no longer exists." in page.text
    assert f'<a href="{url(Library, "restore", main.pk)}">Restore the library Main' in page.text
    done = admin_client.post(url(Patron, "restore", patron.pk))
    assert "Nothing was restored" in done.text
    assert not Patron.objects.exists()


def test_the_history_of_a_deleted_row_leads_there(admin_client, main):
    delete(admin_client, main)
    assert "../restore/" in admin_client.get(url(Library, "history", main.pk)).text


def test_the_activity_leads_there(admin_client, main):
    delete(admin_client, main)
    record("delete", model=Library, count=2_000)
    page = admin_client.get(reverse("admin:backoffice_entry_changelist"))
    assert f'<a href="{url(Library, "restore", main.pk)}">Main</a>' in page.text
    assert f'<a href="{url(Library, "deleted")}">libraries</a>' in page.text
