"""SQLite's search index: it finds what `icontains` finds, and holds what the table holds."""

import contextlib
import json

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import Q
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from backoffice.admin.lists.search import Search, search_index
from backoffice.admin.lists.search_indexes import after_migrations, before_migrations
from backoffice.changes.deletion import Deletion
from backoffice.changes.edits import Edit
from backoffice.changes.models import Change
from backoffice.jobs.steps import undo_job
from backoffice.tables import search_index as search_index_module
from backoffice.tables.search_index import SearchIndex, made_anew
from backoffice.tables.table import Table
from library.models import Library, Patron
from library.resources import LibraryResource
from tests.backoffice.admin.pages import url
from tests.backoffice.changes.test_undo import applied
from tests.backoffice.imports.running import HEADER
from tests.factories import make_library, make_patron

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has its own"),
]
FIELDS = ("name", "address", "zip_code", "phone_number")
TEXTS = st.text(st.sampled_from("abcABCéÉßİıſK“\"'%_\\-* 12\t"), max_size=8)


def index():
    return search_index(Library)


def contain(text):
    return Q.create([(f"{name}__icontains", text) for name in FIELDS], connector=Q.OR)


def is_right():
    """Whether the index holds what the table holds."""
    name = index().name
    try:
        check = "INSERT INTO %s (%s, rank) VALUES ('integrity-check', 1)"
        index().table.execute(check % (name, name))
    except DatabaseError:
        return False
    return index().is_kept()


@pytest.fixture
def reading():
    """The statements that read the libraries, by their LIKE."""
    said = []

    def note(execute, sql, params, many, context):
        if "LIKE" in sql and "MATCH" not in sql:  # that looks at what the index found
            said.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield said


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50
)
@given(names=st.lists(TEXTS, max_size=5), word=TEXTS.filter(bool))
def test_it_finds_what_icontains_finds(names, word):
    Library.objects.all().delete()
    Library.objects.bulk_create([Library(name=name, address=name[::-1]) for name in names])
    keys = index().candidates(word, 1_000)
    expected = set(Library.objects.filter(contain(word)))
    assert (keys is None) == (len(word) < 3)
    if keys is not None:
        assert expected == set(Library.objects.filter(contain(word), pk__in=keys))


WORDS = st.sampled_from(["library", "LIBRARY", "public", "9", "999", "9999", "a_b", "axb", "é"])
NAMES = st.lists(WORDS, max_size=4).map(" ".join)


def one_to(most, of):
    return st.lists(of, min_size=1, max_size=most)


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100
)
@given(
    names=st.lists(NAMES, max_size=8),
    runs=one_to(3, one_to(2, one_to(2, WORDS))),
    sample=st.sampled_from([1, 2, 200]),
)
def test_of_several_texts_it_loses_none_that_is_frequent(names, runs, sample, monkeypatch):
    monkeypatch.setattr(search_index_module, "SAMPLE", sample)
    Library.objects.all().delete()
    Library.objects.bulk_create([Library(name=name) for name in names])
    condition = Q()
    for run in runs:
        all_of = [Q.create([*map(contain, texts)]) for texts in run]
        condition &= Q.create(all_of, connector=Q.OR)
    keys = index().some(runs, 1_000)
    if keys is not None:
        expected = Library.objects.filter(condition).values_list("pk", flat=True)
        assert sorted(keys) == sorted(expected)


@pytest.mark.parametrize("text", ["", "ab", "a\x00b"])
def test_what_it_cannot_find(text):
    make_library(name="abc")
    assert not index().candidates(text, 1_000)


def test_what_has_the_pieces_of_a_text_but_not_the_text_is_no_candidate():
    """999 is all that the index knows of 999999."""
    Library.objects.bulk_create(Library(name=f"Library 999 {n}") for n in range(2_100))
    last = make_library(name="Library 999999", zip_code="10016")
    assert index().candidates("999999", 5) == [last.pk]
    assert index().some([[["library"]], [["999999"]]], 5) == [last.pk]
    assert index().some([[["library"]], [["099999"], ["10016"]]], 5) == [last.pk]
    assert len(index().some([[["library"]], [["999"]]], 5)) == 6


def test_many_candidates_are_left_to_reading():
    for _turn in range(3):
        make_library(name="Seaford")
    assert index().candidates("seaford", 2) is None
    assert len(index().candidates("SEAFORD", 3)) == 3


def test_a_page_without_hits_reads_no_row(admin_client, reading):
    make_patron(name="Ann", library=make_library(name="Seaford"))
    for model, word in ((Library, "zebra"), (Patron, "zebra")):
        response = admin_client.get(url(model, "changelist"), {"q": word})
        assert not response.context["cl"].result_list
    assert not reading
    response = admin_client.get(url(Patron, "changelist"), {"q": "seaford"})
    assert [str(row) for row in response.context["cl"].result_list] == ["Ann"]


