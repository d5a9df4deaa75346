"""Names of records: alone where they are unique, else with what tells namesakes apart."""

import pytest
from django.db import connection

from backoffice.querysets.names import (
    Named,
    annotated_name,
    annotated_names,
    by_name,
    check_names,
    named,
    names,
)
from backoffice.querysets.reach import EVERYTHING, Reach
from library.models import Book, Library, Patron
from tests.factories import (
    limit,
    make_book,
    make_librarian,
    make_library,
    make_patron,
    make_user,
)

pytestmark = pytest.mark.django_db


def test_only_namesakes_are_told_apart(django_assert_num_queries):
    main = make_library(name="Main Library", zip_code="10016", state="NY")
    other = make_library(name="Main Library", zip_code="08542", state="NJ")
    single = make_library(name="Seaford", zip_code="11783")
    with django_assert_num_queries(1):
        assert names([single, other, main], EVERYTHING) == [
            "Seaford",
            "Main Library — 08542, New Jersey",
            "Main Library — 10016, New York",
        ]


def test_records_of_several_models_take_one_statement(django_assert_num_queries):
    main = make_library(name="Main Library", zip_code="10016")
    make_library(name="Main Library", zip_code="10017")
    ann = make_patron(name="Ann", library=main)
    keeper = make_librarian(name="Ann", library=main)
    make_patron(name="Ann")
    book = make_book(title="Emma")
    with django_assert_num_queries(1):
        assert names([ann, book, keeper, main], EVERYTHING) == [
            "Ann — Main Library, 10016",
            "Emma",
            "Ann",  # the other is a patron
            "Main Library — 10016, New York",
        ]


def test_nothing_is_asked_where_nothing_is_declared(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert names([], EVERYTHING) == []
        assert names([Book(pk=1, title="Emma"), Book(pk=2, title="Emma")], EVERYTHING) == [
            "Emma",
            "Emma",
        ]


def test_what_is_declared_may_be_the_same_too_or_blank():
    first, second = (make_library(name="Twin", zip_code="10016") for _ in range(2))
    assert names([first, second], EVERYTHING) == [
        f"Twin — 10016, New York (#{first.pk})",
        f"Twin — 10016, New York (#{second.pk})",
    ]
    assert annotated_names(named(Library.objects.order_by("pk"), EVERYTHING)) == names(
        [first, second], EVERYTHING
    )
    assert names([first, first], EVERYTHING) == ["Twin — 10016, New York"] * 2
    Library.objects.filter(pk=first.pk).update(zip_code="", state="ZZ")
    assert names([first], EVERYTHING) == ["Twin — ZZ"]


def test_a_queryset_is_annotated_with_the_same_names(django_assert_num_queries):
    make_library(name="Main", zip_code="10016", state="NY")
    make_library(name="Main", zip_code="08542", state="NJ")
    make_library(name="Seaford")
    patrons = [make_patron(name="Ann", library=library) for library in Library.objects.all()]
    with django_assert_num_queries(1):
        texts = [
            annotated_name(row)
            for row in named(Library.objects.order_by("name", "pk"), EVERYTHING)
        ]
    assert texts == ["Main — 10016, New York", "Main — 08542, New Jersey", "Seaford"]
    found = [annotated_name(row) for row in named(Patron.objects.order_by("pk"), EVERYTHING)]
    assert found == names(patrons, EVERYTHING)
    assert annotated_name(Library(name="Not annotated")) == "Not annotated"


def test_a_record_by_its_name_is_a_record_still():
    main = make_library(name="Main", zip_code="10016")
    make_library(name="Main", zip_code="10017")
    single = make_library(name="Single")
    shown, same = by_name([main, single], EVERYTHING)
    assert isinstance(shown, Named)
    assert same is single
    assert (str(shown), shown.pk, shown.zip_code) == (
        *("Main — 10016, New York", main.pk),
        "10016",
    )


def test_namesakes_beyond_ones_limits_are_nobodys_business(django_assert_num_queries):
    mine, other = (make_library(name="Main", zip_code=code) for code in ("10016", "10017"))
    ann = make_patron(name="Ann", library=mine)
    make_patron(name="Ann", library=other)
    one, both = Reach.of(limit(make_user(), mine)), Reach.of(limit(make_user(), mine, other))
    with django_assert_num_queries(1):
        assert names([mine, ann], one) == ["Main", "Ann"]
    assert [annotated_name(row) for row in named(Library.objects.filter(pk=mine.pk), one)] == [
        "Main"
    ]
    assert names([mine, ann], both) == ["Main — 10016, New York", "Ann — Main, 10016"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a table of few rows is read whole")
def test_the_names_are_looked_up_by_an_index():
    keys = [make_library(name="Main").pk for _ in range(2)]
    plan = named(Library.objects.filter(pk__in=keys), EVERYTHING).explain()
    assert "library_name_zip (name=?)" in plan


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        (("name",), "is not a dict of one field"),
        ({"name": ("state",), "address": ("state",)}, "is not a dict of one field"),
        ({"name": "state"}, "does not name, in a tuple"),
        ({"name": ()}, "does not name, in a tuple"),
        ({"title": ("state",)}, "'title', which is no field of text"),
        ({"id": ("state",)}, "'id', which is no field of text"),
        ({"address": ("state",)}, "no index of the model begins with it"),
        ({"name": ("county",)}, "'county', which is no field and leads to none"),
        ({"name": ("book",)}, "'book', which is no field and leads to none"),
        ({"name": ("zip_code__exact",)}, "'zip_code__exact', which is no field"),
        ({"name": ("librarian__name",)}, "'librarian__name', which is no field"),
    ],
)
def test_a_wrong_declaration_is_refused(monkeypatch, declared, problem):
    monkeypatch.setattr(Library, "told_apart_by", declared)
    (error,) = check_names()
    assert error.id == "backoffice.E050"
    assert problem in error.msg


def test_a_record_is_no_text_that_tells_apart(monkeypatch):
    assert check_names() == []
    monkeypatch.setattr(Patron, "told_apart_by", {"name": ("library",)})
    (error,) = check_names()
    assert "go on to one of its fields" in error.msg
