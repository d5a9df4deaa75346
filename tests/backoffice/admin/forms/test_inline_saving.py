"""Inlines with pages: what is saved, by whom, and what two people do at once."""

import pytest
from django.contrib.admin.models import LogEntry

from library.models import Library, Patron
from tests.backoffice.admin.forms.inline_pages import (
    errors,
    fill,
    formset,
    index,
    names,
    sign_in,
    ticked,
    typed,
    use,
)
from tests.backoffice.admin.pages import form_data, model_admin
from tests.factories import make_patron, make_user

pytestmark = pytest.mark.django_db


# Saving ---------------------------------------------------------------------------------


def test_only_what_was_changed_is_written(admin_client, superuser, library, address):
    fill(library, 1060)
    before = Patron.history.count()
    query = {"patron_set-p": 2}
    page = admin_client.get(address, query)
    data = typed(page, Patron_0030="Ann") | {"patron_set-25-name": "New"}
    data |= {f"patron_set-{index(page, 'Patron 0031')}-DELETE": "on"}
    response = admin_client.post(f"{address}?patron_set-p=2", data)
    assert response.status_code == 302
    everyone = set(Patron.objects.values_list("name", flat=True))
    assert {"Ann", "New"} < everyone
    assert everyone.isdisjoint({"Patron 0030", "Patron 0031"})
    assert len(everyone) == 1060
    records = Patron.history.filter(history_user=superuser).order_by("history_id")
    assert Patron.history.count() == before + 3
    assert sorted(records.values_list("history_type", "name")) == [
        ("+", "New"),
        ("-", "Patron 0031"),
        ("~", "Ann"),
    ]
    message = LogEntry.objects.latest("pk").get_change_message()
    for part in ("Added patron “New”", "Changed Name for patron “Ann”", "Deleted patron"):
        assert part in message


def test_what_was_found_is_edited(admin_client, library, address):
    fill(library, 60)
    query = "?patron_set-q=0042"
    page = admin_client.get(address + query)
    data = typed(page, Patron_0042="Ann") | {"_continue": "1"}
    response = admin_client.post(address + query, data)
    assert response.url == address + query
    assert library.patron_set.filter(name="Ann").exists()


def test_saving_comes_back_to_the_page(admin_client, library, address):
    fill(library, 60)
    query = "?_changelist_filters=q%3Da&patron_set-p=2"
    page = admin_client.get(address + query)
    assert f'action="{address}{query}"'.replace("&", "&amp;") in page.text
    response = admin_client.post(address + query, form_data(page, _continue="1"))
    assert "patron_set-p=2" in response.url
    assert "_changelist_filters=q%3Da" in response.url


def test_errors_come_back_on_the_page_with_what_was_typed(admin_client, library, address):
    fill(library, 60)
    query = "?patron_set-p=2"
    page = admin_client.get(address + query)
    data = typed(page, Patron_0030="", Patron_0031="Typed") | {"patron_set-25-name": "New"}
    page = admin_client.post(address + query, data)
    assert page.status_code == 200
    assert "This field is required" in errors(page)
    for text in ("Typed", "New", "26–50 of 60 patrons", "hidden data-unsaved"):
        assert text in page.text
    assert Patron.objects.filter(name__in=["Typed", "New"]).count() == 0
    data = form_data(page) | {"patron_set-5-name": "Mended"}
    assert admin_client.post(address + query, data).status_code == 302
    assert Patron.objects.filter(name__in=["Typed", "New", "Mended"]).count() == 3


def test_a_row_that_was_left_alone_is_not_looked_at(admin_client, library, address):
    """A row that is not valid, from before a rule perhaps, blocks nobody's save."""
    make_patron(name="x" * 199, library=library)
    Patron.objects.update(name="")
    data = form_data(admin_client.get(address), address="2 Main Street")
    assert admin_client.post(address, data).status_code == 302
    library.refresh_from_db()
    assert library.address == "2 Main Street"


def test_a_client_that_carries_nothing_along_is_taken_by_what_is_stored(
    admin_client, library, address
):
    fill(library, 3)
    before = Patron.history.count()
    data = typed(admin_client.get(address), Patron_0001="Ann")
    del data["patron_set-SEEN"]
    assert admin_client.post(address, data).status_code == 302
    assert Patron.history.count() == before + 1


@pytest.mark.parametrize("seen", ["x", "\x00", "e30:1:x", "é", "a" * 10_000])
def test_what_is_carried_along_is_ours_or_nothing(admin_client, library, address, seen):
    fill(library, 3)
    data = typed(admin_client.get(address), Patron_0001="Ann") | {"patron_set-SEEN": seen}
    assert admin_client.post(address, data).status_code == 302
    assert library.patron_set.filter(name="Ann").exists()


