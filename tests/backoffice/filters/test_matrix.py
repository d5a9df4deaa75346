"""Every filter of every FilterSet, with whatever may be written into it."""

import pytest
from django.contrib import admin

from backoffice.changes.models import Change
from backoffice.filters.filterset import FilterSet
from backoffice.querysets import related
from backoffice.trail.models import Entry
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import statements, url
from tests.backoffice.filters.filtersets import FILTERSETS, filterset, found, label
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_librarian, make_library, make_patron

pytestmark = pytest.mark.django_db


# What each parameter finds among the rows of the fixture.
FINDS = {
    (Library, "name"): ("APPLE", {"Apple Branch"}),
    (Library, "address"): ("oak", {"Berry Branch", "Cherry Branch"}),
    (Library, "state"): ("NJ", {"Berry Branch"}),
    (Library, "zip_code"): ("085", {"Berry Branch"}),
    (Library, "area_code"): ("212", {"Apple Branch"}),
    (Library, "phone_number"): ("(609) 92", {"Berry Branch"}),
    (Library, "librarian"): ("no", {"Berry Branch"}),
    (Library, "patron_count_min"): ("2", {"Apple Branch"}),
    (Library, "patron_count_max"): ("1", {"Berry Branch", "Cherry Branch"}),
    (Library, "book"): ("Emma", {"Berry Branch"}),
    (Patron, "name"): ("bo", {"Bob"}),
    (Patron, "library"): ("Apple Branch", {"Bob", "Zed"}),
    (Patron, "library__state"): ("CO", {"Jane"}),
    (Librarian, "name"): ("ann", {"Ann"}),
    (Librarian, "library"): ("Apple Branch (10001)", {"Ann"}),
    (Librarian, "library__state"): ("CO", {"Carl"}),
    (Book, "title"): ("un", {"Dune"}),
    (Book, "libraries"): ("Cherry Branch", {"Dune"}),
    (Book, "libraries__state"): ("NJ", {"Emma"}),
    (Book, "library_count_min"): ("2", {"Dune"}),
    (Book, "library_count_max"): ("0", {"Faust"}),
    (Loan, "number"): ("L2", {"L2"}),
    (Loan, "patron"): ("Bob", {"L1"}),
    (Loan, "books"): ("Dune", {"L1"}),
    (Loan, "due"): ("2026-12-01", {"L1"}),
    (Loan, "renewals"): ("2", {"L1"}),
    **{
        (model, parameter): (value, set())
        for model in FILTERSETS
        for parameter, value in (
            ("added_since", "2999-01-01"),
            ("changed_since", "2999-01-01"),
            ("changed_by_import", "IMPORT"),
        )
    },
}
for model in (Library, Patron, Book, Loan):
    FINDS[model, "looks_like_another"] = ("yes", set())
FINDS[Book, "looks_like_another"] = ("no", {"Dune", "Emma", "Faust"})
FINDS[Library, "changed_by_import"] = ("IMPORT", {"Cherry Branch"})

BLANK = ("", "   ")
HOSTILE = {
    "NUL": "\x00",
    "NUL within": "NY\x00",
    "huge number": "9" * 400,
    "number past int()": "9" * 5000,
    "past 64 bits": "9" * 20,
    "negative": "-1",
    "fraction": "1.5",
    "infinity": "Infinity",
    "long text": "é" * 3000,
    "very long text": "a" * 60_000,
    "brackets": " (" * 400 + ")",
    "percent": "%",
    "underscore": "_",
    "backslash": "\\",
    "quote": "' OR 1=1 --",
    "script": "<script>alert(1)</script>",
    "no such date": "2026-02-30",
    "first date": "0001-01-01",
    "last date": "9999-12-31",
    "date without century": "12/01/26",
    "unknown choice": "ZZ",
    "null": "null",
    "emoji": "📚",
    "dash": "-",
}


def written(model, parameter):
    value, names = FINDS[model, parameter]
    if value == "IMPORT":
        value = str(Change.objects.get(model=model._meta.label).pk)
    return value, names


