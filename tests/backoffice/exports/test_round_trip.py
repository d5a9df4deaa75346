"""Importing an export changes nothing: every model, every format, any text."""

import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.exports.errors import ExportError
from backoffice.exports.export import Export
from backoffice.exports.formats import CSV, FORMATS, JSON, ODS, TSV, YAML, JSONLines
from library.models import Book, Library
from library.resources import (
    BookResource,
    LibrarianResource,
    LibraryResource,
    PatronResource,
)
from tests.backoffice.imports.running import counted, run
from tests.everything.loans.models import Loan
from tests.everything.loans.resources import LoanResource
from tests.factories import make_book, make_librarian, make_library, make_patron

pytestmark = pytest.mark.django_db

RESOURCES = (LibraryResource, PatronResource, LibrarianResource, BookResource, LoanResource)
HOSTILE = [
    "Main",
    "A|B\\C",
    "\\",
    "|",
    'the "Annex"',
    "two\nlines",
    "two\r\nlines\r",
    "007",
    "1E5",
    "TRUE",
    "null",
    " leading",
    "trailing ",
    " ' ",
    " ",
    "\xa0no-break\xa0",
    "=1+1",
    "+1",
    "-4 ",
    "@SUM(A1)",
    "\tTAB",
    "\rCR ",
    "'=x",
    "'tis",
    "' x'",
    "a  b   c",
    "tab\there",
    "😀 é ß",
    "שלום (10001)",
    "\u202ertl\u2028line\x85",
    "<b>&amp;</b>",
    "_x0041_",
    "name, with (commas)",
    "; : ^",
    "# - {}",
    "#N/A",
    "'#N/A",
    "########",
    "Err:502",
    "#ERROR! ",
    "x" * 200,
]
NOT_XML = ["control\x01s", "x\x0by\x1f", "none\ufffe", "\uffff other", "_x0001_\x01"]
text = st.sampled_from(HOSTILE + NOT_XML) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from("|\\'\"=, \t\n\r"),
    min_size=1,
    max_size=8,
)


def export_and_import(resource_class, format_class, path, names=None):
    """The counts of importing what was exported; nothing is rejected."""
    resource = resource_class()
    queryset = resource.get_queryset()
    path = path / f"exported.{format_class.name}"
    with path.open("wb") as file:
        file.writelines(Export(resource, queryset, format_class(), names).blocks())
    counts, rejects = run(resource_class, path)
    assert rejects == []
    return counted(counts)


def fill(names, titles):
    libraries = [make_library(name=name, address=name) for name in names]
    for library in libraries:
        make_librarian(name=library.name, library=library)
        patron = make_patron(name=library.name, library=library)
    for number, title in enumerate(titles):
        book = make_book(title=title, libraries=libraries[number % 3 :: 2])
        # Numbers differ in more than their case, and a patron has one renewed loan at most.
        loan = Loan.objects.create(
            number=f"{title[:15]}{number}", patron=patron, renewals=number == 0
        )
        loan.books.add(book)
        Loan.objects.filter(pk=loan.pk).update(due=datetime.date(2026, 12, 1))


@pytest.mark.parametrize("format_class", FORMATS, ids=lambda f: f.name)
def test_hostile_text_comes_back_as_it_was(tmp_path, format_class):
    # Twice, so that every name needs its ZIP code to be told apart.
    fill(HOSTILE + HOSTILE[:9], [title[:20] for title in HOSTILE])
    for resource_class in RESOURCES:
        rows = resource_class().get_queryset().count()
        outcome = export_and_import(resource_class, format_class, tmp_path)
        assert outcome == (0, 0, rows, 0), resource_class


@pytest.mark.parametrize("format_class", FORMATS, ids=lambda f: f.name)
@pytest.mark.parametrize("odd", NOT_XML)
def test_what_xml_can_not_hold_comes_back_or_is_not_exported(tmp_path, format_class, odd):
    fill(["Main", odd], [odd])
    if format_class is ODS:
        said = r"a character of row 3, name: “.*�.*”\. Choose XLSX or CSV"
        with pytest.raises(ExportError, match=said):
            export_and_import(LibraryResource, format_class, tmp_path)
        return
    for resource_class in RESOURCES:
        rows = resource_class().get_queryset().count()
        outcome = export_and_import(resource_class, format_class, tmp_path)
        assert outcome == (0, 0, rows, 0), resource_class


@pytest.mark.slow
@pytest.mark.parametrize("format_class", FORMATS, ids=lambda f: f.name)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    names=st.lists(text, min_size=1, max_size=5), titles=st.lists(text, min_size=1, max_size=4)
)
def test_any_text_comes_back_as_it_was(tmp_path, format_class, names, titles):
    Library.objects.all().delete()
    Book.objects.all().delete()
    if format_class is ODS:  # which can't hold them
        blank = dict.fromkeys((*range(32), 0xFFFE, 0xFFFF), "x")
        for kept in "\t\n\r":
            del blank[ord(kept)]
        names, titles = ([t.translate(blank) for t in texts] for texts in (names, titles))
    fill(names, {title[:20]: None for title in titles})
    for resource_class in RESOURCES:
        rows = resource_class().get_queryset().count()
        outcome = export_and_import(resource_class, format_class, tmp_path)
        assert outcome == (0, 0, rows, 0), resource_class


def test_what_was_stored_unchecked_is_shown_as_what_it_would_become(tmp_path):
    """`save()` validates nothing; an import does, and says what it would do about it."""
    make_library(phone_number="(212) 222-6559")
    csv = FORMATS[0]
    assert export_and_import(LibraryResource, csv, tmp_path) == (0, 1, 0, 0)
    assert Library.objects.get().phone_number == "212-222-6559"


@pytest.mark.parametrize("format_class", FORMATS, ids=lambda f: f.name)
@pytest.mark.parametrize(
    "titles",
    [
        *([title] for title in HOSTILE),
        ["Lions; tigers; bears"],
        ["A|B|C"],
        ["A\tB\tC"],
        ["a^b^c"],
        ["Ratio 1:2:3"],
        ["One, two, three"],
        ["A; B", "C; D", "E; F"],
        ['"A"; "B"'],
    ],
    ids=repr,
)
def test_one_column_comes_back_whatever_it_holds(tmp_path, format_class, titles):
    for title in titles:
        make_book(title=title)
    outcome = export_and_import(BookResource, format_class, tmp_path, names=["title"])
    assert outcome == (0, 0, len(titles), 0)


@pytest.mark.parametrize("format_class", [CSV, TSV, ODS, JSON, JSONLines, YAML])
def test_a_title_that_many_libraries_hold_comes_back(tmp_path, format_class):
    libraries = Library.objects.bulk_create(
        Library(name=f"Library of some town number {number}") for number in range(5_000)
    )
    make_book(title="Dune", libraries=libraries)
    assert export_and_import(BookResource, format_class, tmp_path) == (0, 0, 1, 0)
