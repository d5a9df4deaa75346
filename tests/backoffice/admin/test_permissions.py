"""Every page of every registered model, for each kind of user: who may do what."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import reverse

from backoffice.changes.models import BulkEdit, Change
from backoffice.changes.profiles import Profile
from backoffice.exports.made import ExportFile
from backoffice.exports.profiles import ExportProfile
from backoffice.filters.models import SavedFilter
from backoffice.trail.models import Entry
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import perm, seeing_history, url
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

MAKERS = {
    Library: make_library,
    Patron: make_patron,
    Librarian: make_librarian,
    Book: make_book,
    Loan: lambda: Loan.objects.create(number="1", patron=make_patron()),
    User: make_user,
    Group: lambda: Group.objects.create(name="Readers"),
    Entry: lambda: Entry.objects.create(action="add", name="fry", object_name="x"),
}
READ_ONLY = {Entry, Change, BulkEdit, ExportFile}
# test_changes.py, test_profiles.py, test_saved_filters.py, test_export_profiles.py,
# test_made_exports.py
ELSEWHERE = {Change, BulkEdit, Profile, SavedFilter, ExportFile, ExportProfile}
WITH_HISTORY = {Library, Patron, Librarian, Book, Loan}

# Which permission opens a page, and which of them writes when it is sent a form.
PAGES = {
    "changelist": ("view", None),
    "add": ("add", "add"),
    "change": ("view", "change"),
    "delete": ("delete", "delete"),
    "history": ("view", None),
    "simple_history": ("view", "change"),
    "deleted": ("view", None),
    "restore": ("view", "add"),
}
# Pages that take the permission to view the history beside that to view the model.
OF_HISTORY = {"history", "simple_history", "deleted", "restore"}

TABLE = [
    (model, page)
    for model in MAKERS
    for page in PAGES
    if page not in OF_HISTORY - {"history"} or model in WITH_HISTORY
]


def label(value):
    return value if isinstance(value, str) else value._meta.model_name


def address(model, page, row):
    args = () if page in ("changelist", "add", "deleted") else (row.pk,)
    if page == "simple_history":
        args = (row.pk, row.history.latest().pk)
    return url(model, page, *args)


def rows_and_records(model):
    rows = list(model.objects.order_by("pk").values())
    return rows, model.history.count() if model in WITH_HISTORY else None


def sign_in(client, *permissions):
    client.force_login(make_user(permissions=permissions))


def rights_to(page, model, *actions):
    """What opens a page of a model, beside that to view its history where it shows it."""
    shows_history = page in OF_HISTORY and model in WITH_HISTORY
    return [perm(a, model) for a in actions] + (seeing_history(model) if shows_history else [])


def made(model, page):
    """A row, or for the page that restores it one that was deleted."""
    row = MAKERS[model]()
    if page == "restore":
        model.objects.filter(pk=row.pk).delete()
    return row


def test_every_registered_model_and_every_page_of_it_is_in_the_table():
    assert set(MAKERS) | ELSEWHERE == set(admin.site._registry)
    # Import and export have tables of their own; a password's page is in test_auth, a
    # picker's rows are in test_horizontal_boxes, sessions in accounts/test_sessions,
    # erasing in changes/test_erasing.
    elsewhere = ("export", "save_filter", "password_change", "picker", "sessions", "erase")
    elsewhere += ("second_factor",)
    elsewhere = ("export", "save_filter", "password_change", "picker", "sessions", "erase")
    elsewhere += ("second_factor",)
    for model in MAKERS:
        model_admin = admin.site.get_model_admin(model)
        prefix = f"{model._meta.app_label}_{model._meta.model_name}_"
        pages = {p.name.removeprefix(prefix) for p in model_admin.get_urls() if p.name}
        pages = {p for p in pages if "import" not in p and not p.endswith(elsewhere)}
        assert pages == {page for of, page in TABLE if of is model}


@pytest.mark.parametrize(("model", "page"), TABLE, ids=label)
def test_who_is_not_signed_in_is_asked_to(client, model, page):
    row = MAKERS[model]()
    for method in (client.get, client.post):
        response = method(address(model, page, row))
        assert response.status_code == 302
        assert response.url.startswith(reverse("admin:login"))


@pytest.mark.parametrize(("model", "page"), TABLE, ids=label)
def test_who_is_no_staff_is_sent_away(client, model, page):
    row = MAKERS[model]()
    client.force_login(make_user(is_staff=False, permissions=[perm("view", model)]))
    assert client.get(address(model, page, row)).status_code == 302


@pytest.mark.parametrize(("model", "page"), TABLE, ids=label)
def test_staff_without_permission_get_nothing(client, model, page):
    row = MAKERS[model]()
    before = rows_and_records(model)
    other = Book if model is not Book else Library
    sign_in(client, perm("view", other))
    before = rows_and_records(model)
    for method in (client.get, client.post):
        assert method(address(model, page, row), {"post": "yes"}).status_code == 403
    assert rows_and_records(model) == before


@pytest.mark.parametrize(("model", "page"), TABLE, ids=label)
def test_who_may_view_reads_and_never_writes(client, model, page):
    row = made(model, page)
    sign_in(client, *rights_to(page, model, "view"))
    before = rows_and_records(model)
    opens, writes = PAGES[page]
    expected = 200 if opens == "view" else 403
    assert client.get(address(model, page, row)).status_code == expected
    data = {"post": "yes", "name": "Hacked", "title": "Hacked", "username": "hacked"}
    response = client.post(address(model, page, row), data)
    if writes:
        assert response.status_code == 403
    assert rows_and_records(model) == before


@pytest.mark.parametrize("model", MAKERS, ids=label)
def test_who_may_view_can_not_delete_by_ticking(client, model):
    row = MAKERS[model]()
    sign_in(client, perm("view", model))
    before = rows_and_records(model)
    chosen = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    client.post(url(model, "changelist"), chosen)
    assert rows_and_records(model) == before


@pytest.mark.parametrize(
    ("model", "page"), [pair for pair in TABLE if pair[0] not in READ_ONLY], ids=label
)
def test_each_permission_opens_its_page(client, model, page):
    row = made(model, page)
    opens, _ = PAGES[page]
    # Django asks for both where accounts are added.
    sign_in(client, *rights_to(page, model, opens, "change"))
    assert client.get(address(model, page, row)).status_code == 200


@pytest.mark.parametrize(
    ("model", "page"),
    [(m, page) for m, page in TABLE if m in WITH_HISTORY and page in OF_HISTORY],
    ids=label,
)
def test_history_takes_a_permission_of_its_own(client, model, page):
    """Those to view and to change the model, and to view the history of links, won't do."""
    row = made(model, page)
    actions = [perm(action, model) for action in ("view", "add", "change", "delete")]
    history, *links = seeing_history(model)
    sign_in(client, *actions, *links)
    for method in (client.get, client.post):
        assert method(address(model, page, row)).status_code == 403
    if page != "restore":
        change = client.get(address(model, "change", row))
        assert address(model, "history", row) not in change.text
        listing = client.get(address(model, "changelist", row))
        assert url(model, "deleted") not in listing.text
    sign_in(client, history)
    assert client.get(address(model, page, row)).status_code in (302, 403)


