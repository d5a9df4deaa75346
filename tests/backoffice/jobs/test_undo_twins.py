"""An undo puts no record beside another that got its match key since."""

import pytest

from backoffice.changes.deletion import Deletion
from backoffice.changes.edits import Edit
from backoffice.jobs.steps import apply_job, check_job, create_job, undo_job, undo_of
from backoffice.querysets.reach import EVERYTHING
from library.models import Book, Library, Patron
from library.resources import BookResource, LibraryResource, PatronResource
from tests.factories import make_book, make_library, make_patron

pytestmark = pytest.mark.django_db

WHY = "Another record got the values by which files find it."


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def imported(resource, text, **options):
    job = create_job(resource, [text.encode()], file_name="f.csv", **options)
    check_job(job)
    apply_job(job)
    assert job.status == "done"
    return job


def library(name):
    header = "name,address,state,phone_number,zip_code"
    return imported(LibraryResource, f"{header}\n{name},2 Street,NY,212-222-6559,10001\n")


def deleted(rows):
    return Deletion(rows).run(title="d", user=None)


def undone(job):
    """What the page says beforehand and what then is done."""
    with undo_of(job) as undo:
        counts = undo.plan()
        left = [(text, str(why)) for _model, _pk, text, why in undo.left(10, EVERYTHING)]
    ended = undo_job(job)
    assert counts.as_fields().items() <= vars(ended).items()
    return left


def test_a_deleted_record_stays_away_if_it_was_imported_again():
    old = make_library(name="Main", zip_code="10001")
    make_patron(name="Ann", library=old)
    job = deleted(Library.objects.all())
    library("Main")
    assert (("Main", WHY)) in undone(job)
    assert Library.objects.get().address == "2 Street"
    assert not Patron.objects.exists()  # who would be without a library


def test_so_with_a_key_that_refers_to_another_record():
    branch = make_library(name="Main", zip_code="10001")
    make_patron(name="Ann", library=branch)
    job = deleted(Patron.objects.all())
    imported(PatronResource, "name,library\nAnn,Main\nBen,Main\n")
    assert undone(job) == [("Ann", WHY)]
    assert sorted(Patron.objects.values_list("name", flat=True)) == ["Ann", "Ben"]


def test_the_others_come_back():
    make_book(title="Emma")
    make_book(title="Persuasion")
    job = deleted(Book.objects.all())
    imported(BookResource, "title\nEmma\n")
    assert undone(job) == [("Emma", WHY)]
    assert sorted(Book.objects.values_list("title", flat=True)) == ["Emma", "Persuasion"]


def test_a_name_does_not_return_to_where_another_has_it_by_now():
    old = make_library(name="Main", zip_code="10001")
    job = Edit(Library.objects.all(), {Library._meta.get_field("name"): "Old"}).run(
        title="renamed", user=None
    )
    library("Main")
    assert undone(job) == [("Old", WHY)]
    old.refresh_from_db()
    assert old.name == "Old"


def test_a_record_that_was_renamed_to_it_counts_too():
    make_library(name="Main", zip_code="10001")
    other = make_library(name="Other", zip_code="10001")
    job = deleted(Library.objects.filter(name="Main"))
    other.name = "Main"
    other.save()
    assert undone(job) == [("Main", WHY)]
    assert Library.objects.get() == other


def test_twins_that_were_there_come_back_as_they_were():
    make_library(name="Main", zip_code="10001")
    second = make_library(name="Main", zip_code="10001")
    second.address = "3 Street"
    second.save()
    job = deleted(Library.objects.filter(address="3 Street"))
    Library.objects.get().save()  # the other has a later record too
    assert undone(job) == []
    assert Library.objects.count() == 2
    both = deleted(Library.objects.all())
    assert undone(both) == []
    assert Library.objects.count() == 2


def test_what_was_renamed_away_again_is_no_twin():
    make_library(name="Main", zip_code="10001")
    job = deleted(Library.objects.all())
    library("Main")
    Library.objects.get().delete()
    assert undone(job) == []
    assert Library.objects.get().address != "2 Street"
