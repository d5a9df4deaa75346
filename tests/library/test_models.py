"""The four models as the customer fixed them: names, tables, accessors, keys."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction

from library.models import Book, Librarian, Library, Patron
from tests.factories import make_book, make_librarian, make_library, make_patron

MODELS = [Library, Patron, Librarian, Book]

# The columns of each model beside its primary key: type, and whether they are required.
FIELDS = {
    Library: {
        "name": models.CharField,
        "address": models.CharField,
        "state": models.CharField,
        "phone_number": models.CharField,
        "zip_code": models.CharField,
    },
    Patron: {"name": models.CharField, "library": models.ForeignKey},
    Librarian: {"name": models.CharField, "library": models.OneToOneField},
    Book: {"title": models.CharField, "libraries": models.ManyToManyField},
}


@pytest.mark.parametrize("model", MODELS)
def test_a_model_has_these_fields_and_no_other(model):
    fields = [*model._meta.fields, *model._meta.many_to_many]
    found = {field.name: field for field in fields if not field.primary_key}
    assert set(found) == set(FIELDS[model])
    for name, field_class in FIELDS[model].items():
        assert isinstance(found[name], field_class)
        assert not found[name].null
        assert not found[name].blank


@pytest.mark.parametrize(
    ("model", "field", "length"),
    [
        (Library, "name", 200),
        (Library, "address", 200),
        (Library, "state", 2),
        (Library, "phone_number", 20),
        (Library, "zip_code", 10),
        (Patron, "name", 200),
        (Librarian, "name", 200),
        (Book, "title", 200),
    ],
)
def test_a_text_has_its_longest_length(model, field, length):
    assert model._meta.get_field(field).max_length == length


@pytest.mark.parametrize(
    ("model", "field"), [(Library, "name"), (Patron, "name"), (Book, "title")]
)
def test_a_text_that_is_too_long_is_refused(model, field):
    model(**{field: "x" * 200}).clean_fields(exclude=_all_but(model, field))
    with pytest.raises(ValidationError, match="at most 200 characters"):
        model(**{field: "x" * 201}).clean_fields(exclude=_all_but(model, field))


def _all_but(model, name):
    return [field.name for field in model._meta.fields if field.name != name]


@pytest.mark.parametrize("model", MODELS)
def test_a_model_names_no_order(model):
    assert model._meta.ordering == []


@pytest.mark.parametrize("model", MODELS)
def test_a_table_has_its_usual_name(model):
    assert model._meta.db_table == f"library_{model.__name__.lower()}"


def test_the_tables_are_in_the_database(db):
    tables = connection.introspection.table_names()
    assert {model._meta.db_table for model in MODELS} <= set(tables)
    assert "library_book_libraries" in tables


def test_the_links_of_books_have_the_usual_table():
    assert Book.libraries.through._meta.db_table == "library_book_libraries"


def test_a_row_is_shown_by_its_name_alone():
    assert str(Library(name="Seaford", zip_code="11783")) == "Seaford"
    assert str(Patron(name="Bob Smith")) == "Bob Smith"
    assert str(Librarian(name="Philip J. Fry")) == "Philip J. Fry"
    assert str(Book(title="Dune")) == "Dune"


@pytest.mark.django_db
def test_the_default_accessors_work():
    library = make_library()
    patron, librarian = make_patron(library=library), make_librarian(library=library)
    book = make_book(libraries=[library])
    assert patron.library == librarian.library == library
    assert list(book.libraries.all()) == [library]
    library = Library.objects.get(pk=library.pk)
    assert list(library.patron_set.all()) == [patron]
    assert library.librarian == librarian
    assert list(library.book_set.all()) == [book]


@pytest.mark.django_db
def test_a_second_librarian_of_a_library_is_refused_by_the_database():
    library = make_librarian().library
    with pytest.raises(IntegrityError), transaction.atomic():
        make_librarian(library=library)
    assert Librarian.objects.count() == 1


@pytest.mark.django_db
def test_a_library_that_goes_takes_its_people_along_and_leaves_the_books():
    library, other = make_library(), make_library()
    make_patron(library=library)
    make_librarian(library=library)
    stays = make_patron(library=other)
    book = make_book(libraries=[library, other])
    _total, by_model = library.delete()
    assert by_model == {
        "library.Library": 1,
        "library.Patron": 1,
        "library.Librarian": 1,
        "library.Book_libraries": 1,
    }
    assert list(Patron.objects.all()) == [stays]
    assert not Librarian.objects.exists()
    assert list(book.libraries.all()) == [other]


@pytest.mark.django_db
def test_two_libraries_may_share_a_name():
    make_library(name="Main Library", zip_code="10016")
    make_library(name="Main Library", zip_code="08542")
    assert Library.objects.filter(name="Main Library").count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("make", "key"),
    [
        (make_library, ("Seaford", "11783")),
        (make_patron, ("Bob Smith", "Seaford", "11783")),
        (make_librarian, ("Seaford", "11783")),
        (make_book, ("Dune",)),
    ],
)
def test_a_natural_key_leads_back_to_its_row(make, key):
    seaford = {"name": "Seaford", "zip_code": "11783"}
    fields = {
        make_library: lambda: seaford,
        make_patron: lambda: {"name": "Bob Smith", "library": make_library(**seaford)},
        make_librarian: lambda: {"library": make_library(**seaford)},
        make_book: lambda: {"title": "Dune"},
    }
    row = make(**fields[make]())
    # Rows that share a part of the key.
    near = make_library(name="Seaford", zip_code="08542")
    make_patron(name="Bob Smith", library=near)
    make_librarian(library=near)
    make_book(title="Dune Messiah")
    assert row.natural_key() == key
    assert type(row).objects.get_by_natural_key(*key) == row


@pytest.mark.parametrize(("model"), [Patron, Librarian])
def test_the_key_of_a_person_waits_for_the_library(model):
    assert model.natural_key.dependencies == ["library.library"]


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Library, ["name", "zip_code"]),
        (Library, ["state", "name"]),
        (Patron, ["name", "library"]),
        (Librarian, ["name"]),
        (Book, ["title"]),
    ],
)
def test_lists_and_match_keys_have_an_index(model, fields):
    assert fields in [index.fields[: len(fields)] for index in model._meta.indexes]
