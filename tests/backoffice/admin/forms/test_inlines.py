"""Inlines with pages: what they show and find for any model, and their statements."""

import re

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.admin.base import StackedInline, TabularInline
from library.models import Library, Patron
from tests.backoffice.admin.forms.inline_pages import (
    fill,
    formset,
    names,
    typed,
    use,
)
from tests.backoffice.admin.pages import form_data, statements, url
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db


# Pages ----------------------------------------------------------------------------------


def test_a_small_inline_is_as_ever(admin_client, library, address):
    fill(library, 25)
    page = admin_client.get(address)
    assert len(names(page)) == 25
    assert "inline-search" not in page.text
    assert "inline-pages" not in page.text


def test_a_large_inline_comes_by_the_page(admin_client, library, address):
    fill(library, 1060)
    fill(make_library(), 5)
    every = [f"Patron {n:04}" for n in range(1060)]
    for number, expected in {
        None: every[:25],
        2: every[25:50],
        30: every[725:750],
        43: every[1050:],
    }.items():
        page = admin_client.get(address, {"patron_set-p": number} if number else {})
        assert names(page) == expected
    assert "1,051–1,060 of 1,060 patrons" in page.text


def test_rows_of_one_name_are_each_on_one_page(admin_client, library, address):
    pks = {make_patron(name="Ann", library=library).pk for _ in range(60)}
    pages = [admin_client.get(address, {"patron_set-p": p}) for p in (1, 2, 3)]
    shown = [row.pk for page in pages for row in formset(page).get_queryset()]
    assert (len(shown), set(shown)) == (60, pks)


def test_the_links_keep_what_else_is_in_the_address(admin_client, library, address):
    fill(library, 60)
    query = {"_changelist_filters": "q=a&p=2", "patron_set-p": "2", "patron_set-q": "patron"}
    page = admin_client.get(address, query)
    assert formset(page).get_address(p=3) == (
        "?_changelist_filters=q%3Da%26p%3D2&patron_set-q=patron&patron_set-p=3#patron_set-rows"
    )
    assert list(formset(page).other_params()) == [("_changelist_filters", "q=a&p=2")]


def test_a_form_stays_far_below_the_number_of_fields_that_django_takes(
    admin_client, library, address
):
    fill(library, 1000)
    page = admin_client.get(address)
    inputs = re.findall(r'<(?:input|select)[^>]* name="patron_set-', page.text)
    assert len(inputs) < 200 < settings.DATA_UPLOAD_MAX_NUMBER_FIELDS


def test_a_page_of_rows_with_many_fields_is_shorter(monkeypatch, admin_client, library):
    monkeypatch.setattr("backoffice.admin.forms.inlines.MAX_INPUTS", 20)
    fill(library, 60)
    page = admin_client.get(url(Library, "change", library.pk))
    assert len(names(page)) == 20 // (2 + 3)


def test_a_form_to_add_has_no_pages(admin_client):
    page = admin_client.get(url(Library, "add"))
    assert "inline-pages" not in page.text
    data = form_data(
        page,
        name="New",
        address="1 Main Street",
        state="NY",
        phone_number="212-222-6559",
        zip_code="10016",
        **{"patron_set-0-name": "Ann", "librarian-0-name": "Lea"},
    )
    assert admin_client.post(url(Library, "add"), data).status_code == 302
    library = Library.objects.get()
    assert (library.patron_set.get().name, library.librarian.name) == ("Ann", "Lea")


@pytest.mark.parametrize(
    "query",
    [
        "patron_set-p=abc",
        "patron_set-p=-1",
        "patron_set-p=0",
        "patron_set-p=" + "9" * 30,
        "patron_set-p=" + "9" * 5000,
        "patron_set-p=%00",
        "patron_set-p=1&patron_set-p=2",
        "patron_set-q=%00",
        "patron_set-q=a%00b",
        "patron_set-q=%ff%fe",
        "patron_set-q='" + "%22",
        "patron_set-q=" + "a+" * 3000,
        "patron_set-q=%25_\\",
        "librarian-p=7&librarian-q=x",
        "patron_set-SEEN=x",
    ],
)
def test_no_address_breaks_the_page(admin_client, library, address, query):
    fill(library, 30)
    assert admin_client.get(f"{address}?{query}").status_code == 200