@pytest.mark.parametrize("key", ["", "abc", "-1", "9" * 30, "1\x00", "elsewhere"])
def test_a_key_that_is_not_of_this_parent_changes_nothing(admin_client, address, library, key):
    fill(library, 2)
    other = make_patron(name="Elsewhere")
    data = typed(admin_client.get(address), Patron_0000="Hacked")
    data["patron_set-0-id"] = other.pk if key == "elsewhere" else key
    assert admin_client.post(address, data).status_code == 302
    assert not Patron.objects.filter(name="Hacked").exists()


@pytest.mark.parametrize(("total", "initial"), [("x", "y"), ("9" * 20, "9" * 20), ("-5", "-5")])
def test_a_management_form_that_lies_is_no_500(admin_client, address, library, total, initial):
    fill(library, 2)
    data = form_data(admin_client.get(address))
    data |= {"patron_set-TOTAL_FORMS": total, "patron_set-INITIAL_FORMS": initial}
    assert admin_client.post(address, data).status_code in (200, 302)
    assert library.patron_set.count() == 2


@pytest.mark.parametrize(
    ("limits", "extra_forms", "most"),
    [({"max_num": 62}, 2, 27), ({"max_num": 60}, 0, 25), ({"min_num": 60}, 3, 1000)],
)
def test_limits_are_of_all_rows(
    monkeypatch, admin_client, library, address, limits, extra_forms, most
):
    use(monkeypatch, Library, model=Patron, extra=3, **limits)
    fill(library, 60)
    for query in ("", "?patron_set-p=2", "?patron_set-q=patron"):
        page = admin_client.get(address + query)
        assert len(formset(page).extra_forms) == extra_forms
        assert formset(page).management_form["MAX_NUM_FORMS"].value() == most
        assert admin_client.post(address + query, form_data(page)).status_code == 302


# Who may do what ------------------------------------------------------------------------


def test_who_may_view_reads_page_by_page_and_writes_nothing(client, library, address):
    fill(library, 60)
    sign_in(client, "library.view_patron")
    page = client.get(address, {"patron_set-p": 2, "patron_set-q": "patron"})
    assert "<p>Patron 0030</p>" in page.text
    assert 'name="patron_set-0-name"' not in page.text
    assert "inline-search" in page.text
    data = typed(page, Patron_0030="Hacked") | {"patron_set-6-DELETE": "on"}
    data |= {"patron_set-TOTAL_FORMS": "26", "patron_set-25-name": "Hacked"}
    page = client.post(address, data)
    assert "You may not write these patrons: clear what you typed" in page.text
    assert library.patron_set.filter(name__startswith="Patron").count() == 60
    assert library.patron_set.count() == 60


def test_who_may_not_add_gets_no_field_where_there_is_one_row_at_most(client, address):
    sign_in(client, "library.view_librarian", "library.change_librarian")
    page = client.get(address)
    assert formset(page, "librarian").total_form_count() == 0
    assert 'name="librarian-0-name"' not in page.text
    # A page that was open when one still might.
    data = form_data(page) | {"librarian-TOTAL_FORMS": "1", "librarian-0-name": "Ann"}
    page = client.post(address, data)
    assert "You may not write these librarians" in page.text
    sign_in(client, "library.view_librarian", "library.add_librarian")
    assert 'name="librarian-0-name"' in client.get(address).text


def test_who_may_only_add_sees_no_rows(client, library, address):
    fill(library, 60)
    sign_in(client, "library.add_patron")
    page = client.get(address, {"patron_set-q": "patron"})
    assert "Patron 0030" not in page.text
    data = form_data(page, **{"patron_set-0-name": "New"})
    assert client.post(address, data).status_code == 302
    assert library.patron_set.count() == 61


def test_who_may_view_and_delete_deletes(client, library, address):
    fill(library, 60)
    sign_in(client, "library.view_patron", "library.delete_patron")
    page = client.get(address, {"patron_set-p": 2})
    data = ticked(page, "Patron 0030")
    assert client.post(f"{address}?patron_set-p=2", data).status_code == 302
    assert library.patron_set.count() == 59
    assert not library.patron_set.filter(name="Patron 0030").exists()


def test_who_may_view_the_library_reads_only(client, library, address):
    fill(library, 60)
    client.force_login(make_user(permissions=["library.view_library", "library.change_patron"]))
    page = client.get(address, {"patron_set-p": 2})
    assert "26–50 of 60 patrons" in page.text
    assert 'name="patron_set-0-name"' not in page.text
    assert client.post(address, form_data(page)).status_code == 403


def test_rows_are_those_that_the_related_admin_shows(
    monkeypatch, admin_client, library, address
):
    fill(library, 60)
    shown = Patron.objects.exclude(name="Patron 0001").order_by("-name")
    monkeypatch.setattr(model_admin(Patron), "get_queryset", lambda request: shown.all())
    page = admin_client.get(address)
    assert names(page)[0] == "Patron 0059"
    assert formset(page).page.paginator.count == 59
    data = form_data(page) | {
        "patron_set-0-id": Patron.objects.get(name="Patron 0001").pk,
        "patron_set-0-name": "Hacked",
    }
    admin_client.post(address, data)
    assert not Patron.objects.filter(name="Hacked").exists()
