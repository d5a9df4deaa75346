"""The export page: who may, which rows, which columns, and the file."""

import csv
import io
import json

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from backoffice.exports.export import EXPORTED
from backoffice.exports.formats import FORMATS
from backoffice.trail.models import Entry
from library.models import Book, Library
from library.resources import LibraryResource
from tests.backoffice.admin.pages import model_admin, perm, url
from tests.factories import make_book, make_library, make_patron, make_user

EXPORT = "admin:library_library_export"
FIELDS = ("name", "address", "state", "phone_number", "zip_code")
NUMBERS = {format_class.name: str(n) for n, format_class in enumerate(FORMATS)}

pytestmark = pytest.mark.django_db


def unread(client, query="", columns=FIELDS, name="csv", **data):
    data = {"format": NUMBERS[name], "resource": "0", **data}
    data |= {f"libraryresource_{column}": "on" for column in columns}
    return client.post(reverse(EXPORT) + query, data)


def export(*args, **kwargs):
    response = unread(*args, **kwargs)
    if response.streaming:  # an export that is left ends in another test
        response.streaming_content = [b"".join(response.streaming_content)]
    return response


def table(response):
    return list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"))))


def names(response):
    return [row[0] for row in table(response)[1:]]


# Which rows -------------------------------------------------------------------------


def test_a_file_with_the_rows_of_the_list(admin_client):
    make_library(name="Apple", state="NY")
    make_library(name="Berry", state="NJ")
    response = export(admin_client)
    assert "attachment" in response["Content-Disposition"]
    assert names(response) == ["Apple", "Berry"]
    assert names(export(admin_client, "?state=NJ")) == ["Berry"]
    assert names(export(admin_client, "?q=apple")) == ["Apple"]
    assert names(export(admin_client, "?o=-1")) == ["Berry", "Apple"]


def test_the_list_hands_its_filters_to_the_export(admin_client):
    make_library(state="NY")
    listing = admin_client.get(reverse("admin:library_library_changelist") + "?state=NY")
    assert f"{reverse(EXPORT)}?state=NY" in listing.text


def test_the_page_words_the_filters_as_the_list_does(admin_client):
    query = "?state=NY&q=Apple&librarian=no&id=1"
    page = admin_client.get(reverse(EXPORT) + query)
    assert page.context["selection"] == "Search: Apple, State: New York, Librarian: None, Id: 1"


@pytest.mark.parametrize("query", ["?nothing=1", "?id=x", "?id__in=1,x"])
def test_a_filter_that_can_t_be_leads_back_to_the_list(admin_client, query):
    for response in (export(admin_client, query), admin_client.get(reverse(EXPORT) + query)):
        assert (response.status_code, response.url) == (302, "../?e=1")
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("query", ["?q=%00", "?name=A%00", "?q=A%0a2026-11-25 INFO: bob"])
def test_a_filter_that_no_log_could_keep_is_none_the_less_logged(admin_client, query):
    response = export(admin_client, query)
    if response.status_code == 200:
        assert names(response) == []
        assert "\N{REPLACEMENT CHARACTER}" in LogEntry.objects.get().change_message
    else:  # back to the list, and the error there
        assert not LogEntry.objects.exists()


def test_the_page_says_what_will_be_in_the_file(admin_client, monkeypatch):
    for _n in range(3):
        make_library(state="NY")
    page = admin_client.get(reverse(EXPORT) + "?state=NY&o=1")
    assert "3 rows will be in the file." in page.text
    assert "It has what the list shows with State: New York." in page.text
    monkeypatch.setattr("backoffice.admin.lists.exports.COUNTED", 2)
    assert "More than 2 rows" in admin_client.get(reverse(EXPORT)).text


def tick(client, *libraries, across="0", query=""):
    data = {"action": "export_admin_action", "select_across": across, "index": "0"}
    data["_selected_action"] = [library.pk for library in libraries]
    return client.post(url(Library, "changelist") + query, data)


def hidden(page):
    """What the page's form sends besides what staff choose."""
    return {"_selected_action": page.context["ticked"]}


def test_ticked_rows_are_exported(admin_client):
    one, _two, three = (make_library(name=name, state="NY") for name in "ABC")
    page = tick(admin_client, one, three, query="?state=NY")
    assert "2 rows will be in the file." in page.text
    assert page.text.count('type="hidden" name="_selected_action"') == 2
    assert page.context["export_url"] == f"{reverse(EXPORT)}?state=NY"
    response = export(admin_client, "?state=NY", **hidden(page))
    assert names(response) == ["A", "C"]
    assert "2 ticked" in LogEntry.objects.get().change_message


def test_all_rows_across_pages_are_exported_by_their_filter_without_their_keys(admin_client):
    libraries = [make_library(name=f"{n:03}", state="NY") for n in range(60)]
    make_library(state="NJ")
    page = tick(admin_client, *libraries[:50], across="1", query="?state=NY")
    assert "60 rows will be in the file." in page.text
    assert "_selected_action" not in page.text
    assert page.context["export_url"] == f"{reverse(EXPORT)}?state=NY"
    assert len(names(export(admin_client, "?state=NY", **hidden(page)))) == 60


