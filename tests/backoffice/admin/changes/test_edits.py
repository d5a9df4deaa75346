"""Editing all rows of a filtered list: preview, history, and undo."""

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import FileField
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.changes.edits import Edit, Refused
from backoffice.changes.models import Change
from backoffice.jobs.steps import undo_job
from library.models import Library, Patron
from tests.backoffice.admin.pages import url
from tests.everything.admin import site as everything
from tests.everything.loans.models import Loan
from tests.everything.models import constraints
from tests.factories import make_book, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

LIST = reverse("admin:library_library_changelist")


def post(
    client,
    step,
    rows,
    *,
    url=LIST,
    across=False,
    expected=None,
    change=None,
    unticked=(),
    **values,
):
    """A step's page. What is applied was looked at just before, if nothing else is expected."""
    if step == "apply" and expected is None:
        expected = expect(client, rows, url=url, across=across, change=change, **values)
    data = {
        "action": "edit_selected",
        "_selected_action": [row.pk for row in rows],
        f"_{step}": "1",
        **{f"edit-{name}": value for name, value in values.items()},
        "change": list(values) if change is None else change,
        "unticked": unticked,
        "expected": expected or "",
    }
    if across:
        data["select_across"] = "1"
    return client.post(url, data, follow=True)


def expect(client, rows, **options):
    """What a preview says would change."""
    return (post(client, "preview", rows, **options).context or {}).get("expected", "")


def states():
    return list(Library.objects.order_by("pk").values_list("state", flat=True))


@pytest.fixture
def libraries():
    return [make_library(state=state) for state in ("NY", "NJ", "NJ")]


def test_what_would_change_is_seen_first(admin_client, libraries):
    page = post(admin_client, "preview", libraries, state="NY")
    assert "Of 3 libraries, 2 would change." in page.text
    assert page.text.count("<del>New Jersey</del> <ins>New York</ins>") == 2
    assert states() == ["NY", "NJ", "NJ"]


def test_the_ticked_rows_change_with_history_and_come_back(admin_client, superuser, libraries):
    before = list(Library.objects.order_by("pk").values())
    page = post(admin_client, "apply", libraries[:2], state="NY")
    assert states() == ["NY", "NY", "NJ"]
    assert "Changed to <strong>State: New York</strong>" in page.text
    job = Change.objects.get()
    assert (job.kind, job.rows, job.updated, job.unchanged) == ("edit", 2, 1, 1)
    record = libraries[1].history.latest()
    assert (record.history_type, record.history_user, record.state) == ("~", superuser, "NY")
    assert record.history_change_reason == f"edit {job.pk}: State: New York"
    assert libraries[0].history.count() == 1  # it was New York before

    undo = reverse("admin:library_library_import_undo", args=[job.pk])
    assert "Undoing the edit" in admin_client.get(undo).text
    assert admin_client.post(undo, follow=True).context["job"].updated == 1
    assert list(Library.objects.order_by("pk").values()) == before


def test_rows_edited_since_stay_at_an_undo(admin_client, libraries):
    post(admin_client, "apply", libraries, state="CT")
    libraries[0].refresh_from_db()
    libraries[0].name = "Renamed"
    libraries[0].save()
    job = Change.objects.get()
    undo = undo_job(job)
    assert (undo.updated, undo.rejected) == (2, 1)
    assert states() == ["CT", "NJ", "NJ"]