def test_every_field_has_a_filter():
    """What a model has, staff can filter by."""
    for model, model_admin in admin.site._registry.items():
        if not getattr(model_admin, "resource_classes", ()) or model is Entry:
            continue  # the activity has filters of a list
        fields = {field.name for field in model._meta.concrete_fields if field.editable}
        fields |= {field.name for field in model._meta.many_to_many}
        filters = FILTERSETS[model].base_filters.values()
        filtered = {each.field_name.partition("__")[0] for each in filters}
        assert fields - {model._meta.pk.name} <= filtered, model


def test_every_parameter_is_in_the_matrix():
    parameters = {
        (model, name) for model, cls in FILTERSETS.items() for name in cls().parameters
    }
    assert parameters == set(FINDS)
    assert all(issubclass(cls, FilterSet) for cls in FILTERSETS.values())


@pytest.mark.parametrize("few", [0, related.FEW], ids=["many rows", "few rows"])
@pytest.mark.parametrize(("model", "parameter"), FINDS, ids=label)
def test_a_filter_finds_its_rows(rows, monkeypatch, model, parameter, few):
    monkeypatch.setattr(related, "FEW", few)
    value, names = written(model, parameter)
    assert found(filterset(model, parameter, value)) == sorted(names)
    assert found(filterset(model, parameter, value, value)) == sorted(names)


@pytest.mark.parametrize(("model", "parameter"), FINDS, ids=label)
def test_a_blank_filters_nothing_or_is_an_error(rows, model, parameter):
    for value in BLANK:
        bound = filterset(model, parameter, value)
        everything = sorted(map(str, model.objects.all()))
        assert found(bound) == (everything if bound.is_valid() else [])


@pytest.mark.parametrize(("model", "parameter"), FINDS, ids=label)
def test_a_hostile_value_finds_nothing(rows, model, parameter):
    for name, value in HOSTILE.items():
        bound = filterset(model, parameter, value)
        assert found(bound) == [], name
        assert bound.is_valid() or set(bound.errors) == {bound.parameters[parameter][0]}


@pytest.mark.parametrize("model", FILTERSETS, ids=label)
def test_a_list_shows_the_errors_and_no_rows(admin_client, rows, model):
    """It neither fails nor shows all."""
    for name, value in HOSTILE.items():
        query = {parameter: value for of, parameter in FINDS if of is model}
        page = admin_client.get(url(model, "changelist"), query)
        assert page.status_code == 200, name
        changelist = page.context["cl"]
        assert not changelist.result_list, name
        assert changelist.filterset.errors, name
        assert page.text.count("aria-invalid") >= len(changelist.filterset.errors)


@pytest.mark.parametrize(("model", "parameter"), FINDS, ids=label)
def test_two_values_where_one_is_taken_are_an_error(rows, model, parameter):
    value, _names = written(model, parameter)
    bound = filterset(model, parameter, value, "another")
    assert not bound.is_valid()
    assert found(bound) == []


def test_several_states_mean_any_of_them(rows):
    assert found(filterset(Library, "state", "NY", "CO")) == ["Apple Branch", "Cherry Branch"]
    assert found(filterset(Book, "libraries__state", "NY", "CO")) == ["Dune"]


@pytest.mark.parametrize("model", FILTERSETS, ids=label)
def test_filters_take_the_same_statements_for_few_rows_and_for_many(admin_client, rows, model):
    """On their list; and few more than the list takes without them."""
    address = f"{url(model, 'changelist')}?all="
    plain = statements(admin_client, address)
    addresses = [
        f"{address}&{parameter}={written(model, parameter)[0]}"
        for of, parameter in FINDS
        if of is model
    ]
    few = {each: statements(admin_client, each) for each in addresses}
    assert all(number <= plain + 4 for number in few.values()), (plain, few)
    for library in Library.objects.all():
        for n in range(10):
            other = make_library(name=f"{library.name} {n}", state=library.state)
            make_patron(name=f"Bob {n}", library=library)
            make_librarian(name=f"Ann {n}", library=other)
            make_book(title=f"Dune {n}", libraries=[library, other])
            Loan.objects.create(number=f"{library.pk}-{n}", patron=make_patron())
    assert {each: statements(admin_client, each) for each in addresses} == few
