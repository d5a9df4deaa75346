"""What holds for any file: counts add up, and an export imports without a change."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.exports.delimited import delimited_blocks
from backoffice.exports.export import Export
from backoffice.exports.formats import CSV, ODS, XLSX
from backoffice.exports.rows import export_chunks
from library.models import Book, Library
from library.resources import BookResource, LibraryResource, PatronResource
from tests.backoffice.imports.running import HEADER, counted, run
from tests.factories import make_book, make_library, make_patron

pytestmark = pytest.mark.django_db


cell = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from("|'\"=,"),
    max_size=8,
)
written = cell.map(str.strip).filter(bool)
slow = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@slow
@given(rows=st.lists(st.tuples(cell, cell, st.sampled_from(["NY", "ZZ", ""])), max_size=12))
def test_the_counts_add_up_and_are_what_happens(write_csv, rows):
    Library.objects.all().delete()
    path = write_csv(HEADER, *([a, b, s, "212-222-6559", "10001"] for a, b, s in rows))
    counts, _rejects = run(LibraryResource, path)
    assert counts.rows == sum(counted(counts)) == len(rows)
    repeats = counts.unchanged
    assert Library.objects.count() == counts.new
    again, _rejects = run(LibraryResource, path)
    assert again.new == 0
    if all(all(row) for row in rows):
        assert counted(again) == (0, 0, counts.new + repeats, counts.rejected)
    # Else a blank that no record could be made with keeps what the record has by now.


@slow
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abcde"), st.sampled_from(["1", "2", ""])), max_size=9
    ),
    there=st.sets(st.sampled_from("abcd")),
    only=st.sampled_from(["", "new", "updates"]),
    protected=st.sampled_from([[], ["address"], ["address", "state", "name"]]),
)
def test_what_is_not_to_be_touched_is_not(write_csv, rows, there, only, protected):
    Library.objects.all().delete()
    for name in there:
        make_library(name=name, zip_code="10001", address="0")
    path = write_csv(HEADER, *([a, b, "NJ", "212-222-6559", "10001"] for a, b in rows))
    counts, _rejects = run(LibraryResource, path, only=only, protected=protected)
    assert counts.rows == sum(counted(counts)) == len(rows)
    assert Library.objects.count() == len(there) + counts.new
    of_old = Library.objects.filter(name__in=there)
    assert of_old.count() == len(there)
    if only == "updates":
        assert not counts.new
    if only == "new":
        assert not counts.updated
    if only == "new" or "address" in protected:
        assert of_old.filter(address="0").count() == len(there)
    if only == "new" or "state" in protected:
        assert of_old.filter(state="NY").count() == len(there)


@slow
@given(names=st.lists(written, max_size=6), data=st.data())
def test_what_is_exported_imports_without_a_change(write_csv, tmp_path, names, data):
    Library.objects.all().delete()
    Book.objects.all().delete()
    libraries = [make_library(name=name) for name in names]
    for title in data.draw(st.lists(written, max_size=4, unique=True)):
        held = data.draw(st.sets(st.sampled_from(libraries))) if libraries else ()
        make_book(title=title, libraries=held)
    for library in libraries[:2]:
        make_patron(library=library)
    for resource_class in (LibraryResource, PatronResource, BookResource):
        resource = resource_class()
        chunks = list(export_chunks(resource, resource.get_queryset()))
        path = tmp_path / "exported.csv"
        path.write_bytes(b"".join(delimited_blocks(chunks)))
        counts, rejects = run(resource_class, path)
        assert (counted(counts), rejects) == ((0, 0, resource.get_queryset().count(), 0), [])


odd = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
looks_odd = st.sampled_from(
    ["#N/A", "########", "Err:502", "#ERROR!", "_x0041_", "_x005F_x0041_", "=1", "-", "\ufffe"]
)


@slow
@given(
    addresses=st.lists(
        st.tuples(st.text("' ", max_size=2), looks_odd | odd, odd).map("".join),
        min_size=1,
        max_size=8,
    ),
    format_class=st.sampled_from([CSV, XLSX, ODS]),
)
def test_text_that_is_no_key_comes_back_as_it_is(tmp_path, addresses, format_class):
    """`address` is compared as it is stored: nothing makes up for what a format loses."""
    Library.objects.all().delete()
    if format_class is ODS:  # which refuses them
        gone = dict.fromkeys((*range(9), 0xB, 0xC, *range(0xE, 32), 0xFFFE, 0xFFFF), "x")
        addresses = [address.translate(gone) for address in addresses]
    for number, address in enumerate(addresses):
        make_library(name=f"Branch {number}", address=address or "x")
    path = tmp_path / f"exported.{format_class.name}"
    resource = LibraryResource()
    blocks = Export(resource, resource.get_queryset(), format_class()).blocks()
    path.write_bytes(b"".join(blocks))
    counts, rejects = run(LibraryResource, path)
    assert (counted(counts), rejects) == ((0, 0, len(addresses), 0), [])
