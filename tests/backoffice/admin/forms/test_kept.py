"""What a form leaves as it is, links that two people change, and what is refused."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.forms import CharField, ModelForm, modelform_factory
from django.test.utils import CaptureQueriesContext

from backoffice.admin.base import PlainModelAdmin
from library.models import Library, Patron
from tests.backoffice.admin.forms.inline_pages import told
from tests.backoffice.admin.pages import model_admin, sent, url
from tests.backoffice.admin.pickers.picking import changes
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db


def opened(client, row):
    """What the browser would send of the row's form."""
    return sent(client.get(url(type(row), "change", row.pk)))


def save(client, row, data):
    return client.post(url(type(row), "change", row.pk), data)


def saved(client, row, data):
    response = save(client, row, data)
    assert response.status_code == 302, response.context["adminform"].form.errors
    return told(response)


# Links ----------------------------------------------------------------------------------


def linked():
    """`(row, name of the links, manager, two linked rows, two that are not)` of each kind."""
    libraries = [make_library(name=name) for name in "abcd"]
    groups = [Group.objects.create(name=name) for name in "abcd"]
    permissions = list(Permission.objects.order_by("pk")[:4])
    user = make_user(username="ann")
    user.groups.set(groups[:2])
    user.user_permissions.set(permissions[:2])
    groups[3].permissions.set(permissions[:2])
    book = make_book(libraries=libraries[:2])
    held = make_library(name="Held")
    books = [make_book(title=title, libraries=[libraries[0]]) for title in "abcd"]
    held.book_set.set(books[:2])
    loan = Loan.objects.create(number="1", patron=make_patron())
    loan.books.set(books[:2])
    return {
        "book": (book, "libraries", libraries),
        "library": (held, "book_set", books),
        "loan": (loan, "books", books),
        "user": (user, "groups", groups),
        "permissions of a user": (user, "user_permissions", permissions),
        "group": (groups[3], "permissions", permissions),
    }


@pytest.mark.parametrize("kind", ["book", "library", "loan", "user", "group"])
def test_what_two_people_choose_goes_together(admin_client, kind):
    row, name, rows = linked()[kind]
    data = opened(admin_client, row)
    links = getattr(row, name)
    links.add(rows[2])
    links.remove(rows[1])
    data[name] = [str(each.pk) for each in (rows[1], rows[3])]  # without the first
    said = saved(admin_client, row, data)
    assert set(links.all()) == {rows[2], rows[3]}
    assert f"“{rows[2]}" in said
    assert " added; " in said


@pytest.mark.parametrize("kind", ["book", "library", "loan", "user", "permissions of a user"])
def test_links_that_were_not_touched_are_those_of_the_other(admin_client, kind):
    row, name, rows = linked()[kind]
    data = opened(admin_client, row)
    getattr(row, name).set(rows[2:])
    saved(admin_client, row, data)
    assert set(getattr(row, name).all()) == set(rows[2:])


def test_links_come_back_together_after_an_error(admin_client):
    row, name, rows = linked()["book"]
    data = opened(admin_client, row)
    row.libraries.add(rows[2])
    row.libraries.remove(rows[1])
    data |= {name: [str(rows[0].pk), str(rows[3].pk)], "title": [""]}
    page = save(admin_client, row, data)
    assert page.status_code == 200
    chosen = {str(rows[n].pk) for n in (0, 2, 3)}
    assert set(sent(page)[name]) == chosen
    saved(admin_client, row, sent(page) | {"title": "Mended"})
    assert {str(each.pk) for each in row.libraries.all()} == chosen


def test_the_last_link_may_go_if_another_has_come(admin_client):
    """A book must be in a library: it is."""
    book, other = make_book(libraries=[make_library()]), make_library()
    data = opened(admin_client, book) | {"libraries": []}
    book.libraries.add(other)
    saved(admin_client, book, data)
    assert book.libraries.get() == other


def test_the_last_link_does_not_go(admin_client):
    book, other = make_book(libraries=[make_library()]), make_library()
    book.libraries.add(other)
    data = opened(admin_client, book)
    book.libraries.remove(other)
    data["libraries"] = [str(other.pk)]
    page = save(admin_client, book, data)
    assert "This field is required" in page.text
    assert book.libraries.count() == 1


@pytest.mark.usefixtures("few_are_many")
def test_a_large_picker_and_a_small_one_are_merged(admin_client):
    book, here, there = make_book(libraries=[make_library()]), make_library(), make_library()
    data = opened(admin_client, book)
    book.libraries.add(there)
    saved(admin_client, book, data | changes(added=[here]))
    assert {here, there} < set(book.libraries.all())