# Search ---------------------------------------------------------------------------------


def test_a_search_finds_rows_of_this_parent(admin_client, library, address):
    fill(library, 60)
    ann = make_patron(name="Ann O'Neil", library=library)
    make_patron(name="Ann O'Neil")
    page = admin_client.get(address, {"patron_set-q": "neil ANN"})
    assert formset(page).get_queryset() == [ann]
    assert "1 result" in page.text


def test_a_search_through_the_parent_is_left_out(admin_client, library, address):
    """Or "Smith" would find all patrons of Smithtown."""
    fill(library, 60)
    smith = make_patron(name="Zoe Smith", library=library)
    page = admin_client.get(address, {"patron_set-q": "smith"})
    assert formset(page).get_queryset() == [smith]


def test_a_search_that_finds_nothing_can_be_left(admin_client, library, address):
    fill(library, 60)
    page = admin_client.get(address, {"patron_set-q": "nobody"})
    assert names(page) == []
    assert '<a href="?#patron_set-rows">Show all</a>' in page.text


def test_an_inline_may_have_search_fields_of_its_own(monkeypatch, admin_client, library):
    use(monkeypatch, Library, model=Patron, search_fields=("=name",))
    fill(library, 60)
    address = url(Library, "change", library.pk)
    assert names(admin_client.get(address, {"patron_set-q": "'patron 0001'"})) == [
        "Patron 0001"
    ]
    assert names(admin_client.get(address, {"patron_set-q": "0001"})) == []


def test_rows_that_a_search_joins_twice_are_shown_once(monkeypatch, admin_client):
    use(monkeypatch, Patron, model=Loan, search_fields=("books__title",), per_page=2)
    patron = make_patron()
    for n in range(3):
        loan = Loan.objects.create(number=str(n), patron=patron)
        loan.books.set([make_book(title="Dune"), make_book(title="Dune II")])
    page = admin_client.get(url(Patron, "change", patron.pk), {"loan_set-q": "dune"})
    assert formset(page, "loan_set").page.paginator.count == 3


# Any model ------------------------------------------------------------------------------


def test_a_stacked_inline_has_pages_too(monkeypatch, admin_client, library, address):
    use(monkeypatch, Library, base=StackedInline, model=Patron, per_page=10)
    fill(library, 30)
    page = admin_client.get(address, {"patron_set-p": 2})
    assert "11–20 of 30 patrons" in page.text
    data = typed(page, Patron_0015="Ann")
    assert admin_client.post(f"{address}?patron_set-p=2", data).status_code == 302
    assert library.patron_set.filter(name="Ann").exists()


def test_an_inline_may_use_a_form_and_a_formset_of_its_own(monkeypatch, admin_client, library):
    class Formset(TabularInline.formset):
        def clean(self):
            super().clean()
            self.was_cleaned = True

    class Form(TabularInline.form):
        def clean_name(self):
            return self.cleaned_data["name"].upper()

    use(monkeypatch, Library, model=Patron, formset=Formset, form=Form, ordering=("-name",))
    fill(library, 3)
    address = url(Library, "change", library.pk)
    page = admin_client.get(address)
    assert names(page) == ["Patron 0002", "Patron 0001", "Patron 0000"]
    admin_client.post(address, typed(page, Patron_0001="ann"))
    assert library.patron_set.filter(name="ANN").exists()


def make_loans(patron, number):
    start = Loan.objects.count()
    for n in range(start, start + number):
        loan = Loan.objects.create(number=f"L{n:03}", patron=patron)
        loan.books.set([make_book(), make_book()])


