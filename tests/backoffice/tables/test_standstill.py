"""Whether tables stand still is what the database says, whoever writes, and however."""

import pytest
from django.db import connection, connections

from backoffice.tables.standstill import can_be_proven, one_moment
from backoffice.tables.table import Table
from library.models import Library, Patron

pytestmark = pytest.mark.django_db(transaction=True)
INSERT = (
    "INSERT INTO library_library (id, name, address, state, phone_number, zip_code)"
    " VALUES (%s, 'A', '', 'NY', '', '10001')"
)


def execute(on, sql, params=()):
    with on.cursor() as cursor:
        cursor.execute(sql, params)


@pytest.fixture
def both(tmp_path):
    """Two connections to one database; on SQLite to a file, as those of the house are."""
    here = connections["default"]
    one, other = here, here.copy()
    if connection.vendor == "sqlite":
        one, path = here.copy(), tmp_path / "db.sqlite3"
        execute(connection, "VACUUM INTO %s", [str(path)])
        for each in (one, other):
            each.settings_dict = {**connection.settings_dict, "NAME": path}
        execute(one, "PRAGMA journal_mode = WAL")
    yield one, other
    other.close()
    if one is not here:
        one.close()


@pytest.fixture
def standing(both):
    """`standing(*statements)`: whether libraries stand still that others treat so."""
    one, other = both
    execute(one, INSERT, [1])

    def still(*meanwhile, later=()):
        table = Table(Library, one)
        with one_moment(table) as is_so:
            for sql in meanwhile:
                execute(other, sql)
            seen = table.fetch("SELECT id, name FROM library_library")
        for sql in later:
            execute(other, sql)
        return is_so(), seen

    return still


def test_they_do_while_nobody_writes_to_them(standing):
    assert standing() == (True, [(1, "A")])


@pytest.mark.parametrize(
    "sql",
    [
        INSERT % 2,
        "UPDATE library_library SET name = 'B'",
        "UPDATE library_library SET name = name",
        "DELETE FROM library_library",
    ],
)
@pytest.mark.parametrize("when", ["meanwhile", "later"])
def test_they_do_not_once_somebody_wrote(standing, sql, when):
    is_so, seen = standing(sql) if when == "meanwhile" else standing(later=[sql])
    assert (is_so, seen) == (False, [(1, "A")])


def test_one_row_for_another_is_another(standing):
    is_so, _seen = standing("DELETE FROM library_library", INSERT % 2)
    assert not is_so


def test_what_comes_and_goes_meanwhile_is_not_seen(standing):
    is_so, seen = standing(INSERT % 2, "DELETE FROM library_library WHERE id = 2")
    assert seen == [(1, "A")]
    assert is_so or connection.vendor == "sqlite"  # which knows that somebody wrote, not what


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_a_row_of_a_transaction_that_had_begun_before_is_new(both):
    one, other = both
    execute(other, "BEGIN")
    execute(other, INSERT % 2)
    with one_moment(Table(Library, one)) as is_so:
        execute(one, "SELECT 1")
    execute(other, "COMMIT")
    execute(other, "DELETE FROM library_library WHERE false")
    assert not is_so()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_what_was_written_beside_a_long_transaction_is_known(both, standing):
    execute(both[0], "CREATE TABLE elsewhere AS SELECT 1 AS n")
    beside = connections["default"].copy()
    try:
        execute(beside, "BEGIN")
        execute(beside, "INSERT INTO elsewhere VALUES (2)")
        execute(both[1], "UPDATE library_library SET name = name")  # in a later one
        assert standing() == (True, [(1, "A")])
        execute(both[1], INSERT % 2)
        is_so, _seen = standing(later=["UPDATE library_library SET name = name WHERE id = 2"])
        assert not is_so
    finally:
        beside.close()
        execute(both[0], "DROP TABLE elsewhere")


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite knows one number for all")
def test_other_tables_may_move(both, standing):
    execute(both[0], "INSERT INTO library_patron (id, name, library_id) VALUES (1, 'P', 1)")
    assert standing("UPDATE library_patron SET name = 'Q'") == (True, [(1, "A")])
    with one_moment(Table(Library), Table(Patron)) as is_so:
        execute(both[1], "UPDATE library_patron SET name = 'R'")
    assert not is_so()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite asks for the database alone")
def test_a_view_has_no_rows_of_its_own():
    assert can_be_proven(Table(Library))
    execute(connection, "CREATE VIEW some_view AS SELECT * FROM library_library")
    try:
        view = Table(Library)
        view.name = '"some_view"'
        assert not can_be_proven(Table(Library), view)
    finally:
        execute(connection, "DROP VIEW some_view")
