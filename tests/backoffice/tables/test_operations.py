"""Indexes that migrations add: for search, and to tables that are large already."""

import pytest
from django.db import NotSupportedError, connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.writer import MigrationWriter

from backoffice.tables.operations import (
    AddIndexConcurrently,
    AddSearchIndex,
    RemoveIndexConcurrently,
)

pytestmark = pytest.mark.django_db

INDEX = AddSearchIndex(model_name="book", fields=["title"], name="book_search_test")


@pytest.fixture
def state():
    return MigrationLoader(connection).project_state()


def indexes():
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, "library_book")


def index(name):
    return AddIndexConcurrently("book", models.Index(fields=["title"], name=name))


def apply(state, operation=INDEX, *, backwards=False, collect_sql=False):
    # Not entered: SQLite's would refuse within a test's transaction.
    editor = connection.SchemaEditorClass(connection, collect_sql, atomic=False)
    editor.deferred_sql = []
    move = operation.database_backwards if backwards else operation.database_forwards
    changed = state.clone()
    operation.state_forwards("library", changed)
    move("library", editor, *((changed, state) if backwards else (state, changed)))


def test_it_is_made_and_dropped_where_there_is_such_an_index(state):
    is_made = connection.vendor == "postgresql"
    apply(state)
    apply(state)  # again: nothing happens
    assert ("book_search_test" in indexes()) == is_made
    apply(state, backwards=True)
    assert "book_search_test" not in indexes()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="elsewhere it does nothing")
def test_a_database_that_refuses_it_is_told_of_and_migrates_on(state, capsys):
    operation = AddSearchIndex(model_name="book", fields=["title"], name="book_search_test")
    with connection.cursor() as cursor:
        cursor.execute("DROP EXTENSION pg_trgm CASCADE")
        cursor.execute(
            "CREATE ROLE nobody_special; GRANT ALL ON library_book TO nobody_special"
        )
        cursor.execute("SET LOCAL ROLE nobody_special")
    apply(state, operation)
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    assert "No search index for" in capsys.readouterr().out
    assert "book_search_test" not in indexes()


def test_a_migration_can_be_written_of_it():
    text, imports = MigrationWriter.serialize(INDEX.deconstruct()[2])
    assert "book_search_test" in text
    assert not imports
    assert INDEX.migration_name_fragment == "search_book"
    assert "book_search_test" in INDEX.describe()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operation", [index("book_search_test"), INDEX])
def test_writers_go_on_while_an_index_is_built(state, operation):
    """What an attempt left half-way is built again; the index can be taken back."""
    statements = []

    def listen(execute, sql, *args):
        statements.append(str(sql))
        return execute(sql, *args)

    is_postgresql = connection.vendor == "postgresql"
    if is_postgresql:
        with connection.cursor() as cursor:
            cursor.execute("CREATE INDEX book_search_test ON library_book (id)")
            cursor.execute(
                "UPDATE pg_index SET indisvalid = false"
                " WHERE indexrelid = 'book_search_test'::regclass"
            )
    try:
        apply(state, operation, collect_sql=True)  # sqlmigrate
        assert ("book_search_test" in indexes()) == is_postgresql
        with connection.execute_wrapper(listen):
            apply(state, operation)
        made = indexes().get("book_search_test")
        assert bool(made) == (is_postgresql or isinstance(operation, AddIndexConcurrently))
        if is_postgresql:
            assert made["columns"] != ["id"]
            building = [sql for sql in statements if "CREATE INDEX" in sql]
            assert [" CONCURRENTLY " in sql for sql in building] == [True]
    finally:
        apply(state, operation, backwards=True)
    assert "book_search_test" not in indexes()


@pytest.mark.django_db(transaction=True)
def test_an_index_is_removed_beside_the_readers_and_made_again(state):
    name, statements = "book_title_alike", []

    def listen(execute, sql, *args):
        statements.append(str(sql))
        return execute(sql, *args)

    operation = RemoveIndexConcurrently("book", name=name)
    try:
        with connection.execute_wrapper(listen):
            apply(state, operation)
        assert name not in indexes()
        is_postgresql = connection.vendor == "postgresql"
        assert any("DROP INDEX CONCURRENTLY" in sql for sql in statements) == is_postgresql
    finally:
        apply(state, operation, backwards=True)
    assert name in indexes()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="elsewhere it is Django's own")
@pytest.mark.parametrize(
    "operation",
    [index("book_title_test"), RemoveIndexConcurrently("book", name="book_title_alike")],
)
def test_a_migration_in_a_transaction_is_told_how_to_be_written(state, operation):
    with pytest.raises(NotSupportedError, match="set `atomic = False` on the migration"):
        apply(state, operation)
