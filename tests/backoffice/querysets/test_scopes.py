"""Which rows a user with limits sees, of each kind of path, and how it is found."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from backoffice.filters.models import SavedFilter
from backoffice.filters.scopes import Scope
from backoffice.history.scopes import may_name_hidden, within_then
from backoffice.querysets import scopes
from backoffice.querysets.scope_checks import check_scopes
from backoffice.querysets.scopes import is_scoped, leads_within, within
from library.models import Book, Librarian, Library, Patron
from tests.everything.loans.models import Loan
from tests.factories import (
    limit,
    make_book,
    make_librarian,
    make_library,
    make_patron,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["few rows", "many rows"])
def any_number(request, monkeypatch):
    if request.param == "many rows":
        monkeypatch.setattr(scopes, "MANY", -1)


@pytest.fixture
def ours():
    return make_library(name="Ours", state="NY")


@pytest.fixture
def theirs():
    return make_library(name="Theirs", state="CA")


def seen(model, user):
    return {str(row) for row in within(model.objects.all(), user)}


def rows(ours, theirs):
    for library, name in ((ours, "our"), (theirs, "their")):
        patron = make_patron(name=f"{name} patron", library=library)
        make_librarian(name=f"{name} librarian", library=library)
        make_book(title=f"{name} book", libraries=[library])
        Loan.objects.create(number=f"{name} loan", patron=patron)
    make_book(title="shared book", libraries=[ours, theirs])
    make_book(title="no one's book")


@pytest.mark.usefixtures("any_number")
@pytest.mark.parametrize("by", ["keys", "filter"])
def test_a_user_sees_what_belongs_to_their_libraries(ours, theirs, by):
    rows(ours, theirs)
    user = limit(
        make_user(), *([ours] if by == "keys" else []), filter="state=NY" * (by != "keys")
    )
    assert seen(Library, user) == {"Ours"}
    assert seen(Patron, user) == {"our patron"}
    assert seen(Librarian, user) == {"our librarian"}
    assert seen(Book, user) == {"our book", "shared book"}
    assert seen(Loan, user) == {"our loan"}
    assert within(Book.objects.all(), user).count() == 2


@pytest.mark.usefixtures("any_number")
def test_a_book_in_several_of_ones_libraries_is_one_row(ours):
    other = make_library(state="NY")
    make_book(title="Dune", libraries=[ours, other])
    user = limit(make_user(), ours, other, filter="state=NY")
    assert [str(book) for book in within(Book.objects.all(), user)] == ["Dune"]


def test_others_have_no_limits(ours, theirs):
    rows(ours, theirs)
    admin = limit(make_user(is_superuser=True), ours)
    for user in (admin, make_user(), AnonymousUser(), None):
        assert not is_scoped(user)
        assert within(Patron.objects.all(), user).count() == 2


def test_superusers_pay_no_statement(ours):
    admin = limit(make_user(is_superuser=True), ours)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        within(Library.objects.all(), admin)
    assert not captured.captured_queries


def test_a_user_pays_once(ours):
    user = limit(make_user(), ours)
    with CaptureQueriesContext(connection) as captured:
        for _again in range(3):
            within(Library.objects.all(), user)
    assert len(captured) == 2  # what the limits are, and whether the rows are few


def test_libraries_and_a_filter_add_up(ours, theirs):
    make_library(name="Far", state="AK")
    user = limit(make_user(), theirs, filter="state=NY")
    assert seen(Library, user) == {"Ours", "Theirs"}


@pytest.mark.parametrize(
    "query",
    [
        "state=Nowhere",
        "state=",
        "state",
        "no_such=NY",
        "state=NY&no_such=1",
        "name=",
        "patron_count_min=0",
        "looks_like_another=no",
        "librarian=no",
        "added_since=2020-01-01",
        "area_code=1",
        "&",
        "zip_code=1&zip_code=2",
        " ",
    ],
)
def test_a_filter_that_says_nothing_valid_finds_nothing(ours, query):
    user = limit(make_user(), filter=query)
    assert is_scoped(user)
    assert seen(Library, user) == set()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("zip_code=10001", {"A"}),
        ("area_code=212", {"A", "B"}),
        ("phone_number=(212)", {"A", "B"}),
        ("state=NY&zip_code=10002", {"B"}),
        ("state=NY&state=CA&name=b", {"B"}),
    ],
)
def test_all_filters_of_a_librarys_own_columns(query, found):
    make_library(name="A", zip_code="10001")
    make_library(name="B", zip_code="10002")
    make_library(name="C", zip_code="99999", phone_number="907-222-6559", state="AK")
    assert seen(Library, limit(make_user(), filter=query)) == found


def test_renamed_deleted_and_restored_rows(ours, theirs):
    user = limit(make_user(), ours)
    Library.objects.filter(pk=ours.pk).update(name="New name")
    assert seen(Library, user) == {"New name"}
    key = ours.pk
    ours.delete()
    assert seen(Library, user) == set()
    assert is_scoped(user)
    make_library(pk=key, name="Restored")
    assert seen(Library, user) == {"Restored"}


@pytest.mark.parametrize("keys", [[], ["x"], [None], {}, "1", [10**30], [[1]], None])
def test_keys_that_are_none_find_nothing(ours, keys):
    user = make_user()
    Scope.objects.create(user=user, keys=keys if keys is not None else [])
    assert seen(Library, user) == set()


def test_a_thousand_libraries_are_one_parameter():
    libraries = Library.objects.bulk_create(
        Library(name=f"L{n}", address="a", state="NY", phone_number="", zip_code="")
        for n in range(1_100)
    )
    make_library(name="Theirs")
    user = limit(make_user(), *libraries)
    assert within(Library.objects.all(), user).count() == 1_100
    make_patron(name="Ann", library=libraries[7])
    make_patron()
    assert seen(Patron, user) == {"Ann"}


def test_what_declares_nothing_is_hidden_and_ones_own_is_not(ours):
    user = limit(make_user(permissions=["auth.view_user", "library.view_patron"]), ours)
    assert not within(User.objects.all(), user)
    Group.objects.create(name="Staff")
    assert not within(Group.objects.all(), user)
    SavedFilter.objects.create(user=user, model="x", name="mine", query="")
    SavedFilter.objects.create(user=make_user(), model="x", name="s", query="", shared=True)
    assert seen(SavedFilter, user) == {"mine"}


def test_no_right_on_what_declares_nothing(ours):
    rights = ["auth.view_user", "library.view_patron", "library.view_historicalpatron"]
    user = make_user(permissions=rights)
    assert user.has_perms(rights)
    user = limit(user, ours)
    assert [user.has_perm(right) for right in rights] == [False, True, True]
    assert limit(make_user(is_superuser=True), ours).has_perms(rights)


# History --------------------------------------------------------------------------------


def then(row, user):
    records = within_then(type(row).history.filter(id=row.pk), user)
    return [record.history_type for record in records.order_by("history_id")]


@pytest.mark.parametrize("by", ["keys", "filter"])
def test_history_is_seen_by_the_values_then(ours, theirs, by):
    patron = make_patron(library=theirs)
    patron.library = ours
    patron.save()
    key = patron.pk
    patron.delete()
    user = limit(
        make_user(), *([ours] if by == "keys" else []), filter="state=NY" * (by != "keys")
    )
    assert then(Patron(pk=key), user) == ["~", "-"]


def test_history_of_a_library_by_its_own_values(theirs):
    theirs.state = "NY"
    theirs.save()
    user = limit(make_user(), filter="state=NY")
    assert then(theirs, user) == ["~"]
    assert then(theirs, limit(make_user(), theirs)) == ["+", "~"]


def test_history_of_a_book_by_its_links_then(ours, theirs):
    book = make_book(libraries=[theirs])
    user = limit(make_user(), ours)
    assert then(book, user) == []
    book.libraries.set([ours])
    assert then(book, user)
    assert then(book, limit(make_user(), filter="state=AK")) == []


# Declarations ---------------------------------------------------------------------------


def errors(monkeypatch, model, declared):
    monkeypatch.setattr(model, "scope", declared, raising=False)
    return [(error.id, str(error.msg)) for error in check_scopes()]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("libary", "no field of library.Patron"),
        ("name", "no foreign key"),
        ("loan", "no foreign key"),
        ("library__name", "no foreign key"),
        ("", "no path"),
        (7, "no path"),
    ],
)
def test_a_path_that_does_not_exist(monkeypatch, declared, said):
    ((id, message),) = errors(monkeypatch, Patron, declared)
    assert id == "backoffice.E070"
    assert said in message


def test_a_path_to_no_scoped_model(monkeypatch):
    monkeypatch.setattr(Library, "scope", None)
    assert {id for id, _message in errors(monkeypatch, Patron, "library")} == {
        "backoffice.E070"
    }


def test_two_scoped_models(monkeypatch):
    assert [id for id, _message in errors(monkeypatch, Book, "self")] == ["backoffice.E072"]


def test_a_path_without_an_index(monkeypatch):
    monkeypatch.setattr(Patron._meta, "indexes", [])
    assert [id for id, _message in errors(monkeypatch, Patron, "library")] == [
        "backoffice.E071"
    ]


def test_a_backend_that_is_missing(settings):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert [error.id for error in check_scopes()] == ["backoffice.E074"]


def test_the_declarations_are_right():
    assert check_scopes() == []
    assert models.Model not in scopes._rules


def test_what_is_said_of_rows_may_name_hidden_ones_by_any_of_their_relations(ours):
    user = limit(make_user(), ours)
    said = {model: may_name_hidden(model, user) for model in (Library, Patron, Book, Loan)}
    assert said == {Library: False, Patron: False, Book: True, Loan: True}
    assert not may_name_hidden(Book, make_user())


@pytest.mark.parametrize(
    ("model", "relation", "is_within"),
    [
        (Library, "patron", True),
        (Library, "librarian", True),
        (Library, "book", True),
        (Book, "libraries", False),
        (Patron, "library", False),
        (Patron, "loan", True),
    ],
)
def test_what_rows_within_lead_to_lies_within_by_that_relation(model, relation, is_within):
    assert leads_within(model._meta.get_field(relation)) == is_within
