"""A mirror: records inside a filter that the file lacks are deleted, as part of the import."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import models

from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change
from backoffice.history.records import Signature
from backoffice.imports.decided import Decided, digest
from backoffice.imports.engine import DatabaseMoved, Import
from backoffice.imports.mapping import MappingError
from backoffice.jobs.steps import undo_job
from backoffice.readers.source import open_source
from library.models import Book, Librarian, Library, Patron
from library.resources import BookResource, LibrarianResource, LibraryResource
from tests.backoffice.imports.running import HEADER, SEAFORD
from tests.everything.models import Owner, PartlyKept, Pointing
from tests.everything.resources import RESOURCES
from tests.factories import make_book, make_librarian, make_library, make_patron

pytestmark = pytest.mark.django_db
OTHER = ["Other", "1 Main St", "NY", "212-222-6559", "10001"]


def row(values, **fields):
    return [fields.get(name, cell) for name, cell in zip(HEADER, values, strict=True)]


def mirror(path, *decisions, resource=LibraryResource, filters=("state=NY",), **options):
    decided = Decided([Decision(**fields) for fields in decisions])
    return Import(resource, open_source(path), decided=decided, mirror=filters, **options)


def names():
    return sorted(Library.objects.values_list("name", flat=True))


@pytest.fixture
def three():
    """Two libraries of NY, one with people and a book, and one of NJ."""
    gone = make_library(name="Gone", state="NY", zip_code="10002")
    make_patron(name="Jo", library=gone)
    make_librarian(name="Li", library=gone)
    make_book(title="Emma", libraries=[gone])
    make_library(name="Other", state="NY", zip_code="10001")
    make_library(name="Elsewhere", state="NJ", zip_code="08540")


def test_what_the_file_lacks_is_counted_listed_and_not_deleted_by_a_check(three, write_csv):
    with mirror(write_csv(HEADER, OTHER, SEAFORD)) as imported:
        counts = imported.check()
        assert (counts.rows, counts.new, counts.updated + counts.unchanged) == (2, 1, 1)
        missing = imported.missing
        assert missing.count == 1
        assert missing.removed == {
            "library.Library": 1,
            "library.Patron": 1,
            "library.Librarian": 1,
        }
        ((pk, texts),) = imported.mirror.listed()
        assert (pk, texts[0]) == (Library.objects.get(name="Gone").pk, "Gone")
    assert names() == ["Elsewhere", "Gone", "Other"]


@pytest.mark.parametrize(
    ("rows", "options"),
    [([OTHER, OTHER], {}), ([OTHER, SEAFORD], {"only": "updates"})],
    ids=["a row that repeats another", "a row that would be new"],
)
def test_a_row_that_is_no_record_s_hinders_nothing(three, write_csv, rows, options):
    with mirror(write_csv(HEADER, *rows), **options) as imported:
        imported.check()
        assert (imported.missing.count, imported.missing.refusal) == (1, "")


def test_a_filter_that_finds_nothing_deletes_nothing(three, write_csv):
    filters = ["looks_like_another=yes"]  # no query is needed to know that none does
    with mirror(write_csv(HEADER, OTHER), filters=filters) as imported:
        imported.check()
        assert (imported.missing.count, imported.missing.refusal) == (0, "")


def test_it_is_deleted_with_the_import_and_comes_back_with_its_undo(three, write_csv, capsys):
    path = write_csv(HEADER, OTHER, SEAFORD)
    call_command("import", "library.Library", path, "--mirror", "state=NY", "--json")
    out = json.loads(capsys.readouterr().out)
    assert (out["new"], out["removed"], out["written"]) == (1, 3, True)
    assert Change.objects.get(pk=out["job"]).removed == 3
    reason = Library.history.get(history_type="-").history_change_reason
    assert reason.startswith("not in the file: ")
    assert names() == ["Elsewhere", "Other", "Seaford"]
    assert not Patron.objects.exists()
    assert not Book.objects.get().libraries.exists()
    undo_job(Change.objects.get(pk=out["job"]))
    assert names() == ["Elsewhere", "Gone", "Other"]
    gone = Library.objects.get(name="Gone")
    assert (gone.patron_set.get().name, gone.librarian.name) == ("Jo", "Li")
    assert Book.objects.get().libraries.get() == gone


def test_a_file_that_lacks_nothing_deletes_nothing(three, write_csv):
    everything = row(OTHER, name="Gone", zip_code="10002")
    with mirror(write_csv(HEADER, OTHER, everything)) as imported:
        imported.apply(begin=lambda _counts: Signature())
        assert imported.missing.count == 0
    assert len(names()) == 3


def test_nothing_is_deleted_while_a_row_is_rejected(three, write_csv):
    path = write_csv(HEADER, OTHER, row(SEAFORD, phone_number="-4"))
    with mirror(path) as imported:
        imported.check()
        assert "Mend these rows or set them aside: 1." in imported.missing.refusal
    with pytest.raises(CommandError, match="while rows are rejected") as raised:
        call_command(
            "import", "library.Library", path, "--mirror=state=NY", "--on-error=skip", "--json"
        )
    assert raised.value.returncode == 2
    assert len(names()) == 3


def test_a_record_stays_that_a_row_set_aside_looks_like(three, write_csv):
    aside = row(OTHER, name="GONE", zip_code="10002-1234", phone_number="-4")
    path = write_csv(HEADER, OTHER, aside)
    with mirror(path, {"line": 3, "value": digest(aside), "answer": "skip"}) as imported:
        imported.check()
        assert (imported.missing.count, imported.missing.refusal) == (0, "")


def test_a_row_set_aside_is_what_its_mended_cells_say(three, write_csv):
    path = write_csv(
        HEADER, OTHER, row(OTHER, name="Gnoe", zip_code="10002", phone_number="-4")
    )
    mended = {"line": 3, "field": "name", "value": "Gnoe", "answer": "text", "text": "Gone"}
    cause = {"field": "phone_number", "code": "code", "answer": "skip"}
    with mirror(path, mended, cause) as imported:
        imported.check()
        assert (imported.missing.count, imported.missing.refusal) == (0, "")


@pytest.mark.parametrize("zip_code", ["", "what"])
def test_a_row_set_aside_that_may_be_anybodys_keeps_all(three, write_csv, zip_code):
    aside = row(OTHER, zip_code=zip_code)
    path = write_csv(HEADER, OTHER, aside)
    with mirror(path, {"line": 3, "value": digest(aside), "answer": "skip"}) as imported:
        imported.check()
        assert "row 3 is set aside, and its name, zip_code" in imported.missing.refusal


def test_a_row_set_aside_of_a_key_without_text_keeps_all(three, write_csv):
    path = write_csv(["name", "library"], ["Li", "Nowhere"], ["Al", "Other"])
    skip = {"line": 2, "value": digest(["Li", "Nowhere"]), "answer": "skip"}
    with mirror(path, skip, resource=LibrarianResource, filters=["name=Li"]) as imported:
        imported.check()
        assert "row 2 is set aside" in imported.missing.refusal
    assert Librarian.objects.count() == 1


def test_what_was_agreed_to_is_what_is_deleted(three, write_csv):
    path = write_csv(HEADER, OTHER, SEAFORD)
    with mirror(path) as imported:
        counts = imported.check()
        agreed = imported.missing
        Library.objects.filter(name="Gone").delete()
        make_library(name="New since", state="NY", zip_code="10009")
        with pytest.raises(DatabaseMoved, match="Other records than then"):
            imported.apply(expected=counts, missing=agreed, begin=lambda _counts: Signature())
    assert names() == ["Elsewhere", "New since", "Other"]


def test_another_record_than_the_one_agreed_to_stays(write_csv):
    one = make_library(name="One", state="NY")
    with mirror(write_csv(HEADER, OTHER)) as imported:
        counts = imported.check()
        agreed = imported.missing
        one.delete()
        make_library(name="Two", state="NY")
        with pytest.raises(DatabaseMoved, match="Other records than then"):
            imported.apply(expected=counts, missing=agreed, begin=lambda _counts: Signature())
    assert names() == ["Two"]


def test_what_no_undo_brings_back_stays(write_csv):
    """Its history leaves a field out."""
    PartlyKept.objects.create(code="a", secret="s")
    path = write_csv(["code"], ["b"])
    resource = RESOURCES[PartlyKept]
    with mirror(path, resource=resource, filters=["code=a"]) as imported:
        imported.check()
        assert "stays (1): partly kepts can't be brought back." in imported.missing.refusal
        assert imported.missing.total == 0


def test_what_others_need_stays(three, write_csv, monkeypatch):
    make_patron(name="Jo", library=Library.objects.get(name="Elsewhere"))
    reference = Patron._meta.get_field("library").remote_field
    monkeypatch.setattr(reference, "on_delete", models.PROTECT)
    with mirror(write_csv(HEADER, OTHER)) as imported:
        imported.check()
        said = "What the file lacks stays (1): Jo — Gone, 10002 needs one of them."
        assert imported.missing.refusal == said
        assert imported.missing.total == 0


@pytest.mark.parametrize("filters", [["state=XX"], ["nonsense=1"], ["state="], ["state"]])
def test_a_filter_is_needed_that_can_be_used(three, write_csv, filters):
    with pytest.raises(MappingError):
        mirror(write_csv(HEADER, OTHER), filters=filters)


def test_books_by_title(write_csv):
    make_book(title="Emma")
    make_book(title="Ulysses")
    with mirror(
        write_csv(["title"], ["Emma"]), resource=BookResource, filters=["title=s"]
    ) as imported:
        imported.check()
        assert [texts for _pk, texts in imported.mirror.listed()] == [("Ulysses",)]


def test_a_record_that_the_file_moves_out_of_the_filter_stays(three, write_csv):
    moved = row(OTHER, name="Gone", zip_code="10002", state="NJ")
    with mirror(write_csv(HEADER, OTHER, moved)) as imported:
        imported.apply(begin=lambda _counts: Signature())
    assert names() == ["Elsewhere", "Gone", "Other"]


@pytest.mark.parametrize(
    ("rows", "refusal"),
    [
        ([["code"], ["B"]], "B needs one"),  # its parent would take it along
        ([["code", "parent"], ["C", "A"]], "stays (2): a row names A."),
    ],
)
def test_what_the_file_means_does_not_go_with_what_it_lacks(write_csv, rows, refusal):
    owner = Owner.objects.create(code="O")
    parent = Pointing.objects.create(code="A", owner=owner)
    Pointing.objects.create(code="B", owner=owner, parent=parent)
    with mirror(
        write_csv(*rows), resource=RESOURCES[Pointing], filters=["owner=O"]
    ) as imported:
        imported.apply(begin=lambda _counts: Signature())
        assert refusal in imported.missing.refusal
    assert {*Pointing.objects.values_list("code", flat=True)} >= {"A", "B"}


def test_a_blank_key_may_be_any_record_without_one(write_csv):
    Pointing.objects.create(code="A")
    with mirror(
        write_csv(["code", "owner"], ["B", ""]),
        resource=RESOURCES[Pointing],
        filters=["code=A"],
        match=["owner"],
    ) as imported:
        assert imported.check().new == 1
        assert "owner of row 2 is blank" in imported.missing.refusal
