"""The activity: the trail of who did what, when and from where, to read only."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.urls import reverse

import backoffice
from backoffice.admin.records.activity import ACTIONS
from backoffice.changes.models import Change
from backoffice.trail.models import AppendOnly, Entry
from library.models import Book, Library
from tests.backoffice.admin.changes import test_edits as edits
from tests.backoffice.admin.pages import model_admin, perm, url
from tests.factories import make_book, make_library, make_user

pytestmark = pytest.mark.django_db

HERE = "127.0.0.1"


def done():
    """What was done after the tests signed in."""
    return Entry.objects.exclude(action="sign-in").order_by("pk")


@pytest.fixture
def entry(db):
    library = make_library(name="Main")
    user = make_user(username="fry")
    return Entry.objects.create(
        user=user,
        name="fry",
        address="192.0.2.7",
        model="library.Library",
        object_id=str(library.pk),
        object_name="Main",
        action="change",
        message='[{"changed": {"fields": ["Name"]}}]',
    )


def test_it_needs_the_permission_to_view_it(client, entry):
    client.force_login(make_user(permissions=[perm("view", Library)]))
    assert client.get(url(Entry, "changelist")).status_code == 403
    client.force_login(make_user(permissions=[perm("view", Entry)]))
    page = client.get(url(Entry, "changelist"))
    for text in ("fry", "192.0.2.7", "Changed Name.", "Main", "Activity"):
        assert text in page.text
    assert client.get(url(Entry, "change", entry.pk)).status_code == 200


def test_nobody_writes_to_it(admin_client, entry):
    assert admin_client.get(url(Entry, "add")).status_code == 403
    assert admin_client.post(url(Entry, "change", entry.pk)).status_code == 403
    assert admin_client.post(url(Entry, "delete", entry.pk)).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": entry.pk, "post": "yes"}
    admin_client.post(url(Entry, "changelist"), chosen)
    assert Entry.objects.filter(pk=entry.pk).exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.save(),
        lambda entry: entry.delete(),
        lambda entry: Entry.objects.update(name="leela"),
        lambda entry: Entry.objects.all().delete(),
        lambda entry: Entry.objects.bulk_update([entry], ["name"]),
        lambda entry: Entry.objects.update_or_create(pk=entry.pk, defaults={"name": "leela"}),
        lambda entry: Entry._base_manager.filter(name="fry").update(name="leela"),
        lambda entry: Entry._base_manager.all().delete(),
    ],
)
def test_no_code_changes_or_deletes_what_is_in_it(entry, change):
    entry.name = "leela"
    with pytest.raises(AppendOnly), transaction.atomic():
        change(entry)
    assert Entry.objects.get().name == "fry"


def test_a_new_entry_with_the_key_of_another_is_not_written_over_it(entry):
    with pytest.raises(IntegrityError), transaction.atomic():
        Entry(pk=entry.pk, name="leela").save()
    assert Entry.objects.get().name == "fry"


def test_an_account_goes_and_its_name_stays_in_the_trail(client, superuser):
    fry = make_user(username="fry", is_superuser=True)
    client.force_login(fry)
    client.post(url(Book, "add"), {"title": "New", "libraries": [make_library().pk]})
    client.force_login(superuser)
    response = client.post(url(User, "delete", fry.pk), {"post": "yes"})
    assert response.status_code == 302
    assert not User.objects.filter(username="fry").exists()
    added, deleted = done()
    assert (added.name, added.user_id, added.action) == ("fry", fry.pk, "add")
    assert (deleted.action, deleted.object_name) == ("delete", "fry")
    assert "fry" in client.get(url(Entry, "changelist")).text
    assert client.get(url(Entry, "change", added.pk)).status_code == 200


def test_adding_changing_and_deleting_stand_in_it_once_with_the_address(
    admin_client, superuser
):
    library = make_library()
    data = {"title": "Old", "libraries": [library.pk]}
    admin_client.post(url(Book, "add"), data)
    book = Book.objects.get()
    admin_client.post(url(Book, "change", book.pk), data | {"title": "New"})
    admin_client.post(url(Book, "delete", book.pk), {"post": "yes"})
    rows = done().values_list("action", "name", "address", "object_name")
    who = (superuser.get_username(), HERE)
    assert list(rows) == [
        ("add", *who, "Old"),
        ("change", *who, "New"),
        ("delete", *who, "New"),
    ]
    assert set(done().values_list("model", "object_id")) == {("library.Book", str(book.pk))}


def test_many_that_are_deleted_stand_in_it_each_or_as_a_number(admin_client, monkeypatch):
    books = [make_book() for _ in range(3)]
    chosen = {
        "action": "delete_selected",
        "_selected_action": [book.pk for book in books],
        "post": "yes",
    }
    monkeypatch.setattr("backoffice.admin.changes.deletion.LOGGED", 2)
    admin_client.post(url(Book, "changelist"), chosen)
    entry = done().get()
    assert (entry.action, entry.model, entry.count) == ("delete", "library.Book", 3)


def test_an_edit_of_many_stands_in_it(admin_client, superuser):
    libraries = [make_library(state="NJ"), make_library(state="NJ")]
    edits.post(admin_client, "apply", libraries, state="NY")
    entry = done().get()
    assert (entry.action, entry.count, entry.address) == ("edit", 2, HERE)
    assert entry.name == superuser.get_username()


def test_an_entry_leads_to_its_object_and_to_what_brings_it_back(admin_client, entry):
    address = reverse("admin:library_library_change", args=[entry.object_id])
    assert address in admin_client.get(url(Entry, "changelist")).text
    Entry.objects.create(
        action="delete", model="library.Library", object_id="77", object_name="Gone"
    )
    page = admin_client.get(url(Entry, "changelist")).text
    assert reverse("admin:library_library_restore", args=["77"]) in page


def test_it_is_searched_filtered_and_browsed_by_date(admin_client, entry):
    Entry.objects.create(name="leela", object_name="Other", action="add")
    for query in (
        {"q": "fry"},
        {"q": "Main"},
        {"q": "192.0.2"},
        {"action": "change"},
        {"model": "library.Library"},
        {"name": "fry"},
    ):
        response = admin_client.get(url(Entry, "changelist"), query)
        assert list(response.context["cl"].result_list) == [entry], query
    page = admin_client.get(url(Entry, "changelist"), {"at__year": entry.at.year})
    assert page.context["cl"].result_count == Entry.objects.count()
    assert "at__month=" in page.text


@pytest.mark.parametrize("number", range(len(model_admin(Entry).export_formats)))
def test_it_is_exported_in_every_format(admin_client, entry, number):
    columns = {f"entryresource_{name}": "on" for name in ("at", "name", "address", "said")}
    data = {"format": str(number), "resource": "0", **columns}
    response = admin_client.post(url(Entry, "export") + "?name=fry", data)
    content = response.getvalue()
    assert response.status_code == 200
    if response["Content-Type"].startswith("text/csv"):
        assert "192.0.2.7,Changed Name." in content.decode()


def test_the_menu_calls_it_activity(admin_client, entry):
    page = admin_client.get(reverse("admin:index"))
    names = [str(m["name"]) for app in page.context["app_list"] for m in app["models"]]
    assert "Activity" in names


def test_every_action_that_the_code_records_has_a_word():
    sources = (path.read_text() for path in Path(backoffice.__file__).parent.rglob("*.py"))
    recorded = re.compile(r'\b(?:record|note)\(\s*"([a-z -]+)"')
    found = {action for source in sources for action in recorded.findall(source)}
    assert {"sign-in", "erase", "session ended"} < found
    assert found | {*Change.Kind} <= {*ACTIONS}
