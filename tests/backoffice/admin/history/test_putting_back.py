"""What going back to a version changes is shown first; one field or link goes back alone."""

import pytest
from django.contrib import admin
from django.utils import timezone

from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.history.test_history import links, sign_in
from tests.backoffice.admin.pages import perm, statements, url
from tests.factories import make_book, make_librarian, make_library, make_patron

pytestmark = pytest.mark.django_db


def version(record):
    return url(record.instance_type, "simple_history", record.instance.pk, record.pk)


def shown(client, record, **query):
    """`{label: (now, then)}`, or of links `(removed, added)`."""
    page = client.get(version(record), query)
    return {
        each.label: (
            ([link.text for link in each.removed], [link.text for link in each.added])
            if each.is_links
            else (each.now, each.then)
        )
        for each in page.context["differences"]
    }


def put_back(client, record, only):
    page = client.get(version(record))
    data = {"only": only, "shown": page.context["shown"]}
    return client.post(version(record), data, follow=True)


@pytest.fixture
def library():
    """Its phone number was changed, then its name, then its address."""
    row = make_library(name="Old", phone_number="212-222-6559", address="1 Main Street")
    for field, value in (
        ("phone_number", "609-924-9529"),
        ("name", "New"),
        ("address", "2 Main Street"),
    ):
        setattr(row, field, value)
        row.save()
    return row


def test_it_is_shown_what_reverting_would_change(admin_client, library):
    first = library.history.last()
    assert shown(admin_client, first) == {
        "Name": ("New", "Old"),
        "Address": ("2 Main Street", "1 Main Street"),
        "Phone number": ("609-924-9529", "212-222-6559"),
    }
    assert shown(admin_client, library.history.first()) == {}
    assert shown(admin_client, first, only="name") == {"Name": ("New", "Old")}
    assert 'value="Revert"' not in admin_client.get(version(first), {"only": "name"}).text


def test_one_phone_number_goes_back_alone(admin_client, superuser, library):
    first = library.history.last()
    page = admin_client.get(url(Library, "history", library.pk))
    assert f"{version(first)}?only=phone_number" in page.text
    put_back(admin_client, first, "phone_number")
    library.refresh_from_db()
    assert (library.name, library.phone_number) == ("New", "212-222-6559")
    latest = library.history.first()
    assert latest.history_user == superuser
    assert latest.history_change_reason.startswith("Put back phone number of ")
    assert library.history.count() == 5


def test_history_tells_times_to_the_second(admin_client, library):
    record = library.history.first()
    time = f"{timezone.localtime(record.history_date):%H:%M:%S}"
    assert time in admin_client.get(url(Library, "history", library.pk)).text
    assert time in admin_client.get(version(record)).text


def test_what_was_changed_since_the_page_was_opened_is_not_overwritten(admin_client, library):
    first = library.history.last()
    page = admin_client.get(version(first))
    Library.objects.filter(pk=library.pk).update(phone_number="800-555-0100")
    for pressed in ({"only": "phone_number"}, {"_save": "Revert"}):
        data = pressed | {"shown": page.context["shown"]}
        done = admin_client.post(version(first), data)
        assert "It was changed since the page was opened" in done.text
        assert "800-555-0100" in done.text
    assert Library.objects.get().phone_number == "800-555-0100"


def test_what_is_there_again_is_not_overwritten(admin_client, library):
    first = library.history.last()
    Library.objects.all().delete()
    page = admin_client.get(version(first))
    again = make_library(pk=first.id, name="Somebody else's")
    assert '<input type="hidden" name="shown" value="">' in page.text
    done = admin_client.post(version(first), {"shown": ""})
    assert "It was changed since the page was opened" in done.text
    again.refresh_from_db()
    assert again.name == "Somebody else's"


def test_a_version_that_is_as_the_record_offers_nothing(admin_client, library):
    page = admin_client.get(version(library.history.first())).text
    assert "Nothing differs from what it is now." in page
    assert 'value="Revert"' not in page
    assert 'value="Revert"' in admin_client.get(version(library.history.last())).text


def test_what_the_form_does_not_let_one_change_stays(admin_client, library, monkeypatch):
    first, latest = library.history.last(), library.history.first()
    library_admin = admin.site.get_model_admin(Library)
    monkeypatch.setattr(library_admin, "readonly_fields", ("phone_number",))
    page = admin_client.get(version(first)).text
    assert "(stays: you may not change it)" in page
    assert "Put back Address" in page
    assert "Put back Phone number" not in page
    assert put_back(admin_client, first, "phone_number").status_code == 403
    admin_client.post(version(first))
    library.refresh_from_db()
    assert (library.name, library.phone_number) == ("Old", "609-924-9529")
    page = admin_client.get(version(first))
    assert list(shown(admin_client, first)) == ["Phone number"]
    assert 'value="Revert"' not in page.text
    admin_client.post(version(latest))
    library.refresh_from_db()
    assert library.name == "New"


