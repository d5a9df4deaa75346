"""Two sessions, in every order of what they do: no value of either person is lost unseen.

Each session opens a form, types, and saves, or deletes the record. What a session saves must
be stored then, and what the other one stored must stay, unless the page had shown it. If
there is no such record any more, or both typed into the same field, the page must come back
with what was typed, and with what the other one did.
"""

import html
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from backoffice.changes.profiles import Profile
from backoffice.filters.models import SavedFilter
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import sent, url
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

#: Every order of two sessions' two steps each.
ORDERS = [
    "".join("A" if n in mine else "B" for n in range(4)) for mine in combinations(range(4), 2)
]


def make_held():
    return make_book(title="Held", libraries=[make_library()])


def make_account():
    return make_user(username="ann", email="old@example.org")


def make_group():
    return Group.objects.create(name="Staff")


def make_saved_filter():
    owner = User.objects.filter(is_superuser=True).first() or make_account()
    return SavedFilter.objects.create(
        user=owner, model="library.Library", name="Mine", query="state=NY"
    )


def make_profile():
    return Profile.objects.create(
        name="County",
        model="library.Library",
        resource="library.resources.LibraryResource",
        options={"constants": {"state": "VT"}},
        owner=make_account(),
    )


def make_loan():
    loan = Loan.objects.create(number="1", patron=make_patron())
    loan.books.set([make_book(title="Dune")])
    return loan


#: Two fields of each model, with two values that can be typed.
FIELDS = {
    (make_library, "name"): ("North", "South"),
    (make_library, "state"): ("NJ", "CA"),
    (make_patron, "name"): ("Ann", "Bob"),
    (make_librarian, "name"): ("Lea", "Leo"),
    (make_held, "title"): ("Dune", "Emma"),
    (make_loan, "renewals"): ("3", "4"),
    (make_loan, "due"): ("2026-12-01", "2026-12-24"),
    (make_account, "email"): ("new@example.org", "other@example.org"),
    (make_account, "is_active"): ("", "on"),
    (make_group, "name"): ("Editors", "Readers"),
    (make_saved_filter, "name"): ("North", "South"),
    (make_saved_filter, "shared"): ("on", ""),
    (make_profile, "name"): ("Town", "City"),
    (make_profile, "options"): ('{"nothing": "-"}', '{"nothing": "?"}'),
}
#: Of these every order is tried; of the others, the one that takes most to get right.
WHOLE = {"library-name", "account-is_active", "held-title"}
OTHER = {
    Library: ("address", "2 New Street"),
    Patron: ("library", lambda: make_library(name="Held").pk),
    Librarian: ("library", lambda: make_library(name="Held").pk),
    Book: ("libraries", lambda: [make_library(name="Held").pk]),
    Loan: ("books", lambda: [make_book(title="Emma").pk, Book.objects.get(title="Dune").pk]),
    User: ("groups", lambda: [Group.objects.create(name="Held").pk]),
    Group: ("permissions", lambda: [Permission.objects.first().pk]),
    SavedFilter: ("shared", "on"),
    Profile: ("run_at", "06:00:00"),
}


@dataclass
class Session:
    """One person at one form."""

    client: Any
    row: Any
    typed: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)
    response: Any = None
    saw: Any = None

    @property
    def address(self):
        return url(type(self.row), "change", self.row.pk)

    def open(self):
        page = self.client.get(self.address, follow=True)
        self.saw = stored(self.row)
        self.data = sent(page) if page.context and "adminform" in page.context else None

    def save(self):
        if self.data is None:
            return  # it was deleted before the page was opened
        data = self.data | self.typed
        data = {name: value for name, value in data.items() if value != ""}
        self.response = self.client.post(self.address, data)

    def delete(self):
        address = url(type(self.row), "delete", self.row.pk)
        self.response = self.client.post(address, {"post": "yes"})


