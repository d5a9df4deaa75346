"""Many new rows are inserted without secondary indexes, which are there again afterwards."""

import pytest
from django.db import OperationalError, connection, connections

from backoffice.imports import apply
from backoffice.jobs.steps import apply_job, check_job, create_job, undo_job
from backoffice.tables import indexes
from backoffice.tables.table import Table
from library.models import Library
from library.resources import LibrarianResource, LibraryResource
from tests.backoffice.imports.running import HEADER, counted, run
from tests.everything.models.relations import Pointing
from tests.factories import make_library

pytestmark = pytest.mark.django_db
IS_POSTGRESQL = connection.vendor == "postgresql"
READERS_WAIT = pytest.mark.skipif(not IS_POSTGRESQL, reason="SQLite's readers never wait")


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch):
    monkeypatch.setattr(indexes, "ENOUGH", 2)
    monkeypatch.setattr(apply, "ENOUGH", 2)


class Statements(list):
    """Notes those about indexes; some are dropped, then the first with `fail` in it fails."""

    def __init__(self, fail="nothing"):
        super().__init__()
        self.fail = fail

    def __call__(self, execute, sql, params, many, context):
        if self.dropped and self.fail in sql:
            raise OperationalError("disk full")
        if " INDEX " in sql and "pg_" not in sql:
            self.append(sql)
        return execute(sql, params, many, context)

    @property
    def dropped(self):
        return [sql for sql in self if sql.startswith("DROP INDEX") and "import_" not in sql]


def definitions():
    """`{name: statement}` of all indexes."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
    if IS_POSTGRESQL:
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    with connection.cursor() as cursor:
        cursor.execute(query)
        return dict(cursor.fetchall())


def cache_size():
    if IS_POSTGRESQL:
        return None
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA cache_size")
        return cursor.fetchone()


def write_libraries(write_csv, number):
    rows = (
        [f"A{number - i}", "1 Street", "NY", "212-222-6559", "10001"] for i in range(number)
    )
    return write_csv(HEADER, *rows)


def import_libraries(write_csv, number, statements):
    with connection.execute_wrapper(statements):
        counts, _rejects = run(LibraryResource, write_libraries(write_csv, number))
    assert counted(counts) == (number, 0, 0, 0)


def test_into_an_empty_table(write_csv):
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE INDEX \"100%% odd\" ON library_library (name) WHERE name LIKE '5%%'", []
        )
    before, statements = definitions(), Statements()
    import_libraries(write_csv, 3, statements)
    assert any('"100%% odd"' in sql for sql in statements.dropped)
    assert any("library_name_zip" in sql for sql in statements.dropped)
    assert definitions() == before


def test_old_rows_that_are_few(write_csv):
    for name in "123":
        make_library(name=name)
    statements = Statements()
    import_libraries(write_csv, 3, statements)
    assert bool(statements.dropped) is not IS_POSTGRESQL


def test_old_rows_that_are_many(write_csv):
    for name in "1234":
        make_library(name=name)
    statements = Statements()
    import_libraries(write_csv, 3, statements)
    assert not statements.dropped
    names = list(Library.objects.order_by("pk").values_list("name", flat=True))
    assert names[4:] == ["A3", "A2", "A1"]  # as in the file, in whatever order inserted
    # PostgreSQL keeps rows as they come, SQLite by their keys.
    new = ["A1", "A2", "A3"] if IS_POSTGRESQL else names[4:]
    assert [library.name for library in Library.objects.all()][4:] == new


def test_few_rows(write_csv):
    statements = Statements()
    import_libraries(write_csv, 1, statements)
    assert not statements.dropped


def test_what_constraints_need_stays(write_csv):
    for name in "12":
        make_library(name=name)
    statements = Statements()
    path = write_csv(["name", "library"], ["A", "1"], ["B", "2"])
    with connection.execute_wrapper(statements):
        run(LibrarianResource, path)
    assert len(statements.dropped) == 1 + IS_POSTGRESQL  # the names' order, and their search
    assert not any("library_id" in sql for sql in statements.dropped)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", ["INSERT INTO", "CREATE INDEX"])
def test_an_error_half_way_leaves_them_as_they_were(write_csv, statement):
    before, statements = (definitions(), cache_size()), Statements(fail=statement)
    with pytest.raises(OperationalError):
        import_libraries(write_csv, 3, statements)
    assert statements.dropped
    assert (definitions(), cache_size()) == before
    assert not Library.objects.exists()


@READERS_WAIT
@pytest.mark.django_db(transaction=True)
def test_a_reader_does_not_wait_nor_is_waited_for(write_csv):
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM library_library")
        statements = Statements()
        import_libraries(write_csv, 3, statements)
        assert not statements.dropped
    finally:
        other.close()


@pytest.mark.parametrize(("others", "is_without"), [(0, True), (3, True), (4, False)])
def test_many_rows_that_an_undo_takes_away(write_csv, settings, tmp_path, others, is_without):
    settings.DATA_DIR = tmp_path
    for name in range(others):
        make_library(name=str(name))
    data = write_libraries(write_csv, 3).read_bytes()
    job = create_job(LibraryResource, [data], file_name="f.csv")
    check_job(job)
    apply_job(job)
    before, statements = definitions(), Statements()
    with connection.execute_wrapper(statements):
        assert undo_job(job).removed == 3
    assert bool(statements.dropped) is (is_without and not IS_POSTGRESQL)
    assert definitions() == before
    assert Library.objects.count() == others


def test_rows_that_refer_to_others_of_their_table_are_looked_up_by_an_index():
    for code in "123":
        Pointing.objects.create(code=code)
    with indexes.made_again(Table(Pointing), 3, gone=True) as without:
        assert not without