def test_ticked_rows_that_can_t_be_lead_back_to_the_list_or_are_not_there(admin_client):
    make_library()
    assert export(admin_client, _selected_action=["x"]).status_code == 302
    response = export(admin_client, _selected_action=["1", "9" * 30])  # too large a number
    assert response.status_code == 302 or names(response) == []


def test_a_record_s_page_leads_to_an_export_of_it(admin_client):
    make_library(name="Other")
    library = make_library(name="Mine")
    page = admin_client.get(url(Library, "change", library.pk))
    query = page.context["export_url"].removeprefix(reverse(EXPORT))
    assert f'href="{page.context["export_url"]}"' in page.text
    assert names(export(admin_client, query)) == ["Mine"]


# Who may ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "permissions",
    [
        [],
        ["library.view_patron", "library.export_patron"],
        ["library.view_library", "library.change_library"],
        ["library.export_library"],
    ],
)
def test_export_takes_the_right_to_it_and_to_view(client, permissions):
    library = make_library()
    client.force_login(make_user(permissions=permissions))
    assert client.get(reverse(EXPORT)).status_code == 403
    assert export(client).status_code == 403
    assert export(client, f"?id={library.pk}").status_code == 403
    # The action is not offered where the list is shown.
    may_see = "library.view_library" in permissions
    assert tick(client, library).status_code == (302 if may_see else 403)
    assert not LogEntry.objects.exists()


def test_what_the_list_hides_from_a_user_is_not_exported(admin_client, monkeypatch):
    mine, other = make_library(name="Mine", state="NY"), make_library(name="Other", state="NJ")
    cls, original = type(model_admin(Library)), model_admin(Library).get_queryset
    monkeypatch.setattr(cls, "get_queryset", lambda self, r: original(r).filter(state="NY"))
    ticked = [mine.pk, other.pk]
    for query, data in (("", {}), (f"?id={other.pk}", {}), ("", {"_selected_action": ticked})):
        found = names(export(admin_client, query, **data))
        assert found == ([] if query else ["Mine"])


def test_references_are_part_of_the_record(client, monkeypatch):
    make_book(title="Dune", libraries=[make_library(name="Hidden"), make_library(name="Seen")])
    shown = Library.objects.filter(name="Seen")
    monkeypatch.setattr(model_admin(Library), "get_queryset", lambda request: shown)
    rights = [perm("view", Book), perm("export", Book)]
    client.force_login(make_user(permissions=rights))
    data = {"format": NUMBERS["csv"], "resource": "0"}
    data |= {f"bookresource_{column}": "on" for column in ("title", "libraries")}
    response = client.post(url(Book, "export"), data)
    assert table(response)[1] == ["Dune", "Hidden|Seen"]


def test_the_action_is_not_offered_where_one_picks_a_record(admin_client):
    make_library()
    listing = url(Library, "changelist")
    assert "export_admin_action" in admin_client.get(listing).text
    assert "export_admin_action" not in admin_client.get(listing + "?_popup=1").text


# The file ---------------------------------------------------------------------------


def test_columns_are_chosen_and_put_in_order(admin_client):
    make_library(name="A", zip_code="08542", state="NJ")
    response = export(admin_client, columns=["name", "state", "zip_code"])
    assert table(response) == [["name", "state", "zip_code"], ["A", "NJ", "08542"]]
    # As the page has them, ZIP code moved to the front and name to the end.
    positions = {f"position_libraryresource_{name}": n for n, name in enumerate(FIELDS, 1)}
    positions["position_libraryresource_zip_code"] = 1
    positions["position_libraryresource_name"] = 5
    response = export(admin_client, **positions)
    assert table(response)[0] == ["zip_code", "address", "state", "phone_number", "name"]
    positions["position_libraryresource_zip_code"] = ""
    assert table(export(admin_client, **positions))[0][-2:] == ["zip_code", "name"]


@pytest.mark.parametrize(
    "data",
    [
        {"columns": []},
        {"format": "99"},
        {"format": ""},
        {"encoding": "latin-9"},
        {"position_libraryresource_name": "first"},
        {"resource": "7"},
    ],
)
def test_a_form_that_can_t_be_is_shown_again_and_no_file_made(admin_client, data):
    page = export(admin_client, **data)
    assert page.status_code == 200
    assert "No file was made" in page.text
    assert "errorlist" in page.text
    assert not LogEntry.objects.exists()


def test_a_byte_order_mark_is_there_if_asked_for(admin_client):
    make_library(name="Café")
    assert export(admin_client).getvalue().startswith(b"name")
    data = export(admin_client, encoding="utf-8-sig").getvalue()
    assert data.startswith("\ufeffname".encode())
    jsonl = export(admin_client, name="jsonl", encoding="utf-8-sig").getvalue()
    assert json.loads(jsonl)["name"] == "Café"