# Autocomplete ---------------------------------------------------------------------------

FOREIGN_KEYS = [(Patron, "library"), (Librarian, "library"), (Loan, "patron")]


def autocomplete(client, model, field):
    return client.get(
        reverse("admin:autocomplete"),
        {
            "app_label": model._meta.app_label,
            "model_name": model._meta.model_name,
            "field_name": field,
            "term": "",
        },
    )


def test_every_foreign_key_is_autocompleted():
    found = [
        (model, field.name)
        for model, model_admin in admin.site._registry.items()
        if model not in READ_ONLY | ELSEWHERE
        for field in model._meta.concrete_fields
        if field.is_relation
    ]
    assert sorted(found, key=str) == sorted(FOREIGN_KEYS, key=str)
    for model, field in found:
        assert field in admin.site._registry[model].autocomplete_fields


@pytest.mark.parametrize(("model", "field"), FOREIGN_KEYS, ids=label)
def test_autocomplete_is_for_whom_may_view_the_related_rows(client, model, field):
    related = model._meta.get_field(field).related_model
    MAKERS[related]()
    assert autocomplete(client, model, field).status_code == 302
    sign_in(client, perm("change", model))
    assert autocomplete(client, model, field).status_code == 403
    sign_in(client, perm("view", related))
    assert len(autocomplete(client, model, field).json()["results"]) == 1


@pytest.mark.parametrize(("model", "field"), FOREIGN_KEYS, ids=label)
def test_autocomplete_offers_what_the_related_admin_shows(
    admin_client, monkeypatch, model, field
):
    related = model._meta.get_field(field).related_model
    MAKERS[related]()
    monkeypatch.setattr(
        admin.site._registry[related], "get_queryset", lambda request: related.objects.none()
    )
    assert autocomplete(admin_client, model, field).json()["results"] == []


@pytest.mark.parametrize(("model", "field"), [(Library, "patron"), (Library, "librarian")])
def test_the_other_side_of_a_field_is_not_autocompleted(admin_client, model, field):
    assert autocomplete(admin_client, model, field).status_code == 403


def test_the_other_side_of_a_many_to_many_is_for_whom_may_view_the_rows(client):
    make_book()
    sign_in(client, perm("change", Library))
    assert autocomplete(client, Library, "book").status_code == 403
    sign_in(client, perm("view", Book))
    assert len(autocomplete(client, Library, "book").json()["results"]) == 1
