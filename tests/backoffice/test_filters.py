"""Every filter of every FilterSet, with whatever may be written into it."""

import datetime
import io
import json
import re

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from backoffice.admin import reach
from backoffice.filters import history
from backoffice.filters.filterset import FilterSet
from backoffice.models import ImportJob
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import statements, url
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user
from tests.loans.models import Loan

pytestmark = pytest.mark.django_db

FILTERSETS = {
    model: model_admin.filterset_class
    for model, model_admin in admin.site._registry.items()
    if getattr(model_admin, "filterset_class", None)
}

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
    "American date": "12/01/2026",
    "unknown choice": "ZZ",
    "null": "null",
    "emoji": "📚",
    "dash": "-",
}


@pytest.fixture
def rows():
    apple, berry, cherry = (
        make_library(
            name=name, address=address, state=state, zip_code=zip_code, phone_number=no
        )
        for name, address, state, zip_code, no in (
            ("Apple Branch", "1 Elm Street", "NY", "10001", "212-222-6559"),
            ("Berry Branch", "2 Oak Avenue", "NJ", "08542", "609-924-9529"),
            ("Cherry Branch", "3 Oak Avenue", "CO", "80204", "720-865-1111"),
        )
    )
    bob = make_patron(name="Bob", library=apple)
    make_patron(name="Zed", library=apple)
    jane = make_patron(name="Jane", library=cherry)
    make_librarian(name="Ann", library=apple)
    make_librarian(name="Carl", library=cherry)
    dune = make_book(title="Dune", libraries=[apple, cherry])
    make_book(title="Emma", libraries=[berry])
    make_book(title="Faust")
    due = datetime.date(2026, 12, 1)
    Loan.objects.create(number="L1", patron=bob, due=due, renewals=2).books.set([dune])
    Loan.objects.create(number="L2", patron=jane)
    for model in FILTERSETS:
        ImportJob.objects.create(
            model=model._meta.label, file_name="f.csv", size=1, applied_at=timezone.now()
        )
    record = cherry.history.get()
    job = ImportJob.objects.get(model="library.Library")
    record.pk, record.history_type = None, "~"
    record.history_date, record.history_change_reason = job.applied_at, job.reason
    record.save()


def written(model, parameter):
    value, names = FINDS[model, parameter]
    if value == "IMPORT":
        value = str(ImportJob.objects.get(model=model._meta.label).pk)
    return value, names


def filterset(model, parameter, *values, **options):
    data = QueryDict(mutable=True)
    data.setlist(parameter, values)
    return FILTERSETS[model](data, model.objects.all(), **options)


def found(bound):
    return sorted(map(str, bound.qs))


def label(value):
    return value if isinstance(value, str) else value._meta.model_name


def test_every_field_has_a_filter():
    """What a model has, staff can filter by."""
    for model, model_admin in admin.site._registry.items():
        if not getattr(model_admin, "resource_classes", ()):
            continue
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


@pytest.mark.parametrize("few", [0, reach.FEW], ids=["many rows", "few rows"])
@pytest.mark.parametrize(("model", "parameter"), FINDS, ids=label)
def test_a_filter_finds_its_rows(rows, monkeypatch, model, parameter, few):
    monkeypatch.setattr(reach, "FEW", few)
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


@pytest.mark.parametrize(("model", "parameter"), FINDS, ids=label)
def test_a_filter_takes_the_same_statements_for_few_rows_and_for_many(
    admin_client, rows, model, parameter
):
    """On its list; and few more than the list takes without it."""
    value, _names = written(model, parameter)
    plain = statements(admin_client, url(model, "changelist") + "?all=")
    address = f"{url(model, 'changelist')}?all=&{parameter}={value}"
    few = statements(admin_client, address)
    assert few <= plain + 4
    for library in Library.objects.all():
        for n in range(10):
            other = make_library(name=f"{library.name} {n}", state=library.state)
            make_patron(name=f"Bob {n}", library=library)
            make_librarian(name=f"Ann {n}", library=other)
            make_book(title=f"Dune {n}", libraries=[library, other])
            Loan.objects.create(number=f"{library.pk}-{n}", patron=make_patron())
    assert statements(admin_client, address) == few