def test_rows_out_of_sight_are_not_named_nor_changed_back(client, libraries, monkeypatch):
    may = [f"library.{right}library" for right in ("view_", "change_", "view_historical")]
    maker, other = make_user(permissions=may), make_user(permissions=may)
    client.force_login(maker)
    post(client, "apply", libraries, state="CT")
    hidden, seen, gone = libraries
    page = reverse("admin:library_library_import_job", args=[Change.objects.get().pk])
    assert len(client.get(page).context["records"]) == 3
    Library.objects.get(pk=gone.pk).delete()
    library_admin = admin.site.get_model_admin(Library)
    get_queryset = library_admin.get_queryset
    monkeypatch.setattr(
        library_admin, "get_queryset", lambda r: get_queryset(r).exclude(pk=hidden.pk)
    )
    job = Change.objects.get()
    undo = reverse("admin:library_library_import_undo", args=[job.pk])
    client.force_login(other)
    records = client.get(page).context["records"]
    pages = [url(Library, "history", pk) for pk in (seen.pk, gone.pk)]
    assert [page for page, _text in records] == pages
    for method in (client.get, client.post):
        assert "records that you may not see" in method(undo, follow=True).text
    assert states() == ["CT", "CT"]
    hidden.name = "Edited since"
    hidden.save()
    client.force_login(maker)
    response = client.get(undo)
    assert (response.context["counts"].left, response.context["left"]) == (1, [])
    assert client.post(undo, follow=True).context["job"].updated == 1
    assert Library.objects.get(pk=seen.pk).state == "NJ"


def test_all_of_the_filter_change_without_their_keys(admin_client):
    for state in ["NY"] * 1_200 + ["NJ"]:
        make_library(state=state)
    chosen = Library.objects.filter(state="NY")[:1]
    options = {"across": True, "url": f"{LIST}?state=NY", "state": "CT"}
    page = post(admin_client, "preview", chosen, **options)
    assert "Of 1,200 libraries, 1,200 would change." in page.text
    assert len(page.content) < 50_000
    post(admin_client, "apply", chosen, **options)
    assert Library.objects.filter(state="CT").count() == 1_200
    assert Library.history.filter(history_type="~").count() == 1_200


@pytest.mark.parametrize(
    "since",
    [
        {"B": {"state": "NJ"}},  # fewer
        {"C": {"state": "NY"}},  # more
        {"B": {"state": "NJ"}, "C": {"state": "NY"}},  # others
        {"B": {"address": "9 Elm St"}},  # another old value
    ],
)
def test_rows_that_have_moved_since_are_looked_at_again(admin_client, since):
    rows = [
        make_library(name=name, state=state)
        for name, state in zip("ABC", ("NY", "NY", "NJ"), strict=True)
    ]
    options = {"url": f"{LIST}?state=NY", "across": True, "address": "1 New St"}
    expected = expect(admin_client, rows[:1], **options)
    for name, values in since.items():
        Library.objects.filter(name=name).update(**values)
    page = post(admin_client, "apply", rows[:1], expected=expected, **options)
    assert "The records have changed since. Nothing was written" in page.text
    assert not Library.objects.filter(address="1 New St").exists()
    assert not Change.objects.exists()
    post(admin_client, "apply", rows[:1], expected=page.context["expected"], **options)
    assert set(Library.objects.filter(state="NY").values_list("address", flat=True)) == {
        "1 New St"
    }


def test_what_the_edit_leaves_alone_may_change_meanwhile(admin_client, libraries):
    expected = expect(admin_client, libraries, state="NY")
    Library.objects.update(address="9 Elm St")
    post(admin_client, "apply", libraries, state="NY", expected=expected)
    assert states() == ["NY"] * 3


@pytest.mark.parametrize("query", ["?name=Old", "?q=Old"])
@pytest.mark.parametrize("across", [True, False])
def test_rows_that_the_filter_finds_no_longer_are_told_of(admin_client, query, across):
    rows = [make_library(name=f"Old {n}") for n in range(2)]
    options = {"url": LIST + query, "across": across, "name": "New"}
    expected = expect(admin_client, rows, **options)
    Library.objects.update(name="New")
    page = post(admin_client, "apply", rows, expected=expected, **options)
    assert "The records have changed since. Nothing was written" in page.text
    assert not Change.objects.exists()


@pytest.mark.parametrize("expected", ["", "x", "2"])
def test_an_expectation_that_is_none_is_not_met(admin_client, libraries, expected):
    post(admin_client, "apply", libraries, state="NY", expected=expected)
    assert states() == ["NY", "NJ", "NJ"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"state": "ZZ"}, "Select a valid choice"),
        ({"zip_code": "8542"}, "Enter a ZIP code of 5 digits"),
        ({"phone_number": "-4"}, "This is a code, not a number"),
        ({"name": ""}, "This field is required"),
        ({"state": "NY", "change": []}, "Tick at least one field"),
        ({"state": "NY", "change": ["id", "no such"]}, "Tick at least one field"),
    ],
)
def test_what_can_t_be_is_said_beside_its_field(admin_client, libraries, values, says):
    for step in ("preview", "apply"):
        page = post(admin_client, step, libraries, **values)
        assert says in page.text
    assert not Change.objects.exists()