def test_what_else_is_wrong_with_the_row_is_no_reason(admin_client, library):
    Library.objects.update(zip_code="nowhere")
    put_back(admin_client, library.history.last(), "name")
    library.refresh_from_db()
    assert (library.name, library.zip_code) == ("Old", "nowhere")


def test_a_value_that_is_not_valid_any_more_is_refused_in_words(admin_client, library):
    Library.history.filter(name="Old").update(phone_number="-4")
    done = put_back(admin_client, library.history.last(), "phone_number")
    assert "Phone number: This is a code" in done.text
    library.refresh_from_db()
    assert library.phone_number == "609-924-9529"
    assert put_back(admin_client, library.history.last(), "nothing").status_code == 404


def test_a_reference_goes_back_only_where_it_may_be_chosen(admin_client, monkeypatch):
    first, second = make_library(name="First"), make_library(name="Second")
    patron = make_patron(library=first)
    patron.library = second
    patron.save()
    record = patron.history.last()
    assert shown(admin_client, record) == {"Library": ("Second", "First")}
    seen = Library.objects.exclude(name="First")
    library_admin = admin.site.get_model_admin(Library)
    with monkeypatch.context() as patch:
        patch.setattr(library_admin, "get_queryset", lambda request: seen.all())
        assert "you may not choose" in put_back(admin_client, record, "library").text
    put_back(admin_client, record, "library")
    assert Patron.objects.get().library == first
    patron.refresh_from_db()
    first.delete()


def test_a_unique_value_that_is_taken_is_refused_in_words(admin_client):
    library = make_library()
    librarian = make_librarian(library=library)
    librarian.library = make_library()
    librarian.save()
    make_librarian(library=library)
    done = put_back(admin_client, librarian.history.last(), "library")
    assert "Librarian with this Library already exists." in done.text
    assert Librarian.objects.count() == 2


# Links ----------------------------------------------------------------------------------


@pytest.fixture
def book():
    """It was in A and B, then in B and C."""
    a, b, c = (make_library(name=name) for name in "ABC")
    book = make_book(title="Old", libraries=[a, b])
    book.title = "New"
    book.save()
    book.libraries.set([b, c])
    return book


def names(book):
    return sorted(str(library) for library in book.libraries.all())


def before(book):
    return next(r for r in book.history.all() if r.title == "Old" and len(links(r)) == 2)


def test_one_link_goes_back_alone(admin_client, superuser, book):
    record, number = before(book), book.history.count()
    assert shown(admin_client, record)["Libraries"] == (["C"], ["A"])
    a, c = Library.objects.get(name="A"), Library.objects.get(name="C")
    put_back(admin_client, record, f"libraries:{a.pk}")
    assert names(book) == ["A", "B", "C"]
    assert book.history.count() == number + 1
    assert book.history.latest().history_user == superuser
    put_back(admin_client, record, f"libraries:{c.pk}")
    assert names(book) == ["A", "B"]
    book.refresh_from_db()
    assert book.title == "New"


def test_all_links_go_back_without_the_title(admin_client, book):
    put_back(admin_client, before(book), "libraries")
    book.refresh_from_db()
    assert (book.title, names(book)) == ("New", ["A", "B"])
    latest = book.history.latest()
    assert latest.history_change_reason.startswith("Put back libraries of ")
    assert len(links(latest)) == 2


def test_a_link_that_can_not_come_back_is_named(admin_client, book):
    library = Library.objects.get(name="A")
    pk = library.pk
    library.delete()
    record = before(book)
    page = admin_client.get(version(record))
    assert "A (deleted)" in page.text
    assert "it is gone, or you may not choose it" in page.text
    done = put_back(admin_client, record, f"libraries:{pk}")
    assert "It no longer exists, or you may not choose it." in done.text
    assert names(book) == ["B", "C"]


def test_links_stay_where_the_form_has_no_picker_of_them(client, book, monkeypatch):
    monkeypatch.setattr(admin.site.get_model_admin(Book), "picker_max_rows", 1)
    sign_in(client, perm("view", Book), perm("change", Book))
    record, a = before(book), Library.objects.get(name="A")
    assert "Put back A" not in client.get(version(record)).text
    for only in ("libraries", f"libraries:{a.pk}"):
        assert put_back(client, record, only).status_code == 403
    client.post(version(record))
    book.refresh_from_db()
    assert (book.title, names(book)) == ("Old", ["B", "C"])


def test_a_version_takes_as_many_statements_for_many_links_as_for_few(admin_client, book):
    record = before(book)
    few = statements(admin_client, version(record))
    book.libraries.add(*(make_library() for _ in range(40)))
    page = admin_client.get(version(record))
    (_title, libraries) = page.context["differences"]
    assert (len(libraries.removed), libraries.more_removed) == (20, 21)
    assert statements(admin_client, version(record)) == few


def test_a_deleted_row_leads_to_its_restoration(admin_client, book):
    record, pk = before(book), book.pk
    book.delete()
    assert url(Book, "restore", pk) in admin_client.get(version(record)).text