# Numbers of related rows ------------------------------------------------------------------


@pytest.mark.parametrize("few", [0, reach.FEW], ids=["many rows", "few rows"])
@pytest.mark.parametrize(
    ("low", "high", "names"),
    [
        (0, 0, "B"),
        (0, 1, "BC"),
        (1, 1, "C"),
        (1, 2, "AC"),
        ("", 0, "B"),
        (0, "", "ABC"),
        (3, "", ""),
        ("", "", "ABC"),
    ],
)
def test_numbers_of_related_rows_go_from_one_to_another(
    rows, monkeypatch, low, high, names, few
):
    monkeypatch.setattr(reach, "FEW", few)
    data = {"patron_count_min": str(low), "patron_count_max": str(high)}
    bound = FILTERSETS[Library](data, Library.objects.all())
    assert "".join(name[0] for name in found(bound)) == names


def test_a_number_of_related_rows_is_one_grouped_statement(rows):
    bound = filterset(Library, "patron_count_min", "1")
    with CaptureQueriesContext(connection) as queries:
        found(bound)
    assert len(queries) == 2
    assert "GROUP BY" in queries[0]["sql"]


@pytest.mark.parametrize("high", ["0", "1"])
def test_at_most_so_many_is_asked_of_each_row(rows, high):
    """A million keys of those that have more can't be gone through for each row."""
    sql = str(filterset(Library, "patron_count_max", high).qs.query)
    assert not re.search(r"\bIN \(SELECT", sql)


def test_from_more_than_to_is_an_error(rows):
    data = {"patron_count_min": "2", "patron_count_max": "1"}
    bound = FILTERSETS[Library](data, Library.objects.all())
    assert "larger" in str(bound.errors["patron_count"])


# References -------------------------------------------------------------------------------


def test_a_reference_that_fits_several_says_which(rows):
    for zip_code in ("10003", "10004"):
        make_library(name="Main", zip_code=zip_code)
    errors = str(filterset(Patron, "library", "Main").errors["library"])
    assert "Main (10003); Main (10004)" in errors
    assert filterset(Patron, "library", "Main (10003)").is_valid()


def test_a_reference_that_is_not_found_says_what_is_near(rows):
    errors = str(filterset(Patron, "library", "cherry").errors["library"])
    assert "Cherry Branch (80204)" in errors


def test_titles_that_nothing_tells_apart_are_all_meant(rows):
    make_book(title="Emma", libraries=[Library.objects.get(name="Apple Branch")])
    assert found(filterset(Library, "book", "Emma")) == ["Apple Branch", "Berry Branch"]


def test_a_reference_is_looked_up_by_the_index_of_its_label(rows):
    bound = filterset(Patron, "library", "Apple Branch")
    with CaptureQueriesContext(connection) as queries:
        assert bound.is_valid()
    (query,) = queries
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
        plan = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{plan} {query['sql']}")
        text = str(cursor.fetchall())
    assert "library_name_zip" in text
    assert "Index Cond" in text or "SEARCH" in text


# Whose rows -------------------------------------------------------------------------------


@pytest.fixture
def request_of(rf):
    def make(*permissions):
        request = rf.get("/")
        request.user = make_user(permissions=permissions)
        return request

    return make


def test_filters_of_rows_that_one_may_not_view_are_left_out(request_of):
    request = request_of("library.view_library", "library.view_patron")
    filters = FILTERSETS[Library](request=request).filters
    assert "patron_count" in filters
    assert not {"book", "librarian"} & set(filters)


def test_related_rows_are_those_that_their_admin_shows(rows, request_of, monkeypatch):
    patron_admin, book_admin = (admin.site.get_model_admin(model) for model in (Patron, Book))
    monkeypatch.setattr(
        patron_admin, "get_queryset", lambda request: Patron.objects.filter(name="Jane")
    )
    monkeypatch.setattr(
        book_admin, "get_queryset", lambda request: Book.objects.filter(title="Dune")
    )
    request = request_of("library.view_patron", "library.view_book")
    bound = filterset(Library, "patron_count_min", "1", request=request)
    assert found(bound) == ["Cherry Branch"]
    assert not filterset(Library, "book", "Emma", request=request).is_valid()
    library_admin = admin.site.get_model_admin(Library)
    monkeypatch.setattr(
        library_admin, "get_queryset", lambda request: Library.objects.filter(state="CO")
    )
    request = request_of("library.view_library")
    assert found(filterset(Book, "library_count_min", "2", request=request)) == []
    assert found(filterset(Book, "library_count_min", "1", request=request)) == ["Dune"]


