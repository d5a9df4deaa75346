"""When many rows are deleted, references are checked as a whole, or else one by one."""

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from backoffice.tables import foreign_keys
from library.models import Library
from tests.factories import make_library, make_patron

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="only PostgreSQL asks about each deleted row"
    ),
]
TABLE = '"library_library"'


def constraints():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, conrelid, pg_get_constraintdef(oid), convalidated"
            " FROM pg_constraint WHERE confrelid = %s::regclass ORDER BY conname",
            [TABLE],
        )
        return cursor.fetchall()


def delete_all(rows=foreign_keys.MANY):
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        foreign_keys.checked_as_a_whole(connection, TABLE, rows),
    ):
        during = constraints()
        cursor.execute(f"DELETE FROM {TABLE}")  # noqa: S608
    return during


def test_constraints_are_off_meanwhile_and_as_they_were_afterwards():
    make_library()
    before = constraints()
    assert len(before) == 3
    assert delete_all() == []
    assert constraints() == before
    assert not Library.objects.exists()


def test_few_rows_are_checked_one_by_one():
    make_library()
    assert delete_all(rows=1) == constraints()


def test_a_row_that_is_referred_to_stays():
    make_patron(library=make_library())
    before = constraints()
    with pytest.raises(IntegrityError, match="library_patron"):
        delete_all()
    assert (Library.objects.count(), constraints()) == (1, before)


def test_a_table_that_somebody_reads_keeps_its_constraints(monkeypatch):
    monkeypatch.setattr(foreign_keys, "PATIENCE", "10ms")
    make_library()
    parameters = connection.get_connection_params()
    wanted = ("host", "port", "user", "password", "dbname")
    other = {key: parameters[key] for key in wanted if key in parameters}
    with psycopg.connect(**other) as reader:
        reader.execute("SELECT count(*) FROM library_patron")  # holds its lock till the end
        assert len(delete_all()) == 3
    assert not Library.objects.exists()