def stored(row):
    """The values of a record, links included; None if there is none."""
    found = type(row)._base_manager.filter(pk=row.pk).first()
    if found is None:
        return None
    values = {f.name: f.value_from_object(found) for f in found._meta.concrete_fields}
    return values | {
        f.name: {each.pk for each in f.value_from_object(found)}
        for f in found._meta.many_to_many
    }


def run(order, steps):
    """Take the steps of A and of B in this order, as in "ABAB"."""
    left = {"A": list(steps["A"]), "B": list(steps["B"])}
    for who in order:
        left[who].pop(0)()


@pytest.fixture
def two(admin_client, admin_user):
    """Two administrators."""
    other = Client()
    other.force_login(make_user(username="zoe", is_superuser=True))
    return admin_client, other


def ids(value):
    make, name = value
    return f"{make.__name__.replace('make_', '')}-{name}"


orders = pytest.mark.parametrize(
    ("case", "order"),
    [
        pytest.param(case, order, id=f"{ids(case)}-{order}")
        for case in FIELDS
        for order in (ORDERS if ids(case) in WHOLE else ["ABBA"])
    ],
)


def typed_text(response):
    return html.unescape(response.text)


@orders
def test_two_who_change_different_fields_both_have_them(two, case, order):
    make, name = case
    row = make()
    other, value = OTHER[type(row)]
    if other == name:
        other, value = "name", "South"
    value = value() if callable(value) else value
    first = Session(two[0], row, {name: FIELDS[case][0]})
    second = Session(two[1], row, {other: value})
    was = stored(row)
    run(order, {"A": [first.open, first.save], "B": [second.open, second.save]})
    assert [each.response.status_code for each in (first, second)] == [302, 302]
    now = stored(row)
    assert now[name] != was[name]
    assert now[other] != was[other]


@orders
def test_two_who_change_the_same_field_are_shown_both_values(two, case, order):
    make, name = case
    row = make()
    mine, theirs = FIELDS[case]
    sessions = {
        "A": Session(two[0], row, {name: mine}),
        "B": Session(two[1], row, {name: theirs}),
    }
    run(order, {who: [each.open, each.save] for who, each in sessions.items()})
    last, former = sessions[order[-1]], sessions["B" if order[-1] == "A" else "A"]
    if order in ("AABB", "BBAA") or not really_both(sessions, name):
        assert last.response.status_code == 302
        return
    assert former.response.status_code == 302
    assert last.response.status_code == 200
    form = last.response.context["adminform"].form
    assert list(form.errors) == [name]
    who = "admin" if former is sessions["A"] else "zoe"
    (error,) = form.errors[name]
    assert f"({who}, " in error
    assert form[name].value() in (last.typed[name], last.typed[name] == "on")
    before = stored(row)
    for choice, kept in (("theirs", True), ("mine", False)):
        data = sent(last.response) | {f"{name}-take": choice}
        again = last.client.post(last.address, data)
        assert again.status_code == 302
        assert (stored(row)[name] == before[name]) == kept


def really_both(sessions, name):
    """Whether each of the two changes what the page showed: a box is ticked, or not."""
    return all(
        bool(each.typed[name]) != each.saw[name]
        for each in sessions.values()
        if isinstance(each.saw[name], bool)
    )


@orders
def test_what_was_typed_into_a_record_that_is_gone_comes_back(two, case, order):
    make, name = case
    row = make()
    label = str(row)
    value = FIELDS[case][0]
    editor, remover = Session(two[0], row, {name: value}), Session(two[1], row, {})
    run(
        order,
        {"A": [editor.open, editor.save], "B": [remover.open, remover.delete]},
    )
    if editor.response is None or editor.response.status_code == 302:
        assert order.rindex("B") > order.rindex("A") or editor.data is None
        return
    assert editor.response.status_code == 200
    text = typed_text(editor.response)
    assert f"“{label}” was deleted meanwhile (zoe, " in text
    form = editor.response.context["adminform"].form
    assert form[name].value() in (value, value == "on")
    assert stored(row) is None
