"""Wherever a record is chosen, named or confirmed, its namesakes are told apart."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from library.models import Book, Library, Patron
from tests.backoffice.admin.pages import form_data, url
from tests.factories import make_book, make_library, make_patron

pytestmark = pytest.mark.django_db

NY, NJ = "Main Library — 10016, New York", "Main Library — 08542, New Jersey"


@pytest.fixture
def mains():
    return [
        make_library(name="Main Library", zip_code=zip_code, state=state)
        for zip_code, state in (("10016", "NY"), ("08542", "NJ"))
    ]


def text_of(client, address, data=None):
    response = client.post(address, data, follow=True) if data else client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def choices(client, term, page=1):
    query = {"app_label": "library", "model_name": "patron", "field_name": "library"}
    address = reverse("admin:autocomplete")
    answer = client.get(address, query | {"term": term, "page": page}).json()
    return [row["text"] for row in answer["results"]], answer["pagination"]["more"]


# Choosing ---------------------------------------------------------------------------------


def test_autocomplete(admin_client, mains):
    make_library(name="Seaford", address="2234 Jackson Ave")
    assert choices(admin_client, "") == ([NJ, NY, "Seaford"], False)
    assert choices(admin_client, "main") == ([NJ, NY], False)


def test_what_a_form_shows_as_chosen(admin_client, mains):
    patron = make_patron(library=mains[1])
    assert NJ in text_of(admin_client, url(Patron, "change", patron.pk))
    assert NY not in text_of(admin_client, url(Patron, "change", patron.pk))


def test_a_picker_of_few_rows(admin_client, mains):
    text = text_of(admin_client, url(Book, "add"))
    assert NY in text
    assert NJ in text


def test_a_picker_of_many_rows(admin_client, mains, few_are_many):
    book = make_book(libraries=mains[:1])
    address = reverse("admin:library_book_picker", args=["libraries"])
    found = {
        side: [
            row["text"]
            for row in admin_client.get(address, {"side": side, "object_id": book.pk}).json()[
                "results"
            ]
        ]
        for side in ("chosen", "available")
    }
    assert found == {"chosen": [NY], "available": [NJ]}
    page = text_of(admin_client, url(Book, "change", book.pk) + "?libraries-page=1")
    assert NY in page


# Names that begin so come first -----------------------------------------------------------


@pytest.fixture
def sea_ports():
    for name in ("Old Seaport", "Seaport", "A library by the sea", "sea view", "SEASIDE"):
        make_library(name=name)


def test_names_that_begin_with_the_term_come_first(admin_client, sea_ports):
    texts, _more = choices(admin_client, "sea")
    assert set(texts[:3]) == {"SEASIDE", "Seaport", "sea view"}
    assert texts[3:] == ["A library by the sea", "Old Seaport"]
    assert choices(admin_client, "sea by")[0] == ["A library by the sea"]


def test_so_do_they_where_many_are_found(
    admin_client, sea_ports, monkeypatch, django_assert_max_num_queries
):
    few, _more = choices(admin_client, "sea")
    monkeypatch.setattr("backoffice.admin.pickers.autocomplete.NAMED", 2)
    with django_assert_max_num_queries(8):  # two of them look for the beginnings
        assert choices(admin_client, "sea") == (few, False)
    monkeypatch.setattr("backoffice.admin.pickers.autocomplete.ChoicesJsonView.paginate_by", 2)
    pages = [choices(admin_client, "sea", page) for page in (1, 2, 3, 4)]
    assert [text for texts, _more in pages for text in texts] == few
    assert [more for _texts, more in pages] == [True, True, False, False]


def test_of_many_that_begin_so_each_comes_once(admin_client, sea_ports, monkeypatch):
    monkeypatch.setattr("backoffice.admin.pickers.autocomplete.NAMED", 2)
    monkeypatch.setattr("backoffice.admin.lists.beginnings.FIRST", 1)
    texts, _more = choices(admin_client, "sea")
    assert sorted(texts) == sorted(Library.objects.values_list("name", flat=True))


# Naming -----------------------------------------------------------------------------------


def test_the_column_of_a_list(admin_client, mains):
    make_patron(library=mains[0])
    make_patron(library=make_library(name="Seaford"))
    text = text_of(admin_client, url(Patron, "changelist"))
    assert f'<td data-l="Library" class="field-library">{NY}</td>' in text
    assert '<td data-l="Library" class="field-library">Seaford</td>' in text
    assert text_of(admin_client, url(Patron, "changelist") + "?o=2")  # it can be sorted by


def test_history(admin_client, mains):
    patron = make_patron(library=mains[0])
    patron.library = mains[1]
    patron.save()
    book = make_book()
    book.libraries.add(mains[0])
    text = text_of(admin_client, url(Patron, "history", patron.pk))
    assert f"<del>{NY}</del> → <ins>{NJ}</ins>" in text
    assert NY in text_of(admin_client, url(Book, "history", book.pk))
    assert f"Change history: {NY}" in text_of(
        admin_client, url(Library, "history", mains[0].pk)
    )


# Confirming -------------------------------------------------------------------------------


def test_deleting(admin_client, mains):
    page = text_of(admin_client, url(Library, "delete", mains[0].pk))
    assert page.count(NY) == 2  # in the question, and in the list
    ticked = {"action": "delete_selected", "_selected_action": [row.pk for row in mains]}
    page = text_of(admin_client, url(Library, "changelist"), ticked)
    assert NY in page
    assert NJ in page


def test_editing_many(admin_client, mains):
    patron = make_patron(library=mains[0])
    data = {
        "action": "edit_selected",
        "_selected_action": [patron.pk],
        "change": ["library"],
        "edit-library": mains[1].pk,
        "_preview": "1",
    }
    page = text_of(admin_client, url(Patron, "changelist"), data)
    assert f"<del>{NY}</del> <ins>{NJ}</ins>" in page


def test_messages_and_the_activity(admin_client, mains):
    address = url(Library, "change", mains[0].pk)
    data = form_data(admin_client.get(address), address="2 New Street")
    page = text_of(admin_client, address, data)
    assert f'">{NY}</a>” was changed successfully' in page
    assert LogEntry.objects.get().object_repr == NY
    assert NY in text_of(admin_client, reverse("admin:backoffice_entry_changelist"))
    make_library(name="Seaford")
    data = form_data(admin_client.get(url(Library, "add")), name="Seaford", address="1 Street")
    data |= {"state": "NY", "phone_number": "212-222-6559", "zip_code": "11783"}
    page = text_of(admin_client, url(Library, "add"), data)
    assert '">Seaford — 11783, New York</a>” was added successfully' in page


def test_a_popup_gives_the_name(admin_client, mains):
    data = form_data(admin_client.get(url(Library, "add")), name="Main Library")
    data |= {"address": "1 Street", "state": "WY", "phone_number": "307-555-0100"}
    data |= {"zip_code": "82001", "_popup": "1"}
    page = text_of(admin_client, url(Library, "add") + "?_popup=1", data)
    assert "82001, Wyoming" in page


# What is gone -----------------------------------------------------------------------------


def test_deleted_records_and_the_message(admin_client, mains):
    patron = make_patron(name="Ann", library=mains[0])
    patron.library = mains[1]
    patron.save()
    page = text_of(admin_client, url(Library, "delete", mains[0].pk), {"post": "yes"})
    assert f"“{NY}” was deleted successfully" in page
    history = text_of(admin_client, url(Patron, "history", patron.pk))
    assert f"{NY} (deleted)" in history
    page = text_of(admin_client, url(Library, "deleted"))
    assert NY in page
    other = mains[1].pk
    mains[1].delete()
    page = text_of(admin_client, url(Library, "deleted"))  # now they have namesakes here alone
    assert NY in page
    assert NJ in page
    # None is there that has the name.
    assert "Restore Main Library" in text_of(admin_client, url(Library, "restore", other))


def test_an_undo_names_what_it_writes(admin_client, mains):
    data = {
        "action": "edit_selected",
        "_selected_action": [mains[0].pk],
        "change": ["address"],
        "edit-address": "9 New Street",
    }
    expected = admin_client.post(url(Library, "changelist"), data | {"_preview": "1"}).context[
        "expected"
    ]
    page = text_of(
        admin_client, url(Library, "changelist"), data | {"_apply": "1", "expected": expected}
    )
    assert NY in page
