"""What the permission to view a history governs beside its pages: links, and links to it."""

import pytest
from django.contrib.auth.models import Group, User

from library.models import Book, Library, Patron
from tests.backoffice.admin.history.test_history import sign_in
from tests.backoffice.admin.pages import perm, seeing_history, url
from tests.factories import make_book, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

SEEN, SEEN_LINKS = seeing_history(Book)


@pytest.fixture
def book():
    """Its title and its links were changed."""
    row = make_book(title="Old", libraries=[make_library(name="Was There")])
    row.libraries.set([make_library(name="Is There")])
    row.title = "New"
    row.save()
    return row


def pages(client, book):
    first = book.history.earliest()
    return [
        client.get(url(Book, "history", book.pk)),
        client.get(url(Book, "simple_history", book.pk, first.pk)),
    ]


def test_the_history_of_links_is_for_whom_may_view_that(client, book):
    may = [perm(action, Book) for action in ("view", "change")] + [perm("view", Library)]
    sign_in(client, *may, SEEN, histories=())
    history, version = pages(client, book)
    assert "Old" in history.text
    assert "Was There" not in history.text + version.text
    assert [each.name for each in version.context["differences"]] == ["title"]
    sign_in(client, *may, SEEN, SEEN_LINKS, histories=())
    history, version = pages(client, book)
    assert "Was There" in history.text
    assert "libraries" in {each.name for each in version.context["differences"]}


def test_links_that_one_may_not_see_are_not_put_back(client, book):
    sign_in(client, *[perm(a, Book) for a in ("view", "change")], SEEN, histories=())
    first, present = book.history.earliest(), set(book.libraries.all())
    address = url(Book, "simple_history", book.pk, first.pk)
    assert client.post(address, {"only": "libraries"}).status_code == 403
    assert client.post(address).status_code == 302
    book.refresh_from_db()
    assert book.title == "Old"
    assert set(book.libraries.all()) == present


def test_what_was_deleted_is_restored_from_a_message_to_whom_may_see_it(client):
    may = [perm(a, Patron) for a in ("view", "add", "change", "delete")]
    for histories in ((), (Patron,)):
        patron = make_patron()
        sign_in(client, *may, histories=histories)
        page = client.post(url(Patron, "delete", patron.pk), {"post": "yes"}, follow=True)
        assert (url(Patron, "restore", patron.pk) in page.text) == bool(histories)


def test_a_deletion_of_many_offers_its_undo_to_whom_may_add_them_again(client):
    for actions in (("view", "change", "delete"), ("view", "add", "delete")):
        patron = make_patron()
        sign_in(client, *[perm(a, Patron) for a in actions], histories=[Patron])
        chosen = {"action": "delete_selected", "_selected_action": patron.pk, "post": "yes"}
        page = client.post(url(Patron, "changelist"), chosen, follow=True)
        assert "Successfully deleted 1 patron" in page.text
        assert (">Undo</a>" in page.text) == ("add" in actions)


def test_names_in_django_s_own_history_are_for_whom_may_view_users(client):
    may = [perm(action, Group) for action in ("view", "change")]
    writer = make_user(username="writer", permissions=may)
    group = Group.objects.create(name="Readers")
    client.force_login(writer)
    client.post(url(Group, "change", group.pk), {"name": "Others"})
    history = url(Group, "history", group.pk)
    assert "writer" in client.get(history).text
    sign_in(client, perm("view", Group), histories=())
    page = client.get(history)
    assert "writer" not in page.text
    assert "somebody else" in page.text
    sign_in(client, perm("view", Group), perm("view", User), histories=())
    assert "writer" in client.get(history).text
