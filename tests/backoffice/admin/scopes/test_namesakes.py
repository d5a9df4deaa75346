"""Namesakes of what a user may see, but elsewhere: no page is another one because of them."""

import re

import pytest
from django.urls import reverse

from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.scopes.test_surfaces import (
    OF_MANY_ROWS,
    address,
    ask,
    first_difference,
    pages,
)
from tests.backoffice.admin.scopes.world import make_world
from tests.factories import make_book, make_librarian, make_library, make_patron

pytestmark = pytest.mark.django_db

MODELS = (Library, Patron, Librarian, Book)
SHOWING = {*OF_MANY_ROWS} - {"import_template_csv", "import_template_xlsx"}
BY_POST = {
    "edit": {"action": "edit_selected", "change": "library"},
    "delete": {"action": "delete_selected"},
}


def namesakes(world):
    """Records of the other branch, and another branch, with the names of one's own."""
    twin = make_library(name=str(world.ours[Library]), zip_code="99777", state="AK")
    for library in (world.theirs[Library], twin):
        for row in (world.ours[Patron], world.moved, world.deleted):
            make_patron(name=row.name, library=library)
    make_librarian(name=str(world.ours[Librarian]), library=twin)
    make_book(title=str(world.ours[Book]), libraries=[twin])


@pytest.fixture
def world(client):
    world = make_world(by="filter")
    world.deleted = make_patron(name="Deleted Patron", library=world.ours[Library])
    client.force_login(world.user)
    client.post(address(Patron, "delete", world.deleted.pk), {"post": "yes"})
    client.get(reverse("admin:index"))
    return world


def shown(client, world):
    """`{(page, …): what it says}`, without what differs from one answer to the next."""
    found = {}
    for model in MODELS:
        for end in (end for m, end in pages() if m is model and end in SHOWING):
            found[model, end] = ask(client, address(model, end), world)
        for row in (world.ours[model], *([world.moved] if model is Patron else [])):
            for end in ("change", "delete", "history"):
                found[row, end] = ask(client, address(model, end, row.pk), world)
            for record in row.history.all():
                page = address(model, "simple_history", row.pk, record.pk)
                found[row, record.pk] = ask(client, page, world)
            for action, data in BY_POST.items():
                answer = client.post(
                    address(model, "changelist"), data | {"_selected_action": [row.pk]}
                )
                found[row, action] = answer.text
        for field in (*model._meta.fields, *model._meta.many_to_many):
            if field.remote_field:
                query = f"app_label=library&model_name={model._meta.model_name}&term="
                query += f"&field_name={field.name}"
                found[model, field] = ask(client, reverse("admin:autocomplete"), world, query)
    found["restore"] = ask(client, address(Patron, "restore", world.deleted.pk), world)
    for model, name in ((Library, "book_set"), (Book, "libraries")):
        query = f"side=chosen&object_id={world.ours[model].pk}"
        found[model, "picker"] = ask(client, address(model, "picker", name), world, query)
    differs = r'(name="(csrfmiddlewaretoken|_once|_seen|expected|[\w-]*SEEN)"\s+value="[^"]*")'
    return {page: re.sub(differs, "", text) for page, text in found.items()}


def test_no_page_tells_of_a_namesake_elsewhere(client, world):
    before = shown(client, world)
    assert "Deleted Patron" in before["restore"]
    namesakes(world)
    after = shown(client, world)
    failed = [
        (page, *first_difference(text, after[page]))
        for page, text in before.items()
        if after[page] != text
    ]
    assert failed == [], "\n".join(map(str, failed))


def test_what_is_said_after_something_was_done(client, world):
    namesakes(world)
    row = world.ours[Patron]
    data = {"name": row.name, "library": row.library_id, "_seen": ""}
    for answer in (
        client.post(address(Patron, "change", row.pk), data, follow=True),
        client.post(address(Patron, "restore", world.deleted.pk), {"post": "yes"}, follow=True),
        client.post(address(Librarian, "delete", world.ours[Librarian].pk), {"post": "yes"}),
    ):
        (said,) = map(str, answer.context["messages"]) if answer.context else [""]
        assert "99777" not in answer.text
        assert "Our Hall, 1" not in said
