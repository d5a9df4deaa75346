"""Keys of history pass 2,147,483,647: of any model, of its records and of their links."""

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models import BigAutoField
from django.test.utils import CaptureQueriesContext

from backoffice.history.operations import WidenHistoryKeys
from backoffice.history.records import history_model
from library.models import Book
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_library, make_patron

LIMIT = 2_147_483_647
TABLES = {
    "library_historicalbook": "history_id",
    "library_historicalbook_libraries": "m2m_history_id",
}

pytestmark = pytest.mark.django_db


def all_keys() -> dict[str, type]:
    histories = [history_model(model) for model in apps.get_models() if history_model(model)]
    links = [
        getattr(history, field.name).model
        for history in histories
        for field in history._history_m2m_fields
    ]
    return {model._meta.label: type(model._meta.pk) for model in [*histories, *links]}


def test_every_history_has_wide_keys_by_itself() -> None:
    """That of a model that somebody adds as well: tests/everything is one of each kind."""
    keys = all_keys()
    assert {"library.HistoricalBook_libraries", "loans.HistoricalLoan_books"} <= keys.keys()
    assert {label: key for label, key in keys.items() if key is not BigAutoField} == {}


def columns(table: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = %s",
            [table],
        )
        return dict(cursor.fetchall())


def after(table: str, key: str, number: int) -> None:
    """Have the next row of the table get a key after `number`."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table, key, number]
            )
        else:
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
            cursor.execute("INSERT INTO sqlite_sequence VALUES (%s, %s)", [table, number])


def before_and_after(operation: WidenHistoryKeys) -> tuple[ProjectState, ProjectState]:
    loader = MigrationLoader(connection)
    before = loader.project_state([("library", "0006_deleted_records")])
    changed = before.clone()
    operation.state_forwards("library", changed)
    return before, changed


def test_tables_that_are_there_are_widened_in_one_go_and_back() -> None:
    """With what is in them, and the number that the next record gets."""
    operation = WidenHistoryKeys("book", links=["libraries"])
    before, changed = before_and_after(operation)
    editor = connection.SchemaEditorClass(connection, atomic=False)
    book = make_book(libraries=[make_library()])
    statements: list[str] = []

    def listen(execute, sql, *args):
        statements.append(str(sql))
        return execute(sql, *args)

    with connection.execute_wrapper(listen):
        operation.database_backwards("library", editor, changed, before)
        backwards = len(statements)
        operation.database_forwards("library", editor, before, changed)
    if connection.vendor != "postgresql":
        assert statements == []  # its keys are wide anyway
    else:
        assert (backwards, len(statements)) == (2, 4)  # each table is written once
        for table, key in TABLES.items():
            types = columns(table)
            assert {types[key], types["history_id"]} == {"bigint"}
    for table, key in TABLES.items():
        after(table, key, LIMIT)
    book.libraries.add(make_library())
    latest = Book.history.latest("history_id")
    assert latest.pk == LIMIT + 1
    assert max(link.pk for link in latest.libraries.all()) == LIMIT + 1
    assert set(latest.instance.libraries.all()) == set(book.libraries.all())


def test_keys_that_are_wide_are_left_alone() -> None:
    """Such as those of a model whose `history_id_field` was a BigAutoField before."""
    operation = WidenHistoryKeys("book", links=["libraries"])
    _before, changed = before_and_after(operation)
    editor = connection.SchemaEditorClass(connection, atomic=False)
    with CaptureQueriesContext(connection) as statements:
        operation.database_forwards("library", editor, changed, changed)
    assert statements.captured_queries == []


def test_a_model_that_somebody_adds_goes_on_after_the_limit() -> None:
    for table, key in (
        ("loans_historicalloan", "history_id"),
        ("loans_historicalloan_books", "m2m_history_id"),
    ):
        after(table, key, LIMIT)
    loan = Loan.objects.create(number="1", patron=make_patron())
    loan.books.add(make_book())
    assert Loan.history.earliest("history_id").pk == LIMIT + 1
    assert [link.pk for link in Loan.history.latest("history_id").books.all()] == [LIMIT + 1]
