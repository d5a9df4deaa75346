"""The tutorial's checklist, one plain test each: what the ORM does on these models."""

import pytest
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import IntegrityError, connection, models, transaction
from django.db.models.signals import post_save, pre_save
from django.test.utils import isolate_apps

from library.models import Book, Librarian, Library, Patron

pytestmark = pytest.mark.django_db

NEW_YORK = {
    "name": "New York Public Library",
    "address": "455 5th Ave",
    "state": "NY",
    "phone_number": "212-222-6559",
    "zip_code": "10016",
}


@pytest.fixture
def tutorial():
    call_command("loaddata", "tutorial", verbosity=0)


@pytest.fixture
def new_york(tutorial):
    return Library.objects.get(name="New York Public Library")


@pytest.fixture
def seaford(tutorial):
    return Library.objects.get(name="Seaford Public Library")


@pytest.fixture
def guide(tutorial):
    return Book.objects.get(title="The Hitchhiker's Guide to the Galaxy")


def names(queryset):
    return sorted(str(obj) for obj in queryset)


# Create -------------------------------------------------------------------------------


def test_an_instance_is_stored_by_save():
    library = Library(**NEW_YORK)
    assert library.pk is None
    assert not Library.objects.exists()
    library.save()
    assert library.pk is not None
    assert Library.objects.values(*NEW_YORK).get() == NEW_YORK


def test_create_makes_and_stores_in_one_step():
    library = Library.objects.create(**NEW_YORK)
    assert Library.objects.get() == library
    assert Library.objects.values(*NEW_YORK).get() == NEW_YORK


# Find ---------------------------------------------------------------------------------


def test_all_gives_the_rows_in_the_order_they_were_put_in():
    # PostgreSQL puts new rows also where rows of other tests were: begin with an empty file.
    tables = [Library._meta.db_table]
    connection.ops.execute_sql_flush(
        connection.ops.sql_flush(no_style(), tables, allow_cascade=True)
    )
    call_command("loaddata", "tutorial", verbosity=0)
    assert [str(library) for library in Library.objects.all()] == [
        "New York Public Library",
        "Seaford Public Library",
        "Public Library of Princeton",
        "Denver Public Library",
    ]


def test_filter_by_startswith(tutorial):
    found = Library.objects.filter(name__startswith="New")
    assert names(found) == ["New York Public Library"]


def test_filter_by_contains(tutorial):
    found = Library.objects.filter(address__contains="Jackson")
    assert names(found) == ["Seaford Public Library"]


def test_filter_by_several_conditions_wants_all_of_them(tutorial):
    found = Library.objects.filter(state="NY", zip_code="11783")
    assert names(found) == ["Seaford Public Library"]


def test_filters_chain(tutorial):
    in_new_york = Library.objects.filter(state="NY")
    assert in_new_york.count() == 2
    found = in_new_york.filter(name__contains="York")
    assert names(found) == ["New York Public Library"]
    assert names(in_new_york.exclude(name__contains="York")) == ["Seaford Public Library"]


def test_filter_that_fits_nothing_is_empty(tutorial):
    assert list(Library.objects.filter(state="HI")) == []


def test_get_gives_the_one_that_fits(tutorial):
    assert Library.objects.get(zip_code="08542-3214").name == "Public Library of Princeton"


def test_get_raises_does_not_exist(tutorial):
    with pytest.raises(Library.DoesNotExist):
        Library.objects.get(state="HI")


def test_get_raises_multiple_objects_returned(tutorial):
    with pytest.raises(Library.MultipleObjectsReturned, match="2"):
        Library.objects.get(state="NY")


def test_get_or_create_finds_and_leaves_the_row_alone(new_york):
    library, created = Library.objects.get_or_create(
        name=new_york.name, defaults={"address": "elsewhere"}
    )
    assert (library, created) == (new_york, False)
    assert library.address == "455 5th Ave"


def test_get_or_create_creates_with_the_defaults():
    defaults = {key: value for key, value in NEW_YORK.items() if key != "name"}
    library, created = Library.objects.get_or_create(name=NEW_YORK["name"], defaults=defaults)
    assert created
    assert Library.objects.values(*NEW_YORK).get(pk=library.pk) == NEW_YORK


# Change -------------------------------------------------------------------------------


def test_a_change_is_stored_by_save(new_york):
    new_york.address = "476 5th Ave"
    assert Library.objects.get(pk=new_york.pk).address == "455 5th Ave"
    new_york.save()
    assert Library.objects.get(pk=new_york.pk).address == "476 5th Ave"


def test_update_returns_the_count(tutorial):
    assert Library.objects.filter(state="NY").update(address="moved") == 2
    assert Library.objects.filter(address="moved").count() == 2
    assert Library.objects.filter(state="HI").update(address="moved") == 0


