"""Adding and taking away links of many rows: every kind of many-to-many, from either side."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.changes.edits import Edit, Refused, RowsMoved
from backoffice.changes.link_edits import LinkEdit, keeps_links
from backoffice.changes.models import Change
from backoffice.changes.undo import Undo
from backoffice.jobs.steps import undo_job
from backoffice.querysets.reach import EVERYTHING
from backoffice.querysets.relations import ManyToMany
from library.models import Book, Library
from tests.everything.factories import make_row
from tests.everything.loans.models import Loan
from tests.everything.models import histories, relations
from tests.factories import make_book, make_library, make_patron

pytestmark = pytest.mark.django_db

SIDES = [
    (Book, "libraries"),
    (Library, "book"),
    (relations.Linked, "plain"),
    (relations.Linked, "to_uuid"),
    (relations.Linked, "to_text"),
    (relations.Linked, "friends"),
    (relations.Linked, "follows"),
    (relations.Linked, "followers"),
    (relations.UuidKey, "linked_one"),
]


def make(model: Any, number: int) -> list[Any]:
    maker = {Book: make_book, Library: make_library}.get(model)
    return [maker() if maker else make_row(model) for _ in range(number)]


def links_of(rows: list[Any], relation: ManyToMany) -> list[set[Any]]:
    return [
        set(
            relation.links.filter(**{relation.source: row.pk}).values_list(
                f"{relation.target}_id", flat=True
            )
        )
        for row in rows
    ]


def run(rows: list[Any], *edits: LinkEdit) -> Change:
    model = edits[0].relation.model
    edit = Edit(model._base_manager.filter(pk__in=[row.pk for row in rows]), links=edits)
    return edit.run(user=None, title="links", expected=edit.fingerprint()[1])


@pytest.fixture(params=SIDES, ids=lambda side: f"{side[0].__name__}.{side[1]}")
def side(request: Any) -> tuple[ManyToMany, list[Any], list[Any]]:
    """A relation; three rows, which are linked to none, one and both of the others."""
    model, name = request.param
    relation = ManyToMany.of(model._meta.get_field(name))
    rows, others = make(model, 3), make(relation.related_model, 2)
    for row, linked in zip(rows, ([], others[:1], others), strict=True):
        getattr(row, relation.accessor).set(linked)
    return relation, rows, others


def recorded(relation: ManyToMany, change: Change) -> dict[Any, set[Any]]:
    """`{row that declares the links: those that its record of the change has}`."""
    name = relation.field.name
    return {
        record.instance.pk: {row.pk for row in getattr(record.instance, name).all()}
        for record in relation.field.model.history.filter(history_change=change)
    }


def assert_recorded(relation: ManyToMany, change: Change) -> None:
    found = recorded(relation, change)
    assert found
    for row in relation.field.model._base_manager.filter(pk__in=found):
        assert found[row.pk] == {each.pk for each in getattr(row, relation.field.name).all()}


def assert_comes_back(change: Change, rows: list[Any], relation: Any, before: Any) -> None:
    with Undo(change) as undo:
        undo.plan()
        assert undo.left(9, EVERYTHING) == []
    assert undo_job(change).status == "done"
    assert links_of(rows, relation) == before


def test_links_are_added_recorded_and_taken_back(side: Any) -> None:
    relation, rows, others = side
    before, keys = links_of(rows, relation), {row.pk for row in others}
    change = run(rows, LinkEdit.adding(relation, keys))
    assert (change.rows, change.updated, change.unchanged) == (3, 2, 1)
    assert links_of(rows, relation) == [keys] * 3
    if relation.field.remote_field.symmetrical:
        assert links_of(others, relation) == [{row.pk for row in rows}] * 2
    assert_recorded(relation, change)
    assert_comes_back(change, rows, relation, before)


def test_links_are_taken_away_and_come_back(side: Any) -> None:
    relation, rows, others = side
    before = links_of(rows, relation)
    removing = LinkEdit.removing(relation, [others[0].pk])
    if relation.is_forward and not relation.field.blank:
        with pytest.raises(Refused, match=f"{rows[1]} was refused"):
            run(rows, removing)
        rows, before = [rows[0], rows[2]], [before[0], before[2]]
        assert run(rows, removing).updated == 1
        return
    change = run(rows, removing)
    assert change.updated == 2
    assert links_of(rows, relation) == [set(), set(), {others[1].pk}]
    if relation.field.remote_field.symmetrical:
        assert links_of(others, relation) == [set(), {rows[2].pk}]
    assert_recorded(relation, change)
    assert_comes_back(change, rows, relation, before)


def test_links_are_set_and_those_out_of_sight_stay(side: Any) -> None:
    relation, rows, others = side
    before = links_of(rows, relation)
    seen = relation.related_model._base_manager.filter(pk=others[1].pk)
    change = run(rows, LinkEdit.setting(relation, [], seen))
    assert change.updated == 1
    assert links_of(rows, relation) == [set(), {others[0].pk}, {others[0].pk}]
    assert_comes_back(change, rows, relation, before)
    everyone = relation.related_model._base_manager.all()
    run(rows, LinkEdit.setting(relation, [others[1].pk], everyone))
    assert links_of(rows, relation) == [{others[1].pk}] * 3


def test_an_edit_adds_and_takes_away_and_writes_one_record_of_a_row(side: Any) -> None:
    relation, rows, others = side
    before, (one, two) = links_of(rows, relation), [row.pk for row in others]
    change = run(rows, LinkEdit.adding(relation, [two]), LinkEdit.removing(relation, [one]))
    assert links_of(rows, relation) == [{two}] * 3
    records = relation.field.model.history.filter(history_change=change)
    assert records.count() == len(recorded(relation, change))
    assert_comes_back(change, rows, relation, before)


def test_who_declares_the_links_has_them_in_its_history(side: Any) -> None:
    relation, rows, others = side
    change = run(rows, LinkEdit.adding(relation, [others[0].pk]))
    declaring = {row.pk for row in rows[:1]} if relation.is_forward else {others[0].pk}
    if relation.field.remote_field.symmetrical:
        declaring |= {others[0].pk}
    assert set(recorded(relation, change)) == declaring
    assert undo_job(change).status == "done"


def test_a_link_that_came_meanwhile_is_looked_at_again() -> None:
    library, books = make_library(), [make_book(), make_book()]
    relation = ManyToMany.of(Book._meta.get_field("libraries"))
    edit = Edit(Book.objects.all(), links=[LinkEdit.adding(relation, [library.pk])])
    _number, expected = edit.fingerprint()
    books[0].libraries.add(library)
    with pytest.raises(RowsMoved):
        edit.run(user=None, title="-", expected=expected)
    assert not Change.objects.exists()


def test_a_row_that_needs_a_link_keeps_one() -> None:
    book, other = make_book(), make_book()
    loans = [Loan.objects.create(number=n, patron=make_patron()) for n in "12"]
    loans[0].books.add(book)
    loans[1].books.add(book, other)
    relation = ManyToMany.of(Loan._meta.get_field("books"))
    edit = Edit(Loan.objects.all(), links=[LinkEdit.removing(relation, [book.pk])])
    assert edit.refused() == [(loans[0], "It would be left without books.")]
    with pytest.raises(Refused, match="1 was refused"):
        edit.run(user=None, title="-")
    assert loans[0].books.get() == book


def test_links_that_no_history_keeps_are_not_edited() -> None:
    kept = [Book.libraries, relations.Linked.plain]
    assert all(keeps_links(ManyToMany.of(links.field)) for links in kept)
    lost = [histories.Unkept.plain, histories.PartlyKept.plain]
    assert not any(keeps_links(ManyToMany.of(links.field)) for links in lost)


def test_a_preview_names_what_comes_and_goes() -> None:
    book, libraries = make_book(), [make_library(name=f"L{n}") for n in range(8)]
    book.libraries.set(libraries[:7])
    relation = ManyToMany.of(Book._meta.get_field("libraries"))
    edit = LinkEdit.setting(relation, [libraries[7].pk], Library.objects.all())
    lost, added = edit.sample([book], EVERYTHING)[book.pk]
    assert (lost, added) == (["L0", "L1", "L2", "L3", "L4", "…"], ["L7"])


def test_statements_don_t_grow_with_rows_and_links() -> None:
    def statements(number: int) -> int:
        rows, others = make(Book, number), make(Library, number)
        relation = ManyToMany.of(Book._meta.get_field("libraries"))
        adding = LinkEdit.adding(relation, [row.pk for row in others])
        with CaptureQueriesContext(connection) as queries:
            run(rows, adding)
            adding.sample(rows, EVERYTHING)
        return len(queries)

    assert statements(40) == statements(2)
