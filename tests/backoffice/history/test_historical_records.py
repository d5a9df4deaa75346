"""Every change of a row is recorded, from whichever side it is made."""

import pytest
from django.core import serializers
from django.db import connection

from library.models import Book, Library
from tests.factories import make_book, make_library

pytestmark = pytest.mark.django_db


def libraries_of(record):
    return {link.library_id for link in record.libraries.all()}


def test_a_link_added_from_the_other_side_is_a_change_of_the_book():
    library, book = make_library(), make_book()
    before = book.history.count()
    library.book_set.add(book)
    assert book.history.count() == before + 1
    assert libraries_of(book.history.latest()) == {library.pk}
    library.book_set.remove(book)
    assert libraries_of(book.history.latest()) == set()


def test_clearing_from_the_other_side_is_a_change_of_each_book():
    library, other = make_library(), make_library()
    books = [make_book(libraries=[library, other]) for _ in range(3)]
    library.book_set.clear()
    assert [libraries_of(book.history.latest()) for book in books] == [{other.pk}] * 3


def test_links_from_the_other_side_cost_the_same_for_many_books(django_assert_max_num_queries):
    library, books = make_library(), [make_book() for _ in range(20)]
    lock = connection.vendor == "postgresql"  # of the titles, against an import of them
    with django_assert_max_num_queries(12 + lock):
        library.book_set.add(*books)


def test_the_first_change_of_a_row_without_history_keeps_what_was_there():
    library = make_library(name="Old name")
    library.history.all().delete()
    library.name = "New name"
    library.save()
    assert list(library.history.order_by("history_id").values_list("name", flat=True)) == [
        "Old name",
        "New name",
    ]


def test_a_record_gives_back_the_links_of_its_time():
    first, second = make_library(), make_library()
    book = make_book(libraries=[first])
    record = book.history.latest()
    book.libraries.set([second])
    assert set(record.instance.libraries.all()) == {first}
    assert set(Book.objects.get(pk=book.pk).libraries.all()) == {second}


def test_a_fixture_writes_no_history():
    library = make_library()
    make_book(title="A", libraries=[library])
    dump = serializers.serialize(
        "json",
        [*Library.objects.all(), *Book.objects.all()],
        use_natural_foreign_keys=True,
        use_natural_primary_keys=True,
    )
    Book.objects.all().delete()
    Library.objects.all().delete()
    Library.history.all().delete()
    Book.history.all().delete()
    for entry in serializers.deserialize("json", dump):
        entry.save()
    assert Book.objects.get().libraries.count() == 1
    assert not Library.history.exists()
    assert not Book.history.exists()