def test_update_sends_no_save_signals(new_york):
    sent = []

    def note(sender, signal, **kwargs):
        sent.append(signal)

    pre_save.connect(note, sender=Library)
    post_save.connect(note, sender=Library)
    try:
        Library.objects.update(address="moved")
        assert sent == []
        new_york.save()
        assert sent == [pre_save, post_save]
    finally:
        pre_save.disconnect(note, sender=Library)
        post_save.disconnect(note, sender=Library)


def test_neither_save_nor_update_validates(new_york):
    new_york.phone_number = "800-nyc-books"
    new_york.save()
    assert Library.objects.get(pk=new_york.pk).phone_number == "800-nyc-books"
    Library.objects.update(state="ZZ")
    assert Library.objects.get(pk=new_york.pk).state == "ZZ"


# Delete -------------------------------------------------------------------------------


def test_delete_of_an_instance_returns_what_went(tutorial):
    bob = Patron.objects.get(name="Bob Smith")
    assert bob.delete() == (1, {"library.Patron": 1})
    assert names(Patron.objects.all()) == ["Jane Doe"]


def test_delete_of_a_queryset_returns_what_went(tutorial):
    assert Patron.objects.all().delete() == (2, {"library.Patron": 2})
    assert Patron.objects.all().delete() == (0, {})


# Foreign key --------------------------------------------------------------------------


def test_a_foreign_key_leads_to_the_one(new_york):
    assert Patron.objects.get(name="Bob Smith").library == new_york


def test_patron_set_leads_back_to_the_many(new_york, seaford):
    assert names(new_york.patron_set.all()) == ["Bob Smith", "Jane Doe"]
    assert not seaford.patron_set.exists()
    fred = seaford.patron_set.create(name="Fred Jones")
    assert fred.library == seaford


def test_a_foreign_key_is_followed_in_conditions_both_ways(new_york):
    assert Patron.objects.filter(library__state="NY").count() == 2
    assert Library.objects.get(patron__name="Jane Doe") == new_york


@isolate_apps("library")
def test_a_foreign_key_may_name_a_model_that_is_not_there_yet():
    class Shelf(models.Model):  # noqa: DJ008
        branch = models.ForeignKey("library.Branch", on_delete=models.CASCADE)

        class Meta:
            app_label = "library"

    class Branch(models.Model):  # noqa: DJ008
        class Meta:
            app_label = "library"

    assert Shelf._meta.get_field("branch").related_model is Branch
    assert hasattr(Branch, "shelf_set")


# One to one ---------------------------------------------------------------------------


def test_one_to_one_leads_both_ways(new_york):
    fry = Librarian.objects.get(name="Philip J. Fry")
    assert fry.library == new_york
    assert new_york.librarian == fry


def test_a_library_without_a_librarian_says_so(seaford):
    assert not hasattr(seaford, "librarian")
    with pytest.raises(Librarian.DoesNotExist):
        _ = seaford.librarian


def test_a_second_librarian_is_refused(new_york):
    with pytest.raises(IntegrityError), transaction.atomic():
        Librarian.objects.create(name="Turanga Leela", library=new_york)
    assert Librarian.objects.get(library=new_york).name == "Philip J. Fry"


# Many to many -------------------------------------------------------------------------


def test_add_from_the_book(guide, new_york, seaford):
    denver = Library.objects.get(state="CO")
    guide.libraries.add(denver, new_york)
    assert set(guide.libraries.all()) == {new_york, seaford, denver}
    assert guide in denver.book_set.all()


def test_add_from_the_library(guide):
    denver = Library.objects.get(state="CO")
    denver.book_set.add(guide)
    assert denver in guide.libraries.all()


def test_remove_from_the_book(guide, new_york, seaford):
    guide.libraries.remove(new_york)
    assert list(guide.libraries.all()) == [seaford]
    assert guide not in new_york.book_set.all()


def test_remove_from_the_library(guide, new_york, seaford):
    new_york.book_set.remove(guide)
    assert list(guide.libraries.all()) == [seaford]


def test_clear_from_the_book(guide, new_york):
    guide.libraries.clear()
    assert not guide.libraries.exists()
    assert names(new_york.book_set.all()) == ["The Restaurant at the End of the Universe"]


def test_clear_from_the_library(guide, new_york, seaford):
    new_york.book_set.clear()
    assert not new_york.book_set.exists()
    assert list(guide.libraries.all()) == [seaford]


def test_set_makes_the_list_exactly_this(guide, new_york):
    denver = Library.objects.get(state="CO")
    guide.libraries.set([new_york, denver])
    assert set(guide.libraries.all()) == {new_york, denver}


# The shells ---------------------------------------------------------------------------


def test_shell_has_the_models_imported(tutorial, capsys):
    call_command("shell", command="print(Library, Patron, Librarian, Book)", verbosity=0)
    assert capsys.readouterr().out.count("library.models.") == 4


def test_shell_plus_has_the_models_imported(tutorial, capsys):
    call_command("shell_plus", "--quiet-load", "-c", "print(Library, Patron, Librarian, Book)")
    assert capsys.readouterr().out.count("library.models.") == 4
