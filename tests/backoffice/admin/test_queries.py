"""Every list and every form takes as many statements for 50 rows as for 5."""

import json
import os
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User

from backoffice.changes.models import BulkEdit, Change
from backoffice.changes.profiles import Profile
from backoffice.exports.made import ExportFile
from backoffice.exports.profiles import ExportProfile
from backoffice.filters.models import SavedFilter
from backoffice.trail.models import Entry
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import DOMAIN, statements, url
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

COUNTS = Path(__file__).with_name("query_counts.json")


def make_many_libraries(number):
    for library in [make_library(state="NY" if n % 2 else "NJ") for n in range(number)]:
        make_librarian(library=library)
        make_patron(library=library)
    fill_library(Library.objects.first(), number)


def fill_library(library, number):
    for _ in range(number):
        make_patron(library=library)
        make_book(libraries=[library])


def make_many_books(number):
    libraries = [make_library() for _ in range(number)]
    for _ in range(number):
        make_book(libraries=libraries[:3])
    Book.objects.first().libraries.set(libraries)


def make_many_loans(number):
    for n in range(number):
        loan = Loan.objects.create(number=f"{number}-{n}", patron=make_patron())
        loan.books.set([make_book()])
    Loan.objects.first().books.set(Book.objects.all())


def make_many_users(number):
    for _ in range(number):
        user = make_user(permissions=("library.view_book", "library.view_library"))
        user.groups.add(Group.objects.create(name=f"Group of {user}"))
    User.objects.first().groups.set(Group.objects.all())


def make_many_groups(number):
    for n in range(number):
        group = Group.objects.create(name=f"{number} {n}")
        group.permissions.set(Permission.objects.all()[:n])


def make_many_entries(number):
    for n in range(number):
        Entry.objects.create(
            action="change",
            user=make_user(),
            name=f"user {n}",
            model=(Library, Book, Patron)[n % 3]._meta.label,
            object_id=str(n),
            object_name=f"Thing {n}",
            message='[{"changed": {"fields": ["Name"]}}]',
        )


def make_many_exports():
    user = User.objects.get(username="admin")
    change = Change.objects.create(model="library.Library", kind="export", user=user)
    ExportFile.objects.create(change=change, name="libraries.csv")


MAKERS = {
    Library: make_many_libraries,
    Patron: lambda number: [make_patron() for _ in range(number)],
    Librarian: lambda number: [make_librarian() for _ in range(number)],
    Book: make_many_books,
    Loan: make_many_loans,
    User: make_many_users,
    Group: make_many_groups,
    Entry: make_many_entries,
}
# Its list; its entries lead to the pages of test_imports.py.
LISTS = MAKERS | {
    Change: lambda number: Change.objects.bulk_create(
        Change(model="library.Library", title="f.csv", user=make_user()) for _ in range(number)
    ),
    BulkEdit: lambda number: Change.objects.bulk_create(
        Change(model="library.Library", kind="edit", title="x", status="done")
        for _ in range(number)
    ),
    Profile: lambda number: Profile.objects.bulk_create(
        Profile(model="library.Library", name=str(make_user()), owner=make_user())
        for _ in range(number)
    ),
    SavedFilter: lambda number: SavedFilter.objects.bulk_create(
        SavedFilter(model="library.Library", name="f", query="state=NY", user=make_user())
        for _ in range(number)
    ),
    ExportFile: lambda number: [make_many_exports() for _ in range(number)],
    ExportProfile: lambda number: ExportProfile.objects.bulk_create(
        ExportProfile(model="library.Library", name="e", columns=["name"], user=make_user())
        for _ in range(number)
    ),
}


def test_every_registered_model_is_measured():
    assert set(LISTS) == set(admin.site._registry)


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.model_name)
def test_a_list_takes_the_same_statements_for_few_rows_and_for_many(admin_client, model):
    address = url(model, "changelist") + "?all="
    LISTS[model](5)
    few = statements(admin_client, address)
    LISTS[model](45)
    assert statements(admin_client, address) == few


@pytest.mark.parametrize("model", MAKERS, ids=lambda model: model._meta.model_name)
def test_a_form_takes_the_same_statements_for_few_related_rows_and_for_many(
    admin_client, model
):
    MAKERS[model](5)
    pk = model.objects.order_by("pk").first().pk
    addresses = [url(model, "change", pk)]
    if admin.site.get_model_admin(model).has_add_permission(
        admin_client.get(addresses[0]).wsgi_request
    ):
        addresses.append(url(model, "add"))
    few = [statements(admin_client, address) for address in addresses]
    if model is Library:
        fill_library(Library.objects.get(pk=pk), 45)
    MAKERS[model](45)
    if model is Book:
        Book.objects.get(pk=pk).libraries.set(Library.objects.all())
    assert [statements(admin_client, address) for address in addresses] == few


@pytest.mark.parametrize(
    "model", [Library, Patron, Librarian, Book, Loan], ids=lambda model: model._meta.model_name
)
def test_a_history_takes_the_same_statements_for_few_records_and_for_many(admin_client, model):
    MAKERS[model](1)
    row = model.objects.first()

    def change(number):
        for n in range(number):
            for field in row._meta.concrete_fields:
                if field.name in ("name", "title", "renewals"):
                    setattr(row, field.name, n % 9)
                if field.name == "library":
                    row.library = make_library()
                if field.name == "patron":
                    row.patron = make_patron()
            row._history_user = make_user()
            row.save()
            for field in row._meta.many_to_many:
                getattr(row, field.name).add(
                    make_library() if field.related_model is Library else make_book()
                )

    change(5)
    address = url(model, "history", row.pk)
    few = statements(admin_client, address)
    change(45)
    assert statements(admin_client, address) == few


PAGES = ("changelist", "add", "change", "history", "delete", "import", "export")


@pytest.mark.parametrize("model", DOMAIN, ids=lambda model: model._meta.model_name)
def test_pages_take_the_statements_that_are_written_down(admin_client, model):
    """Sign-in included. One more is a decision: `make query-counts` writes the file anew."""
    MAKERS[model](3)
    pk = model.objects.order_by("pk").first().pk
    counted = {
        page: statements(
            admin_client,
            url(model, page, *([pk] if page in ("change", "history", "delete") else [])),
        )
        for page in PAGES
    }
    written = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    if "WRITE_QUERY_COUNTS" in os.environ:
        COUNTS.write_text(json.dumps(written | {model._meta.label: counted}, indent=2) + "\n")
    else:
        assert counted == written[model._meta.label]