@pytest.mark.parametrize("action", ["edit_selected", "delete_selected", "export_admin_action"])
def test_an_action_does_not_go_with_the_last_page_of_the_list(
    admin_client, monkeypatch, action
):
    monkeypatch.setattr(admin.site.get_model_admin(Library), "list_per_page", 2)
    rows = [make_library(state="NY") for _ in range(5)]
    url, last = f"{LIST}?state=NY&p=3", {"_selected_action": [rows[4].pk]}
    page = admin_client.post(url, {"action": action, **last})
    rows[0].delete()
    if action == "edit_selected":
        post(admin_client, "apply", rows[4:], url=url, state="CT")
        assert sorted(states()) == ["CT", "NY", "NY", "NY"]
    elif action == "delete_selected":
        page = admin_client.post(url, {"action": action, "post": "yes", **last}, follow=True)
        assert "Successfully deleted 1 library." in page.text
        assert list(page.context["cl"].result_list) == rows[3:4]
    else:
        page = admin_client.post(page.context["export_url"], last)
        assert "1 row will be in the file" in page.text


def test_the_way_back_keeps_what_was_given(admin_client, libraries):
    page = post(admin_client, "back", libraries, state="CT")
    assert '<option value="CT" selected>' in page.text
    assert 'name="change" value="state" checked' in page.text


def test_a_value_that_is_not_ticked_is_asked_about_once(admin_client, libraries):
    values = {"state": "NY", "zip_code": "x", "change": ["state"]}
    page = post(admin_client, "preview", libraries, **values)
    assert page.context["asked"] == ["ZIP code"]
    assert '<input type="hidden" name="unticked" value="zip_code">' in page.text
    page = post(admin_client, "preview", libraries, unticked=["zip_code"], **values)
    assert "Of 3 libraries, 2 would change." in page.text
    post(admin_client, "apply", libraries, expected=page.context["expected"], **values)
    assert states() == ["NY", "NY", "NY"]
    assert not Library.objects.filter(zip_code="x").exists()


def test_values_are_cleaned_as_in_the_form(admin_client, libraries):
    post(admin_client, "apply", libraries, phone_number="(212) 222 6559")
    assert set(Library.objects.values_list("phone_number", flat=True)) == {"212-222-6559"}


def test_a_foreign_key_can_be_set(admin_client):
    main = make_library(name="Main")
    patrons = [make_patron(), make_patron(library=main)]
    url = reverse("admin:library_patron_changelist")
    page = post(admin_client, "preview", patrons, url=url, library=main.pk)
    assert "Of 2 patrons, 1 would change." in page.text
    page = post(admin_client, "apply", patrons, url=url, library=main.pk)
    assert "Library: Main" in page.text
    assert set(Patron.objects.values_list("library", flat=True)) == {main.pk}


def test_a_field_that_must_be_unique_is_not_offered(admin_client):
    loan = Loan.objects.create(number="1", patron=make_patron())
    url = reverse("admin:loans_loan_changelist")
    page = admin_client.post(url, {"action": "edit_selected", "_selected_action": [loan.pk]})
    assert [field.name for field, _chosen in page.context["fields"]] == [
        "patron",
        "due",
        "renewals",
        "books-add",
        "books-remove",
        "books-set",
    ]


def test_what_only_a_form_keeps_unique_is_neither_set_nor_replaced(rf, superuser):
    model_admin, request = everything.get_model_admin(constraints.Unique), rf.get("/")
    request.user = superuser
    rules = {"for_date", "date"}
    assert rules.isdisjoint(model_admin.get_edit_fields(request))
    assert rules.isdisjoint(field.name for field in model_admin.get_texts(request))
    assert "char" in {field.name for field in model_admin.get_texts(request)}