# Fields ---------------------------------------------------------------------------------


def test_an_account_that_was_ended_stays_ended(admin_client):
    ann = make_user(username="ann")
    data = opened(admin_client, ann)
    User.objects.filter(pk=ann.pk).update(is_active=False)
    said = saved(admin_client, ann, data | {"email": "ann@example.org"})
    ann.refresh_from_db()
    assert (ann.is_active, ann.email) == (False, "ann@example.org")
    assert "Active is now “No” (somebody else)" in said


def test_a_password_is_not_in_the_page(admin_client):
    ann = make_user(username="ann", password="a secret of hers")
    form = admin_client.get(url(User, "change", ann.pk)).context["adminform"].form
    assert "password" in form.fields
    assert "password" not in str(form.seen_text)


def test_history_has_the_whole_record(admin_client, library):
    patron = make_patron(library=make_library())
    data = opened(admin_client, patron) | {"name": "Mine"}
    patron.library = library
    patron.save()
    saved(admin_client, patron, data)
    record = patron.history.first()
    assert (record.name, record.library) == ("Mine", library)
    assert record.history_user.username == "admin"


def test_what_nobody_typed_is_written_as_it_is(admin_client, library):
    Library.objects.filter(pk=library.pk).update(address=" 1  Main Street ", name="Old  Name")
    data = opened(admin_client, library) | {"zip_code": "08542"}
    saved(admin_client, library, data)
    library.refresh_from_db()
    assert (library.address, library.name) == (" 1  Main Street ", "Old  Name")


def test_the_author_of_each_field_is_named(admin_client, library):
    data = opened(admin_client, library)
    for user, values in (("ann", {"address": "New"}), ("bob", {"state": "NJ"})):
        library._history_user = make_user(username=user)
        for name, value in values.items():
            setattr(library, name, value)
        library.save()
    said = saved(admin_client, library, data | {"name": "Mine"})
    assert "Address is now “New” (ann, " in said
    assert "State is now “New Jersey” (bob, " in said


def test_a_third_change_is_asked_about_again(admin_client, library):
    data = opened(admin_client, library) | {"name": "Mine"}
    Library.objects.update(name="Second")
    page = save(admin_client, library, data)
    assert "Name is now “Second” (somebody else)" in page.text
    Library.objects.update(name="Third")
    page = save(admin_client, library, sent(page))
    assert "Name is now “Third”" in page.text
    said = saved(admin_client, library, sent(page) | {"name-take": "theirs"})
    library.refresh_from_db()
    assert library.name == "Third"
    assert "meanwhile" not in said


def test_a_value_that_can_not_be_is_told_of_as_well(admin_client, library):
    data = opened(admin_client, library) | {"zip_code": "x"}
    Library.objects.update(zip_code="08542")
    page = save(admin_client, library, data)
    errors = page.context["adminform"].form.errors["zip_code"]
    assert len(errors) == 2
    assert "ZIP code is now “08542”" in errors[1]
    saved(admin_client, library, sent(page) | {"zip_code": "10001"})
    library.refresh_from_db()
    assert library.zip_code == "10001"


def test_two_who_type_the_same_are_not_asked(admin_client, library):
    data = opened(admin_client, library) | {"name": "Same"}
    Library.objects.update(name="Same")
    saved(admin_client, library, data)


@pytest.mark.parametrize("seen", [None, "x", "x:y:z"])
def test_who_does_not_say_what_was_shown_is_compared_with_what_is_stored(
    admin_client, library, seen
):
    data = opened(admin_client, library) | {"name": "Mine", "_seen": seen or ""}
    if seen is None:
        del data["_seen"]
    Library.objects.update(name="Theirs")
    saved(admin_client, library, data)
    library.refresh_from_db()
    assert library.name == "Mine"


def test_a_related_record_is_named_with_what_tells_it_apart(admin_client):
    libraries = [make_library(name="Main", zip_code=code) for code in ("10001", "10002")]
    patron = make_patron(library=make_library())
    data = opened(admin_client, patron) | {"library": str(libraries[0].pk)}
    Patron.objects.update(library=libraries[1])
    page = save(admin_client, patron, data)
    assert "Library is now “Main — 10002, New York”" in page.text


# Gone -----------------------------------------------------------------------------------


