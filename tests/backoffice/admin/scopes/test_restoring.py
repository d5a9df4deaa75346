"""Whoever is limited to a library restores it, with its people, by the page."""

import re

import pytest

from backoffice.changes.deletion import Deletion
from backoffice.history.records import history_model
from library.models import Book, Library, Patron
from tests.backoffice.admin.pages import url
from tests.backoffice.admin.scopes.world import make_world, told
from tests.everything.loans.models import Loan

pytestmark = pytest.mark.django_db


def restore(client, record):
    """The page that offers it, and the answer to its button."""
    address = url(type(record).instance_type, "restore", record.id)
    page = client.get(address)
    parts = re.findall(r'name="offered" value="([^"]*)"', page.text)
    return page, client.post(address, {"offered": parts, "with": parts}, follow=True)


def deleted(library, user):
    Deletion(Library.objects.filter(pk=library.pk)).run(title="d", user=user)
    return history_model(Library).objects.filter(id=library.pk, history_type="-").latest()


@pytest.mark.parametrize("by", ["keys", "filter"])
def test_ours_comes_back_with_its_people(client, by):
    world = make_world(by=by)
    client.force_login(world.user)
    world.shared.delete()
    world.ours[Loan].delete()
    ours, patron = world.ours[Library], world.ours[Patron]
    record = deleted(ours, world.admin)
    page, answer = restore(client, record)
    assert page.status_code == answer.status_code == 200
    assert not told(page.text) + told(answer.text)
    assert Library.objects.filter(pk=ours.pk).exists()
    assert Patron.objects.get(pk=patron.pk).library == ours
    assert ours in world.ours[Book].libraries.all()


def test_a_book_that_another_branch_still_has_is_not_changed_unseen(client):
    world = make_world(by="filter")
    client.force_login(world.user)
    record = deleted(world.ours[Library], world.admin)
    page, answer = restore(client, record)
    assert "records would come back, or change, that you may not see" in page.text
    assert "Nothing was restored" in answer.text
    assert not Library.objects.filter(pk=record.id).exists()


def test_theirs_does_not(client):
    world = make_world(by="filter")
    client.force_login(world.user)
    record = deleted(world.theirs[Library], world.admin)
    page, answer = restore(client, record)
    assert page.status_code == 302  # as for a key that no row ever had
    assert not told(answer.text)
    assert not Library.objects.filter(pk=world.theirs[Library].pk).exists()