def test_a_file_is_not_offered(rf, superuser, monkeypatch):
    model_admin, request = admin.site.get_model_admin(Library), rf.get("/")
    request.user = superuser
    address = Library._meta.get_field("address")
    assert "address" in model_admin.get_edit_fields(request)
    monkeypatch.setattr(address, "__class__", FileField)
    assert "address" not in model_admin.get_edit_fields(request)


def test_a_rule_of_the_database_is_told_and_nothing_written(admin_client):
    patron = make_patron()
    loans = [Loan.objects.create(number=n, patron=patron) for n in "12"]
    url = reverse("admin:loans_loan_changelist")
    page = post(admin_client, "apply", loans, url=url, renewals=1)
    assert "The database refused the change, so nothing was written" in page.text
    assert not Loan.objects.filter(renewals=1).exists()
    assert not Change.objects.exists()


def test_a_record_that_refuses_is_told_apart_from_its_namesakes(superuser, monkeypatch):
    for zip_code in ("10016", "08542"):
        make_library(name="Main", zip_code=zip_code, state="NJ")

    def clean(library):
        if library.zip_code == "08542":
            raise ValidationError("No.")

    monkeypatch.setattr(Library, "clean", clean)
    edit = Edit(Library.objects.all(), {Library._meta.get_field("address"): "1 Elm"})
    with pytest.raises(Refused, match="Main — 08542, New Jersey was refused"):
        edit.run(user=superuser, title="-")


def test_a_null_differs_and_can_be_set(superuser):
    loans = [Loan.objects.create(number=n, patron=make_patron()) for n in "12"]
    due = Loan._meta.get_field("due")
    job = Edit(Loan.objects.all(), {due: "2026-12-01"}).run(user=superuser, title="Due")
    assert job.updated == 2
    loans[0].refresh_from_db()
    assert str(loans[0].due) == "2026-12-01"
    assert Edit(Loan.objects.all(), {due: None}).run(user=superuser, title="-").updated == 2


def test_history_has_the_links_of_the_rows(superuser):
    book = make_book(title="Dune", libraries=[make_library()])
    title = type(book)._meta.get_field("title")
    Edit(type(book).objects.all(), {title: "Dune!"}).run(user=superuser, title="Title")
    assert book.history.latest().libraries.count() == 1


def test_it_takes_the_right_to_change(client, libraries):
    client.force_login(make_user(permissions=["library.view_library"]))
    page = client.get(LIST)
    assert "edit_selected" not in page.text
    post(client, "apply", libraries, state="CT")
    assert states() == ["NY", "NJ", "NJ"]
    client.force_login(make_user(permissions=["library.change_library"]))
    page = post(client, "apply", libraries, state="CT")
    assert states() == ["CT"] * 3
    # Who may edit, but not import, sees the edit and can take it back.
    job = Change.objects.get()
    undo = reverse("admin:library_library_import_undo", args=[job.pk])
    assert client.post(undo, follow=True).status_code == 200
    assert states() == ["NY", "NJ", "NJ"]
    Change.objects.update(kind="import")
    assert (
        client.get(reverse("admin:library_library_import_job", args=[job.pk])).status_code
        == 403
    )


def test_a_row_that_may_not_be_changed_stops_it(admin_client, libraries, monkeypatch):
    model_admin = admin.site.get_model_admin(Library)

    def may_change(self, request, obj=None):
        return obj is None or obj.pk != libraries[0].pk

    monkeypatch.setattr(type(model_admin), "has_change_permission", may_change)
    assert post(admin_client, "apply", libraries, state="CT").status_code == 403
    assert states() == ["NY", "NJ", "NJ"]


def test_statements_don_t_grow_with_the_rows(admin_client):
    def statements(number):
        rows = [make_library(state="NY") for _ in range(number)]
        with CaptureQueriesContext(connection) as queries:
            post(admin_client, "preview", rows, state="NJ")
            post(admin_client, "apply", rows, state="NJ")
        return len(queries)

    assert statements(100) == statements(3)  # of the job's page, links to a few: 3 or 20