@pytest.fixture(params=[10_000, 1], ids=["by triggers", "made anew"])
def enough(request, monkeypatch):
    """From how many rows on the index may be made anew."""
    monkeypatch.setattr("backoffice.tables.search_index.ENOUGH", request.param)
    return request.param


@pytest.fixture
def rebuilt():
    """The statements that make an index anew, or fill it with all new rows at once."""
    said = []

    def note(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "backoffice_search_of') and ", rank" not in sql:
            said.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield said


def test_it_holds_what_is_imported_edited_deleted_and_undone(
    superuser, tmp_path, settings, enough
):
    settings.DATA_DIR = tmp_path
    make_library(name="Another")
    rows = [[name, "1 Street", "NY", "212-222-6559", "10001"] for name in ("Abc", "Bcd", "Cde")]
    change = applied(LibraryResource, HEADER, *rows)
    assert is_right()
    assert len(index().candidates("abc", 9)) == 1
    rows[0][1] = "2 Avenue"
    applied(LibraryResource, HEADER, *rows)
    assert len(index().candidates("avenue", 9)) == 1
    name = Library._meta.get_field("name")
    edit = Edit(Library.objects.filter(name="Bcd"), {name: "Xyz"}).run(user=None, title="")
    assert is_right()
    assert not index().candidates("bcd", 9)
    assert len(index().candidates("xyz", 9)) == 1
    undo_job(Change.objects.get(pk=edit.pk), user=superuser)
    assert len(index().candidates("bcd", 9)) == 1
    deletion = Deletion(Library.objects.filter(name="Cde")).run(user=None, title="")
    assert not index().candidates("cde", 9)
    undo_job(Change.objects.get(pk=deletion.pk), user=superuser)
    assert len(index().candidates("cde", 9)) == 1
    undo_job(Change.objects.get(pk=change.pk), user=superuser)
    assert is_right()


def test_many_rows_make_it_anew(superuser, tmp_path, settings, enough, rebuilt):
    settings.DATA_DIR = tmp_path
    for n in range(5):
        make_library(name=f"Library {n}", zip_code="11783")
    made = 0
    for few in (True, False):
        names = ("Abc",) if few else ("Abcd", "Bcde", "Cdef", "Defg", "Efgh", "Fghi")
        rows = [[name, "1 Street", "NY", "212-222-6559", "10001"] for name in names]
        change = applied(LibraryResource, HEADER, *rows)
        undo_job(Change.objects.get(pk=change.pk), user=superuser)
        applied(LibraryResource, HEADER, *rows)
        deletion = Deletion(Library.objects.filter(zip_code="10001")).run(user=None, title="")
        undo_job(Change.objects.get(pk=deletion.pk), user=superuser)
        assert is_right()
        filled = [sql for sql in rebuilt if "(rowid" in sql]
        made += 0 if few or enough > 1 else 3
        assert len(rebuilt) - len(filled) == made
    assert len(filled) == (0 if enough > 1 else 4)


def test_rows_that_cascade_leave_it(rebuilt, monkeypatch):
    monkeypatch.setattr("backoffice.tables.search_index.ENOUGH", 2)
    library = make_library(name="Seaford")
    for name in ("Anna", "Bertha"):
        make_patron(name=name, library=library)
    Deletion(Library.objects.all()).run(user=None, title="")
    assert [sql.split('"')[1] for sql in rebuilt] == [search_index(Patron).bare_name]
    assert search_index(Patron).is_kept()
    assert search_index(Patron).candidates("bertha", 9) == []
    assert index().candidates("seaford", 9) == []


def test_what_fails_leaves_it_as_it_was(enough):
    make_library(name="Seaford")
    with (
        contextlib.suppress(ZeroDivisionError),
        transaction.atomic(),
        made_anew(index().table, 1),
    ):
        Library.objects.all().delete()
        raise ZeroDivisionError
    assert is_right()
    assert len(index().candidates("seaford", 9)) == 1


def test_a_value_that_stays_writes_nothing_to_it():
    def written():
        """The blocks of the index, each with what is in it."""
        sql = 'SELECT id, block FROM "%s_data"'
        return index().table.fetch(sql % index().bare_name)

    library = make_library(name="Seaford")
    before = written()
    library.save()
    assert written() == before
    library.name = "SEAFORD"
    library.save()
    assert written() != before
    assert is_right()


def test_many_words_take_few_parameters(monkeypatch):
    for _turn in range(3):
        make_library(name="Seaford Public Library")
    monkeypatch.setattr("backoffice.admin.lists.search.FEW", 6)
    lookups = {None: ["name__icontains"]}
    for words, narrows in (
        (["seaford", "public"], True),
        (["sea", "public", "library"], False),
    ):
        condition = Search(Library, words, lookups).condition
        assert ("pk__in" in str(condition)) == narrows
        assert Library.objects.filter(condition).count() == 3


def test_it_holds_what_is_saved_and_loaded(tmp_path):
    library = make_library(name="Abcde")
    library.name = "Fghij"
    library.save()
    Library.objects.filter(pk=library.pk).update(id=77, address="Klmno")
    fields = {"name": "Pqrst", "address": "1 Main Street", "state": "NJ"}
    fields |= {"phone_number": "609-555-0100", "zip_code": "08540"}
    fixture = tmp_path / "one.json"
    fixture.write_text(json.dumps([{"model": "library.library", "pk": 78, "fields": fields}]))
    call_command("loaddata", fixture, verbosity=0)
    assert not index().candidates("abcde", 9)
    assert index().candidates("fghij", 9) == index().candidates("klmno", 9) == [77]
    assert index().candidates("pqrst", 9) == [78]
    Library.objects.filter(pk=77).delete()
    assert is_right()


def test_migrations_make_it_of_the_rows_that_are_there():
    before_migrations("default", plan=[])
    assert index().is_kept()
    before_migrations("default", plan=["one"])
    assert not index().is_kept()
    library = make_library(name="Seaford")
    assert index().candidates("seaford", 9) is None
    after_migrations("default")
    assert index().candidates("seaford", 9) == [library.pk]


def test_a_table_that_was_made_anew_has_none_until_the_next_migration():
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TRIGGER "{index().name[1:-1]}_update"')
    assert index().candidates("seaford", 9) is None
    after_migrations("default")
    assert is_right()


def test_other_fields_make_another_index(monkeypatch):
    old = index().name
    monkeypatch.setattr("library.admin.LibraryAdmin.search_fields", ["name"])
    assert index().candidates("seaford", 9) is None
    after_migrations("default")
    assert index().candidates("seaford", 9) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sqlite_master WHERE name = %s", [old[1:-1]])
        assert not cursor.fetchall()


def test_only_what_is_not_there_is_made(rebuilt):
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TRIGGER "{index().bare_name}_insert"')
    after_migrations("default")
    assert [sql.split('"')[1] for sql in rebuilt] == [index().bare_name]
    after_migrations("default")
    assert len(rebuilt) == 1


def test_without_fts5_search_reads_the_rows(admin_client, monkeypatch, reading):
    before_migrations("default", plan=["one"])

    def make(self):
        with contextlib.suppress(DatabaseError):
            self.table.execute("CREATE VIRTUAL TABLE none USING no_such_module(a)")
        raise DatabaseError("no such module: fts5")

    monkeypatch.setattr(SearchIndex, "make", make)
    after_migrations("default")
    make_library(name="Seaford")
    response = admin_client.get(url(Library, "changelist"), {"q": "seaford"})
    assert [str(row) for row in response.context["cl"].result_list] == ["Seaford"]
    assert reading


@pytest.mark.django_db(transaction=True)
def test_a_database_moved_to_an_sqlite_without_fts5_can_be_written_after_migrate():
    def use(module):
        """Let the index be of a module that SQLite has, or has not."""
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA writable_schema = ON")
            cursor.execute(
                "UPDATE sqlite_master SET sql = 'CREATE VIRTUAL TABLE ' || name || %s"
                " || substr(sql, instr(sql, '(')) WHERE sql LIKE 'CREATE VIRTUAL TABLE%%'",
                [f" USING {module}"],
            )
            cursor.execute("PRAGMA writable_schema = RESET")

    use("no_such_module")
    try:
        with pytest.raises(OperationalError):
            make_library(name="Seaford")
        after_migrations("default")
        library = make_library(name="Seaford")
        assert index().candidates("seaford", 9) is None
    finally:
        use("fts5")
    after_migrations("default")
    assert index().candidates("seaford", 9) == [library.pk]
    assert is_right()


def test_other_triggers_make_another_index(monkeypatch):
    old = index().name
    triggers = SearchIndex._triggers
    monkeypatch.setattr(
        SearchIndex, "_triggers", lambda self, name: (*triggers(self, name)[:2], "AFTER")
    )
    assert index().name != old


def test_a_key_that_is_no_row_number_has_none():
    assert SearchIndex.can_be_of(Table(Library))
    assert not SearchIndex.can_be_of(Table(Session))