def test_links_in_rows_take_as_many_statements_for_many(monkeypatch, admin_client):
    use(monkeypatch, Patron, model=Loan)
    patron = make_patron()
    address = url(Patron, "change", patron.pk)
    make_loans(patron, 3)
    few = statements(admin_client, address)
    make_loans(patron, 27)
    assert statements(admin_client, address) == few
    page = admin_client.get(address)
    # Searched while it is typed, not a list of all books in every row.
    assert "admin-autocomplete" in page.text
    books = re.findall(r"<option[^>]*>Title", page.text)
    assert len(books) == 2 * len(formset(page, "loan_set").initial_forms)


def test_choices_in_rows_take_as_many_statements_for_many(monkeypatch, admin_client):
    """A plain list of the few; one that is searched where there may be many."""
    use(monkeypatch, User, model=User.groups.through)
    user = make_user(permissions=["library.view_book"])
    address = url(User, "change", user.pk)

    def join(number):
        for n in range(number):
            user.groups.add(Group.objects.create(name=f"Group {Group.objects.count()} {n}"))

    join(2)
    few = statements(admin_client, address)
    join(10)
    assert statements(admin_client, address) == few
    page = admin_client.get(address)
    prefix = "User_groups"
    assert len(formset(page, prefix).initial_forms) == 12
    assert "selected>Group 2 0</option>" in page.text
    other = Group.objects.create(name="Other")
    data = form_data(page, **{f"{prefix}-0-group": other.pk})
    assert admin_client.post(address, data).status_code == 302
    assert user.groups.filter(name="Other").exists()


def test_a_plain_list_of_choices_is_read_once(monkeypatch, admin_client):
    use(monkeypatch, User, model=LogEntry, fields=("content_type", "object_repr"))
    user = make_user()
    address = url(User, "change", user.pk)

    def log(number):
        LogEntry.objects.bulk_create(
            LogEntry(user=user, object_repr=f"{n}", action_flag=1) for n in range(number)
        )

    log(2)
    few = statements(admin_client, address)
    log(10)
    assert statements(admin_client, address) == few


# What it costs --------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "patron_set-p=2", "patron_set-p=999", "patron_set-q=00"])
def test_a_page_takes_as_many_statements_for_many_rows(admin_client, library, address, query):
    fill(library, 10)
    few = statements(admin_client, f"{address}?{query}")
    for n in range(10, 1000, 10):
        Patron.objects.bulk_create(
            Patron(name=f"Patron {n + m:04}", library=library) for m in range(10)
        )
    assert statements(admin_client, f"{address}?{query}") == few


def test_a_save_takes_as_many_statements_for_many_rows(admin_client, library, address):
    def cost():
        page = admin_client.get(address)
        data = typed(page, Patron_0005="Ann")
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.post(address, data).status_code == 302
        Patron.objects.filter(name="Ann").update(name="Patron 0005")
        return len(queries)

    fill(library, 10)
    cost()  # what the process remembers
    few = cost()
    Patron.objects.bulk_create(
        Patron(name=f"Patron {n:04}", library=library) for n in range(10, 1000)
    )
    assert cost() == few


def test_a_row_that_is_changed_takes_what_its_save_and_its_history_take(
    admin_client, library, address
):
    def cost(**edits):
        data = typed(admin_client.get(address), **edits)
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.post(address, data).status_code == 302
        return len(queries)

    fill(library, 10)
    cost(Patron_0000="A")  # what the process remembers
    one = cost(Patron_0001="B")
    assert cost(Patron_0002="C", Patron_0003="D") == one + 3


def test_the_rows_of_a_parent_are_read_in_the_order_of_an_index(library):
    """Where a page of many must not sort them all."""
    rows = library.patron_set.order_by("name", "pk")[:25]
    if connection.vendor == "sqlite":
        assert "TEMP B-TREE" not in rows.explain()
    fields = [index.fields for index in Patron._meta.indexes]
    assert ["library", "name", "id"] in fields
