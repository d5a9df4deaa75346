"""The operation that adds a search index: on PostgreSQL if allowed, else without effect."""

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.writer import MigrationWriter

from backoffice.tables.operations import AddSearchIndex

pytestmark = pytest.mark.django_db

INDEX = AddSearchIndex(model_name="book", fields=["title"], name="book_search_test")


@pytest.fixture
def state():
    return MigrationLoader(connection).project_state()


def indexes():
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, "library_book")


def apply(state, operation=INDEX, *, backwards=False):
    # Not entered: SQLite's would refuse within a test's transaction.
    editor = connection.SchemaEditorClass(connection, atomic=False)
    move = operation.database_backwards if backwards else operation.database_forwards
    move("library", editor, state, state)


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