def test_rows_typed_into_a_record_that_is_gone_can_be_saved_anew(admin_client, library):
    make_patron(name="Ann", library=library)
    data = opened(admin_client, library) | {"patron_set-1-name": "Bob", "name": "Again"}
    Library.objects.get(pk=library.pk).delete()
    page = save(admin_client, library, data)
    assert "“Smithtown” was deleted meanwhile" in page.text
    assert url(Library, "history", data["librarian-0-library"][0]) in page.text
    response = admin_client.post(url(Library, "add"), sent(page))
    assert response.status_code == 302
    (new,) = Library.objects.all()
    assert new.name == "Again"
    assert set(new.patron_set.values_list("name", flat=True)) == {"Ann", "Bob"}


def test_who_may_not_add_gets_the_text_back(client, library):
    client.force_login(make_user(permissions=["library.change_library"]))
    data = opened(client, library) | {"name": "Typed"}
    Library.objects.get(pk=library.pk).delete()
    page = save(client, library, data)
    assert "Typed" in page.text
    assert 'name="_save"' not in page.text


def test_what_went_out_of_sight_is_not_said_to_be_deleted(admin_client, library, monkeypatch):
    data = opened(admin_client, library) | {"name": "Typed"}
    monkeypatch.setattr(
        model_admin(Library), "get_queryset", lambda request: Library.objects.none()
    )
    page = save(admin_client, library, data)
    assert "is no longer one that you may see" in page.text
    assert "Typed" in page.text


# Refused --------------------------------------------------------------------------------


def test_what_would_overwrite_is_refused():
    class PatronInline(admin.TabularInline):
        model = Patron

    class LibraryAdmin(PlainModelAdmin):
        list_display = ("id", "name")
        list_editable = ("name",)
        inlines = (PatronInline,)

    found = LibraryAdmin(Library, admin.site).check()
    assert [each.id for each in found] == ["backoffice.E060", "backoffice.E061"]


def test_a_form_that_would_overwrite_is_refused(admin_client, library, monkeypatch):
    form = modelform_factory(Library, fields=["name"])
    monkeypatch.setattr(model_admin(Library), "get_form", lambda *args, **kwargs: form)
    monkeypatch.setattr(model_admin(Library), "fields", ["name"])
    with pytest.raises(ImproperlyConfigured, match="must return what super"):
        opened(admin_client, library)


def test_a_form_of_ones_own_sees_the_record_as_it_is(admin_client, library, monkeypatch):
    seen = {}

    class Form(ModelForm):
        note = CharField(required=False)

        def clean(self):
            super().clean()
            seen.update(self.cleaned_data)
            self.cleaned_data["address"] += ", new"
            return self.cleaned_data

    monkeypatch.setattr(model_admin(Library), "form", Form)
    data = opened(admin_client, library) | {"name": "Mine", "note": "x"}
    Library.objects.update(state="NJ")
    saved(admin_client, library, data)
    assert (seen["name"], seen["state"], seen["note"]) == ("Mine", "NJ", "x")
    library.refresh_from_db()
    assert library.address.endswith(", new")


def test_a_row_of_an_inline_takes_theirs(admin_client, library):
    patron = make_patron(name="Ann", library=library)
    data = opened(admin_client, library) | {"patron_set-0-name": "Mine"}
    patron.name = "Theirs"
    patron._history_user = make_user(username="zoe")
    patron.save()
    page = save(admin_client, library, data)
    assert "Name is now “Theirs” (zoe, " in page.text
    saved(admin_client, library, sent(page) | {"patron_set-0-name-take": "theirs"})
    patron.refresh_from_db()
    assert patron.name == "Theirs"
    saved(admin_client, library, sent(page))
    patron.refresh_from_db()
    assert patron.name == "Mine"


def test_save_as_new_is_no_change_of_the_former(admin_client, library, monkeypatch):
    monkeypatch.setattr(model_admin(Library), "save_as", True)
    data = opened(admin_client, library) | {"name": "Copy", "_saveasnew": "1"}
    Library.objects.update(name="Theirs")
    saved(admin_client, library, data)
    assert set(Library.objects.values_list("name", flat=True)) == {"Copy", "Theirs"}


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_the_record_is_locked_before_it_is_read(admin_client, library):
    data = opened(admin_client, library)
    with CaptureQueriesContext(connection) as queries:
        saved(admin_client, library, data)
    read = [q["sql"] for q in queries if 'FROM "library_library"' in q["sql"]]
    assert "FOR NO KEY UPDATE" in read[0]
