"""Imports of users with limits: they see and write what is theirs, as if that were all."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.imports.engine import DatabaseMoved, Import
from backoffice.imports.mapping import MappingError
from backoffice.querysets.reach import Reach
from backoffice.readers.source import open_source
from library.models import Book, Librarian, Library, Patron
from library.resources import BookResource, LibrarianResource, LibraryResource, PatronResource
from tests.backoffice.imports.running import HEADER
from tests.factories import (
    limit,
    make_book,
    make_librarian,
    make_library,
    make_patron,
    make_user,
)

pytestmark = pytest.mark.django_db

PHONE = "212-222-6559"
UNKNOWN = "No such record is here. Write its name as it is here, or create it first."
OUTSIDE = "The record would lie outside what you are limited to."


@pytest.fixture
def mine():
    return make_library(name="Mine", state="NY", zip_code="10001", address="1 Street")


@pytest.fixture
def other():
    return make_library(name="Other", state="NJ", zip_code="07001", address="Secret Street")


@pytest.fixture
def reach(mine):
    return Reach.of(limit(make_user(), filter="state=NY"))


def looked_at(resource, path, reach, **options):
    """All that a check says, as texts; then it is written."""
    with Import(resource, open_source(path), reach=reach, **options) as imported:
        counts = imported.check()
        said = {
            "counts": counts,
            "changes": [change._replace(pk=None) for change in imported.changes()],
            "rejects": list(map(str, imported.rejects())),
            "warnings": imported.warnings,
            "unlinked": imported.count_removed_links(),
            "missing": imported.missing.count,
        }
        imported.apply(expected=counts)
    return said


def rejects(said):
    return [reject.partition(": ")[2] for reject in said["rejects"]]


def test_a_library_elsewhere_is_none(write_csv, reach, other):
    path = write_csv(["name", "library"], ["Ann", "Other"], ["Ann", "Nowhere"])
    make_patron(name="Ann", library=other)
    assert rejects(looked_at(PatronResource, path, reach)) == [UNKNOWN, UNKNOWN]


@pytest.mark.parametrize("text", ["other", "Othre", "Other (07001)", "OTHER", " Other  x"])
def test_nothing_is_said_of_a_library_elsewhere_that_is_like_it(write_csv, reach, other, text):
    said = looked_at(PatronResource, write_csv(["name", "library"], ["Ann", text]), reach)
    assert rejects(said) == [UNKNOWN]
    assert str(said).count("07001") == text.count("07001")


def test_a_namesake_elsewhere_takes_no_name_away(write_csv, reach, mine, other):
    """Nor is it why a name is written with its ZIP code."""
    Library.objects.filter(pk=other.pk).update(name="Mine")
    book = make_book(title="Emma", libraries=[mine])
    make_library(name="Second", zip_code="10002")
    path = write_csv(["title", "libraries"], ["Emma", "Mine|Second"])
    said = looked_at(BookResource, path, reach)
    ((*_rest, new, old),) = said["changes"]
    assert (new, old) == (("Emma", "Mine|Second"), ("Emma", "Mine"))
    assert book.libraries.count() == 2


def test_a_library_can_neither_be_made_nor_moved_outside(write_csv, reach, mine, other):
    path = write_csv(
        HEADER,
        ["Mine", "1 Street", "NJ", PHONE, "10001"],  # would be moved out
        ["Other", "1 Street", "NJ", PHONE, "07001"],  # is there, unseen
        ["Third", "1 Street", "NJ", PHONE, "07003"],  # is not
    )
    said = looked_at(LibraryResource, path, reach)
    assert [text.startswith(OUTSIDE) for text in rejects(said)] == [True] * 3
    assert len(set(rejects(said))) == 1
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.state, other.address) == ("NY", "Secret Street")


def test_a_record_elsewhere_is_not_moved_inside(write_csv, reach, other):
    path = write_csv(HEADER, ["Other", "1 Street", "NY", PHONE, "07001"])
    said = looked_at(LibraryResource, path, reach)
    assert said["counts"].new == 1
    other.refresh_from_db()
    assert (other.state, other.address) == ("NJ", "Secret Street")


def test_whoever_is_limited_to_libraries_makes_none(write_csv, mine):
    reach = Reach.of(limit(make_user(), mine))
    path = write_csv(
        HEADER,
        ["Third", "1 Street", "NY", PHONE, "10003"],
        ["Mine", "2 Street", "NY", PHONE, "10001"],
    )
    said = looked_at(LibraryResource, path, reach)
    assert (said["counts"].updated, said["counts"].rejected) == (1, 1)
    assert rejects(said)[0].startswith(OUTSIDE)


def test_whoever_is_limited_to_nothing_imports_nothing(write_csv, mine):
    reach = Reach.of(limit(make_user()))
    for resource, *rows in (
        (PatronResource, ["name", "library"], ["Ann", "Mine"]),
        (BookResource, ["title", "libraries"], ["Emma", "Mine"]),
        (LibraryResource, HEADER, ["Mine", "2 Street", "NY", PHONE, "10001"]),
    ):
        said = looked_at(resource, write_csv(*rows), reach)
        assert said["counts"].rejected == 1


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("cell", ["Mine", "Second", "Mine|Second"])
def test_links_to_libraries_elsewhere_stay(write_csv, reach, mine, other, cell, keep):
    make_library(name="Second", zip_code="10002")
    book = make_book(title="Emma", libraries=[mine, other])
    path = write_csv(["title", "libraries"], ["Emma", cell])
    said = looked_at(BookResource, path, reach, keep_blank=keep)
    assert {str(each) for each in book.libraries.all()} == {"Other", *cell.split("|")}
    assert "Other" not in str(said)
    assert said["unlinked"] == ({"libraries": (1, 1)} if cell == "Second" else {})
    assert said["counts"].unchanged == (cell == "Mine")


def test_a_book_keeps_the_library_by_which_it_is_seen(write_csv, reach, mine, other):
    book = make_book(title="Emma", libraries=[mine, other])
    path = write_csv(["title", "libraries"], ["Emma", ""])
    said = looked_at(BookResource, path, reach, keep_blank=False)
    assert rejects(said)[0].startswith(OUTSIDE)
    assert book.libraries.count() == 2


def test_a_title_that_others_hold_is_new(write_csv, reach, mine, other):
    book = make_book(title="Emma", libraries=[other])
    path = write_csv(["title", "libraries"], ["Emma", "Mine"], ["emma", "Mine"])
    said = looked_at(BookResource, path, reach, alike="new")
    assert said["counts"].new == 2
    assert list(book.libraries.all()) == [other]


def test_a_mirror_deletes_inside_alone(write_csv, reach, mine, other):
    make_patron(name="Gone", library=mine)
    make_patron(name="Elsewhere", library=other)
    path = write_csv(["name", "library"], ["Ann", "Mine"])
    said = looked_at(PatronResource, path, reach, mirror=["library=Mine"])
    assert said["missing"] == 1
    assert set(Patron.objects.values_list("name", flat=True)) == {"Ann", "Elsewhere"}


def test_a_mirror_leaves_books_that_others_hold_as_well(write_csv, reach, mine, other):
    make_book(title="Ours", libraries=[mine])
    make_book(title="Shared", libraries=[mine, other])
    path = write_csv(["title", "libraries"], ["Emma", "Mine"])
    said = looked_at(BookResource, path, reach, mirror=["libraries=Mine"])
    assert said["missing"] == 1
    assert set(Book.objects.values_list("title", flat=True)) == {"Emma", "Shared"}


def test_limits_that_shrink_after_the_check_stop_it(write_csv, mine):
    user = make_user()
    second = make_library(name="Second")
    path = write_csv(["name", "library"], ["Ann", "Mine"], ["Ben", "Second"])
    before = Reach.of(limit(user, mine, second))
    with Import(PatronResource, open_source(path), reach=before) as imported:
        counts = imported.check()
    after = Reach.of(limit(user, mine))
    with (
        Import(PatronResource, open_source(path), reach=after) as imported,
        pytest.raises(DatabaseMoved),
    ):
        imported.apply(expected=counts)
    assert not Patron.objects.exists()


# For any file ---------------------------------------------------------------------------

names = st.sampled_from(
    ["Mine", "mine", "Other", "other", "Second", "Mine (10001)", "Othr", ""]
)
people = st.sampled_from(["Ann", "ann", "Ben", "“Ben”", ""])
states = st.sampled_from(["NY", "NJ"])
hidden = st.fixed_dictionaries(
    {
        "names": st.lists(st.sampled_from(["Mine", "Other", "Othre", "Second"]), max_size=3),
        "people": st.lists(people.filter(bool), max_size=3),
    }
)
files = st.one_of(
    st.tuples(
        st.just(PatronResource),
        st.just(["name", "library"]),
        st.lists(st.tuples(people, names), max_size=5),
    ),
    st.tuples(
        st.just(LibrarianResource),
        st.just(["name", "library"]),
        st.lists(st.tuples(people, names), max_size=4),
    ),
    st.tuples(
        st.just(BookResource),
        st.just(["title", "libraries"]),
        st.lists(
            st.tuples(people, st.lists(names, max_size=3).map("|".join)),
            max_size=5,
        ),
    ),
    st.tuples(
        st.just(LibraryResource),
        st.just(HEADER),
        st.lists(
            st.tuples(
                names, people, states, st.just(PHONE), st.sampled_from(["10001", "7001"])
            ),
            max_size=5,
        ),
    ),
)


def seen_now():
    """What is in New York, without keys."""
    return {
        Library: set(Library.objects.filter(state="NY").values_list("name", "address")),
        Patron: sorted(
            Patron.objects.filter(library__state="NY").values_list("name", "library__name")
        ),
        Librarian: sorted(
            Librarian.objects.filter(library__state="NY").values_list("name", "library__name")
        ),
        Book: sorted(
            Book.objects.filter(libraries__state="NY").values_list("title", "libraries__name")
        ),
    }


def unseen_now():
    return {
        model: sorted(model.objects.filter(**{condition: "NJ"}).values_list())
        for model, condition in (
            (Library, "state"),
            (Patron, "library__state"),
            (Librarian, "library__state"),
            (Book, "libraries__state"),
            (Book.libraries.through, "library__state"),
        )
    }


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    file=files, keep=st.booleans(), alike=st.sampled_from(["reject", "same", "new"]), a=hidden
)
def test_what_is_hidden_changes_nothing_and_is_not_changed(write_csv, file, keep, alike, a):
    resource, headers, rows = file
    user, results = make_user(), []
    for rest in ({"names": [], "people": []}, a):
        for model in (Book, Library):
            model.objects.all().delete()
        mine = make_library(name="Mine", state="NY", zip_code="10001", address="Ann")
        make_library(name="Second", state="NY", zip_code="10002", address="Ben")
        make_patron(name="Ann", library=mine)
        emma = make_book(title="Ann", libraries=[mine])
        for n, name in enumerate(rest["names"]):
            library = make_library(name=name, state="NJ", zip_code=f"0700{n}")
            make_librarian(name="Ben", library=library)
            emma.libraries.add(library)
            for person in rest["people"]:
                make_patron(name=person, library=library)
                make_book(title=person, libraries=[library])
        reach, before = Reach.of(limit(user, filter="state=NY")), unseen_now()
        path = write_csv(headers, *rows)
        said = looked_at(resource, path, reach, keep_blank=keep, alike=alike)
        assert unseen_now() == before
        results.append((said, seen_now()))
    assert results[0] == results[1]


def test_a_filter_of_a_mirror_names_nothing_elsewhere(write_csv, reach, other):
    path = write_csv(["name", "library"], ["Ann", "Mine"])
    said = set()
    for name in ("Secre", "Othe", "Other", "Nowhere"):
        with pytest.raises(MappingError) as error:
            looked_at(PatronResource, path, reach, mirror=[f"library={name}"])
        said.add(str(error.value).replace(name, "…"))
    assert len(said) == 1