@pytest.mark.parametrize("format_class", FORMATS)
def test_every_format_is_offered_and_sent(admin_client, format_class):
    make_library(name="Main")
    response = export(admin_client, name=format_class.name)
    assert response.streaming
    assert response["Content-Type"] == format_class.content_type
    assert f".{format_class.name}" in response["Content-Disposition"]
    assert response.getvalue()


def test_the_file_is_called_after_model_filter_and_date(admin_client):
    today = timezone.localdate().isoformat()
    response = export(admin_client, "?state=NY&q=a%22%0D%0Ab")
    expected = f'attachment; filename="libraries search-a- b state-NY {today}.csv"'
    assert response["Content-Disposition"] == expected
    response = export(admin_client, "?q=é")
    assert (
        f"filename*=utf-8''libraries%20search-%C3%A9%20{today}.csv"
        in (response["Content-Disposition"])
    )


def test_a_format_for_few_rows_refuses_more_with_the_reason(admin_client, settings):
    settings.EXPORT_MAX_WHOLE_ROWS = 1
    make_library()
    assert export(admin_client, name="ods").streaming
    make_library()
    LogEntry.objects.all().delete()
    for name in ("ods", "yaml"):
        page = export(admin_client, name=name)
        assert f"{name.upper()} takes 1 rows at most." in page.text
    assert not LogEntry.objects.exists()
    assert export(admin_client, name="csv").streaming


def test_what_a_format_can_not_hold_is_said_on_the_form(admin_client):
    make_library(name="Main\x0bHall")
    page = export(admin_client, name="ods")
    assert "ODS can&#x27;t hold a character of row 2, name: “Main�Hall”." in page.text
    assert export(admin_client, name="xlsx").streaming


def test_a_formula_is_not_exported_live(admin_client):
    make_library(name="=HYPERLINK(1)")
    assert names(export(admin_client)) == ["'=HYPERLINK(1)"]


# What is offered ----------------------------------------------------------------------


def test_excel_is_offered_first_with_columns_of_related_records(admin_client):
    library = make_library(name="Apple", state="NJ")
    make_patron(name="Ann", library=library)
    form = admin_client.get(reverse(EXPORT)).context["form"]
    number, label = form.fields["format"].choices[0]
    assert (number, str(label)) == (NUMBERS["xlsx"], "For Excel (XLSX)")
    assert len(form.fields["format"].choices) == len(FORMATS)
    assert form["libraryresource_librarian"].initial
    found = export(admin_client, columns=("name", "librarian", "number_of_patrons"))
    assert table(found) == [["name", "librarian", "number_of_patrons"], ["Apple", "", "1"]]


def test_columns_of_records_that_one_may_not_view_are_neither_offered_nor_sent(client):
    make_patron(library=make_library(name="Apple"))
    rights = [perm(action, Library) for action in ("view", "export")]
    client.force_login(make_user(permissions=rights))
    fields = client.get(reverse(EXPORT)).context["form"].fields
    assert "libraryresource_name" in fields
    assert not {f"libraryresource_{name}" for name in LibraryResource.related} & set(fields)
    found = export(client, columns=("name", "number_of_patrons"))
    assert table(found) == [["name"], ["Apple"]]


# The log and the cost ---------------------------------------------------------------


def test_the_log_has_who_exported_what(admin_client, superuser):
    make_library(state="NY")
    export(admin_client, "?state=NY").getvalue()
    entry = LogEntry.objects.get()
    assert (entry.user, entry.action_flag) == (superuser, EXPORTED)
    assert entry.change_message == (
        "Exported 1 row of libraries (State: New York) as CSV: Name, Address, State,"
        " Phone number, ZIP code."
    )
    _began, done = Entry.objects.filter(action="export").order_by("pk")
    assert (done.name, done.address, done.count) == (superuser.username, "127.0.0.1", 1)
    page = admin_client.get(url(Entry, "changelist"))
    assert "Exported 1 row of libraries (State: New York)" in page.text
    assert page.text.count("Export") >= 3  # the column, the filter, and the sentence
    found = admin_client.get(url(Entry, "changelist"), {"action": "export"})
    assert found.context["cl"].result_count == 2
    assert "libraries (State: New York)" in admin_client.get(reverse("admin:index")).text


def test_statements_do_not_grow_with_the_rows(admin_client):
    def statements():
        with CaptureQueriesContext(connection) as queries:
            data = {"format": "0", "resource": "0"}
            data |= {"bookresource_title": "on", "bookresource_libraries": "on"}
            admin_client.post(url(Book, "export"), data).getvalue()
        return len(queries)

    libraries = [make_library() for _ in range(3)]
    make_book(libraries=libraries)
    statements()  # after it the content type is remembered
    few = statements()
    for _n in range(20):
        make_book(libraries=libraries)
        make_patron()
    assert statements() == few
