"""A deletion is a change: what went, what went with it and what it cut off come back."""

from typing import Any

import pytest
from django.db import connection, models

from backoffice.changes.deletion import Deletion
from backoffice.changes.keys import held
from backoffice.changes.models import Change
from backoffice.changes.undo import Undo
from backoffice.jobs.steps import undo_job
from backoffice.querysets.reach import EVERYTHING
from library.models import Book, Librarian, Library, Patron
from tests.everything.models import histories, keys, relations
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db


def delete(queryset: models.QuerySet[Any], **options: Any) -> Change:
    deletion = Deletion(queryset)
    assert deletion.is_plain
    change = deletion.run(title="some", **options)
    assert change is not None
    return change


def state() -> list[Any]:
    return [
        set(Library.objects.values_list()),
        set(Patron.objects.values_list()),
        set(Librarian.objects.values_list()),
        set(Book.objects.values_list("pk", "title", "libraries")),
    ]


@pytest.fixture
def library() -> Library:
    library = make_library(name="Main", zip_code="10001")
    make_patron(name="Bob", library=library)
    make_librarian(name="Ann", library=library)
    make_book(title="Dune", libraries=[library, make_library(name="Other")])
    make_book(title="Emma", libraries=[library])
    return library


def test_a_deletion_is_a_change_that_its_records_name(library: Library) -> None:
    user = make_user()
    change = delete(Library.objects.filter(pk=library.pk), user=user, reason="Deleted")
    assert (change.kind, change.status, change.user) == ("deletion", "done", user)
    assert (change.rows, change.removed, change.lost) == (3, 3, {})
    for model in (Library, Patron, Librarian):
        assert model.history.get(history_change=change).history_type == "-"
    assert Book.history.filter(history_change=change, history_type="~").count() == 2


def test_rows_and_what_went_with_them_and_links_come_back(library: Library) -> None:
    before = state()
    change = delete(Library.objects.all())
    assert not any(map(len, state()[:3]))
    undo = undo_job(change)
    assert state() == before
    assert (undo.status, undo.new, undo.updated) == ("done", 4, 2)
    record = library.history.latest()
    assert (record.history_type, record.history_change) == ("+", undo)
    assert Change.objects.get(pk=change.pk).status == "undone"


def test_links_of_a_deleted_book_come_back(library: Library) -> None:
    before = state()
    undo_job(delete(Book.objects.all()))
    assert state() == before


def test_a_row_whose_unique_value_is_taken_stays_away(library: Library) -> None:
    librarian = Librarian.objects.get()
    change = delete(Librarian.objects.all())
    make_librarian(name="New", library=library)
    with Undo(change) as undo:
        counts = undo.plan()
        ((model, pk, text, why),) = undo.left(9, EVERYTHING)
    assert (counts.restored, counts.left) == (0, 1)
    assert (model, pk, text) == (Librarian, librarian.pk, "Ann")
    assert why == "Another record now has its unique value."


def test_what_went_with_a_row_that_stays_away_stays_away_too() -> None:
    """A deleted row whose key another has: what referred to it can't return either."""
    library = make_library(name="Main")
    patron = make_patron(library=library)
    change = delete(Library.objects.all())
    make_library(name="Taken", pk=library.pk)
    undo = undo_job(change)
    assert Library.objects.get().name == "Taken"
    # The key leads somewhere, to another library: a reference is by key.
    assert Patron.objects.filter(pk=patron.pk).exists()
    assert (undo.new, undo.rejected) == (1, 1)


def test_what_history_does_not_keep_is_named() -> None:
    row = histories.PartlyKept.objects.create(code="p", secret="s")
    row.plain.set([keys.AutoKey.objects.create(code="a")])
    change = delete(histories.PartlyKept.objects.all())
    assert change.lost == {"everything.PartlyKept_plain": 1}
    with Undo(change) as undo:
        assert undo.plan().left == 1
        ((_model, _pk, text, why),) = undo.left(9, EVERYTHING)
        notes = undo.notes()
    assert (text, why) == ("p", "Its history does not keep all of its fields.")
    assert "secret, plain" in notes[1]


def test_rows_with_columns_in_their_links_come_back_with_them() -> None:
    group, other = (relations.Group.objects.create(code=code) for code in "go")
    linked = relations.Linked.objects.create(code="l")
    relations.Membership.objects.create(linked=linked, group=group, role="chair")
    relations.Membership.objects.create(linked=linked, group=other)
    relations.Scored.objects.create(linked=linked, group=group, score=7)
    undo_job(delete(relations.Group.objects.filter(code="g")))
    assert set(relations.Membership.objects.values_list("group__code", "role")) == {
        ("g", "chair"),
        ("o", "member"),
    }
    assert relations.Scored.objects.get().score == 7


def test_friends_come_back_both_ways() -> None:
    ann, bob, cat = (relations.Linked.objects.create(code=code) for code in "abc")
    ann.friends.set([bob, cat])
    cat.follows.set([ann])
    links = relations.Linked.friends.through.objects.values_list("from_linked", "to_linked")
    before = set(links)
    undo_job(delete(relations.Linked.objects.filter(code="a")))
    assert set(links.all()) == before
    assert set(cat.follows.all()) == {ann}


def test_a_real_table_of_the_temporary_one_s_name_stays() -> None:
    make_library()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE held_keys (pk integer)")
        cursor.execute("INSERT INTO held_keys VALUES (1)")
    with held(Library.objects.all()) as rows:
        assert rows.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT pk FROM held_keys")
        assert cursor.fetchall() == [(1,)]


def test_children_go_with_their_parents_however_deep_and_come_back() -> None:
    root = relations.Pointing.objects.create(code="1")
    child = relations.Pointing.objects.create(code="2", parent=root)
    relations.Pointing.objects.create(code="3", parent=child)
    root.parent = child  # a circle ends all the same
    root.save()
    other = relations.Pointing.objects.create(code="4")
    before = set(relations.Pointing.objects.values_list("pk", "parent"))
    change = delete(relations.Pointing.objects.filter(pk=root.pk))
    assert (list(relations.Pointing.objects.all()), change.removed) == ([other], 3)
    undo_job(change)
    assert set(relations.Pointing.objects.values_list("pk", "parent")) == before
