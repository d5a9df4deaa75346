"""Finding and replacing in texts: the same on both databases, with history and undo."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import models

from backoffice.changes.edits import Edit, Refused, RowsMoved
from backoffice.changes.models import Change
from backoffice.changes.replacing import Replacement
from backoffice.jobs.steps import undo_job
from library.models import Book, Library
from tests.everything.factories import make_row
from tests.everything.models import constraints, fields, inheritance
from tests.factories import make_book, make_library

pytestmark = pytest.mark.django_db


def editing(queryset: models.QuerySet[Any], name: str, replacement: Replacement) -> Edit:
    field = queryset.model._meta.get_field(name)

    def clean(text: str) -> Any:
        return field.clean(text.strip(), queryset.model())

    return Edit(queryset, replacement=replacement, fields={field: clean})


def replace(queryset: models.QuerySet[Any], name: str, find: str, put: str, **how: Any) -> Any:
    with editing(queryset, name, Replacement(find, put, **how)) as edit:
        edit.look()
        _number, expected = edit.fingerprint()
        return edit.run(user=None, title="-", expected=expected)


def titles() -> list[str]:
    return list(Book.objects.order_by("pk").values_list("title", flat=True))


@pytest.mark.parametrize(
    ("text", "find", "put", "how", "becomes"),
    [
        ("Teh cat, teh dog", "teh", "the", {}, "Teh cat, the dog"),
        ("Teh cat, teh dog", "teh", "the", {"ignore_case": True}, "the cat, the dog"),
        ("ÉTÉ été Été", "été", "hiver", {"ignore_case": True}, "hiver hiver hiver"),
        ("ÉTÉ été", "été", "hiver", {}, "ÉTÉ hiver"),
        ("ΣΊΣΥΦΟΣ Σίσυφος", "σίσυφος", "x", {"ignore_case": True}, "x x"),
        ("art, Bart, arts, ART", "art", "x", {"whole_words": True}, "x, Bart, arts, ART"),
        ("ärt art", "rt", "x", {"whole_words": True}, "ärt art"),
        ("50% of a_b", "% of a_", " ", {}, "50 b"),
        (r"C:\new \1", r"\1", r"\2\g<0>", {}, r"C:\new \2\g<0>"),
        ("a.b axb", "a.b", "c", {}, "c axb"),
        ("Cafe\u0301 1", "Café", "Bar", {}, "Bar 1"),
        ("Café 1", "Cafe\u0301", "Bar", {}, "Bar 1"),
        ("naïve e\u0301e", "e", "x", {}, "naïvx éx"),
        ("The End", " End", "", {}, "The"),
        ("aaa", "aa", "b", {}, "ba"),
        # Letters with marks that no single character has.
        ("x\u030cy x", "x", "z", {}, "x\u030cy z"),
        ("x\u030cy x", "x\u030c", "z", {}, "zy x"),
        ("ax x\u030cx x\u030c", "x\u030c", "z", {"whole_words": True}, "ax x\u030cx z"),
        ("x\u030cy y", "y", "z", {"whole_words": True}, "x\u030cy z"),
        ("कि क", "क", "ख", {"whole_words": True}, "कि ख"),
        ("कि किम", "कि", "ख", {"whole_words": True}, "ख किम"),
        # Other cases that are one letter too, and those that are several.
        ("İı iI", "i", "e", {"ignore_case": True}, "ee ee"),
        ("Straße STRAẞE STRASSE", "straße", "x", {"ignore_case": True}, "x x STRASSE"),
        ("ﬁn FIN", "fi", "x", {"ignore_case": True}, "ﬁn xN"),
    ],
)
def test_what_is_found_is_replaced_letter_by_letter(text, find, put, how, becomes) -> None:
    other = make_book(title="&")
    book = make_book(title=text)
    change = replace(Book.objects.all(), "title", find, put, **how)
    expected = [other.title, becomes]
    if text == becomes:
        assert change.updated == 0
    assert titles() == expected
    undo_job(change)
    assert titles() == [other.title, text]
    assert book.history.count() == (3 if change.updated else 1)


@pytest.mark.parametrize("find", ["Café", "Cafe\u0301"])
def test_text_of_several_lines_is_searched_in_either_form_and_kept_elsewhere(find) -> None:
    text = "e\u0301 Caf{}\nCaf{}  Cafe."
    row = make_row(fields.Texts, text=text.format("e\u0301", "é"))
    replace(fields.Texts.objects.all(), "text", find, "Bar")
    row.refresh_from_db()
    assert row.text == "e\u0301 Bar\nBar  Cafe."


def test_only_rows_where_it_is_found_change_and_come_back() -> None:
    books = [make_book(title=title) for title in ("Teh cat", "A dog", "Of teh cat")]
    change = replace(Book.objects.exclude(pk=books[2].pk), "title", "Teh", "The")
    assert (change.rows, change.updated, change.unchanged, change.rejected) == (2, 1, 1, 0)
    assert titles() == ["The cat", "A dog", "Of teh cat"]
    assert [book.history.count() for book in books] == [2, 1, 1]
    record = books[0].history.latest()
    assert (record.history_type, record.title, record.history_change) == (
        "~",
        "The cat",
        change,
    )
    assert undo_job(change).updated == 1
    assert titles()[0] == "Teh cat"


def test_what_can_t_be_is_named_and_left_alone() -> None:
    make_library(name="One", zip_code="08542"), make_library(name="Two", zip_code="10016")
    with editing(Library.objects.all(), "zip_code", Replacement("0854", "x")) as edit:
        edit.look()
        assert edit.fingerprint()[0] == 0
        (row,) = edit.left_out
        ((why, _new),) = edit.texts.of([row.pk]).values()
        assert row.name == "One"
        assert why.startswith("x2: Enter a ZIP code of 5 digits")
    make_book(title="a" * 199), make_book(title="aha")
    change = replace(Book.objects.all(), "title", "a", "bb")
    assert (change.updated, change.rejected, change.unchanged) == (1, 1, 0)
    assert titles() == ["a" * 199, "bbhbb"]


def test_nothing_is_left_of_a_text_only_where_it_may_be_blank() -> None:
    make_book(title="Dune")
    change = replace(Book.objects.all(), "title", "Dune", "")
    assert (change.updated, change.rejected) == (0, 1)
    assert titles() == ["Dune"]


def test_a_row_is_changed_wholly_or_not_at_all() -> None:
    make_library(name="08542", zip_code="08542", state="NY")
    fields = {
        Library._meta.get_field(name): Library._meta.get_field(name).clean
        for name in ("name", "zip_code")
    }
    cleans = {
        field: lambda text, clean=clean: clean(text, None) for field, clean in fields.items()
    }
    state = Library._meta.get_field("state")
    with Edit(
        Library.objects.all(), {state: "NJ"}, replacement=Replacement("085", "x"), fields=cleans
    ) as edit:
        change = edit.run(user=None, title="-")
    assert (change.updated, change.rejected) == (0, 1)
    library = Library.objects.get()
    assert (library.name, library.zip_code, library.state) == ("08542", "08542", "NY")


def test_values_are_set_and_texts_replaced_in_one_change() -> None:
    for name in ("Old A", "B"):
        make_library(name=name, state="NY")
    state, name_field = (Library._meta.get_field(name) for name in ("state", "name"))
    with Edit(
        Library.objects.all(),
        {state: "NJ"},
        replacement=Replacement("Old", "New"),
        fields={name_field: lambda text: text},
    ) as edit:
        edit.look()
        change = edit.run(user=None, title="-", expected=edit.fingerprint()[1])
    assert change.updated == 2
    assert sorted(Library.objects.values_list("name", "state")) == [
        ("B", "NJ"),
        ("New A", "NJ"),
    ]
    assert Library.history.filter(history_change=change).count() == 2


def test_a_text_that_moved_since_is_looked_at_again() -> None:
    book = make_book(title="Teh cat")
    with editing(Book.objects.all(), "title", Replacement("Teh", "The")) as edit:
        edit.look()
        _number, expected = edit.fingerprint()
        Book.objects.filter(pk=book.pk).update(title="Teh dog")
        with pytest.raises(RowsMoved):
            edit.run(user=None, title="-", expected=expected)
    assert titles() == ["Teh dog"]
    assert not Change.objects.exists()


def test_texts_of_a_parent_and_unique_ones_are_replaced() -> None:
    inheritance.Bistro.objects.create(code="b1", name="Chez", stars=1, wine="red")
    replace(inheritance.Bistro.objects.all(), "name", "Chez", "At")
    replace(inheritance.Bistro.objects.all(), "wine", "red", "white")
    change = replace(inheritance.Bistro.objects.all(), "code", "b", "c")
    bistro = inheritance.Bistro.objects.get()
    assert (bistro.code, bistro.name, bistro.wine) == ("c1", "At", "white")
    assert undo_job(change).updated == 1


def test_a_unique_text_that_another_row_has_is_refused() -> None:
    for code in ("a1", "b1"):
        constraints.Pairs.objects.create(code=code, room=code)
    with pytest.raises(Refused, match="The database refused the change"):
        replace(constraints.Pairs.objects.all(), "code", "a", "b")
    assert constraints.Pairs.objects.filter(code="a1").exists()


def test_a_form_s_own_refusal_is_a_sentence() -> None:
    make_book(title="Dune")

    def clean(text: str) -> Any:
        raise ValidationError("No such title.")

    fields = {Book._meta.get_field("title"): clean}
    with Edit(Book.objects.all(), replacement=Replacement("D", "T"), fields=fields) as edit:
        edit.look()
        (row,) = edit.left_out
        assert edit.texts.of([row.pk])[row.pk][0] == "Tune: No such title."