# History ----------------------------------------------------------------------------------


def test_since_means_from_the_first_moment_of_the_day(rows, monkeypatch):
    day = datetime.date(2020, 5, 17)
    start = timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))
    apple, berry, cherry = Library.objects.order_by("name")
    Library.history.filter(id=apple.pk).update(history_date=start)
    Library.history.filter(id=berry.pk).update(
        history_date=start - datetime.timedelta(seconds=1)
    )
    Library.history.filter(id=cherry.pk).update(history_date=start - datetime.timedelta(days=9))
    Library.history.filter(id=cherry.pk, history_type="~").update(history_date=start)
    for few, many in ((reach.FEW, history.MANY), (0, history.MANY), (0, 0)):
        monkeypatch.setattr(reach, "FEW", few)
        monkeypatch.setattr(history, "MANY", many)
        assert found(filterset(Library, "added_since", "2020-05-17")) == ["Apple Branch"]
        assert found(filterset(Library, "changed_since", "2020-05-17")) == [
            "Apple Branch",
            "Cherry Branch",
        ]
        assert found(filterset(Library, "added_since", "2020-05-18")) == []


def test_rows_of_an_import_are_found_by_its_number(tmp_path, rows):
    path = tmp_path / "libraries.csv"
    path.write_text(
        "name,address,state,phone_number,zip_code\n"
        "Apple Branch,9 New Street,NY,212-222-6559,10001\n"
        "Date Branch,1 Palm Street,CA,212-222-6559,90001\n"
    )
    out = io.StringIO()
    call_command("import", "library.Library", str(path), "--json", stdout=out)
    job = str(json.loads(out.getvalue())["job"])
    assert found(filterset(Library, "changed_by_import", job)) == [
        "Apple Branch",
        "Date Branch",
    ]
    # It is no import of patrons.
    assert "No import" in str(filterset(Patron, "changed_by_import", job).errors)


def test_an_import_that_wrote_nothing_is_an_error(rows):
    job = ImportJob.objects.create(model="library.Library", file_name="f.csv", size=1)
    assert not filterset(Library, "changed_by_import", str(job.pk)).is_valid()


# The command line and the export page -----------------------------------------------------


def exported(client, query):
    fields = ["name", "address", "state", "phone_number", "zip_code"]
    data = {"format": "0", "resource": "0", **{f"libraryresource_{f}": "on" for f in fields}}
    return client.post(reverse("admin:library_library_export") + query, data)


def test_an_export_has_the_rows_of_the_filtered_list(admin_client, rows):
    text = exported(admin_client, "?patron_count_min=1&state=CO").getvalue().decode()
    assert [line.partition(",")[0] for line in text.splitlines()] == ["name", "Cherry Branch"]


def test_an_export_with_a_filter_that_can_t_be_leads_back_to_its_error(admin_client, rows):
    query = "?patron_count_min=x&state=CO"
    for response in (
        exported(admin_client, query),
        admin_client.get(reverse("admin:library_library_export") + query),
    ):
        assert response.status_code == 302
        assert response.url == url(Library, "changelist") + query
    assert "Enter a whole number" in admin_client.get(response.url).text


@pytest.mark.parametrize(
    ("model", "pair", "name"),
    [
        ("library.Library", "patron_count_max=0", "Berry Branch"),
        ("library.Patron", "state=CO", "Jane"),
        ("library.Patron", "library__state=CO", "Jane"),
        ("library.Book", "state=NJ", "Emma"),
        ("library.Book", "libraries=Cherry Branch", "Dune"),
    ],
)
def test_the_command_line_takes_every_parameter(tmp_path, rows, model, pair, name):
    path = tmp_path / "out.csv"
    call_command("export", "csv", model, "--filter", pair, "-o", str(path))
    _header, *lines = path.read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == [name]
