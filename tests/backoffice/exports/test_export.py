"""The log of exports, limits, and what others may do meanwhile."""

import logging

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection, connections

from backoffice.exports import rows
from backoffice.exports.errors import ExportError
from backoffice.exports.export import EXPORTED, Export
from backoffice.exports.formats import CSV, YAML
from library.models import Library
from library.resources import LibraryResource
from tests.factories import make_library, make_user


def make_export(file_format=CSV, **options):
    resource = LibraryResource()
    return Export(resource, resource.get_queryset(), file_format(), **options)


def message():
    return LogEntry.objects.get().change_message


@pytest.mark.django_db
def test_the_log_has_who_took_what_before_the_first_row_goes(caplog):
    caplog.set_level(logging.INFO, "backoffice.exports")
    make_library()
    make_library()
    user = make_user(username="fry")
    export = make_export(selection="state=NY", names=["name", "state"])
    blocks = export.logged_blocks(user)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.action_flag, entry.object_id) == (user, EXPORTED, None)
    assert entry.content_type.model_class() is Library
    assert message() == "Began to export libraries (state=NY) as CSV: Name, State."
    list(blocks)
    done = "Exported 2 rows of libraries (state=NY) as CSV: Name, State."
    assert message() == done
    assert "fry: exported 2 rows of library.Library as csv" in caplog.text
    assert "NY" not in caplog.text


@pytest.mark.django_db
def test_the_log_tells_of_an_export_that_broke_off(monkeypatch):
    make_library()
    blocks = make_export().logged_blocks(make_user())
    next(blocks)
    blocks.close()
    assert message().startswith("Export broke off (it was not fetched to its end) with up to 0")

    def fail(*args):
        raise ExportError("no room")

    LogEntry.objects.all().delete()
    export = make_export()
    monkeypatch.setattr(CSV, "blocks", fail)
    with pytest.raises(ExportError):
        list(export.logged_blocks(make_user()))
    assert message().startswith("Export broke off (no room)")


@pytest.mark.django_db
@pytest.mark.parametrize("character", [*"\0\t\n\r\v\f\x1b\x7f\x85\u2028\u2029"])
def test_a_log_s_line_is_one_whatever_was_filtered(monkeypatch, caplog, character):
    caplog.set_level(logging.INFO, "backoffice.exports")
    list(make_export(selection=f"name=A{character}B").logged_blocks(make_user()))
    entry = LogEntry.objects.get()
    assert entry.object_repr == "libraries (name=A\N{REPLACEMENT CHARACTER}B)"
    assert entry.change_message.startswith(f"Exported 0 rows of {entry.object_repr}")

    def fail(*args):
        raise ExportError(f"no{character}room")

    monkeypatch.setattr(CSV, "blocks", fail)
    with pytest.raises(ExportError):
        list(make_export().logged_blocks())
    assert not any(character in record.getMessage() for record in caplog.records)


@pytest.mark.django_db
def test_a_format_refuses_more_rows_than_it_takes_and_counts_no_more(
    settings, django_assert_num_queries
):
    settings.EXPORT_MAX_WHOLE_ROWS = 2
    make_library()
    make_library()
    make_export(YAML).check()
    make_library()
    with django_assert_num_queries(1) as queries, pytest.raises(ExportError, match="2 rows at"):
        make_export(YAML).check()
    assert "LIMIT 3" in queries[0]["sql"]
    with django_assert_num_queries(0):
        make_export(CSV).check()


@pytest.fixture
def two_users(transactional_db, tmp_path):
    """Two connections to a database with a table `t` of the number 1."""
    one = connections["default"]
    if connection.vendor == "sqlite":  # that of the tests is in memory, which locks otherwise
        settings = connection.settings_dict | {"NAME": str(tmp_path / "db.sqlite3")}
        one = type(one)(settings, "default")
    two = one.copy()
    run(two, "CREATE TABLE t (number integer)")
    run(two, "INSERT INTO t VALUES (1)")
    yield one, two
    run(two, "DROP TABLE t")
    two.close()
    one.close()


def run(user, sql):
    with user.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else None


def test_an_export_is_of_one_moment_and_nobody_waits_for_it(two_users):
    one, two = two_users
    with rows.snapshot(one):
        assert run(one, "SELECT number FROM t") == [(1,)]
        run(two, "UPDATE t SET number = 2")
        assert run(one, "SELECT number FROM t") == [(1,)]
    assert run(one, "SELECT number FROM t") == [(2,)]
    run(one, "UPDATE t SET number = 3")  # and the connection writes again
    assert run(two, "SELECT number FROM t") == [(3,)]


@pytest.mark.django_db(transaction=True)
def test_the_log_of_an_export_that_fails_is_not_lost_with_its_transaction():
    make_library(name="Café")
    with pytest.raises(UnicodeEncodeError):
        list(make_export(encoding="ascii").logged_blocks(make_user()))
    assert message().startswith("Export broke off ('ascii' codec can't encode")


@pytest.mark.django_db(transaction=True)
def test_an_export_that_is_left_gives_its_transaction_back():
    make_library()
    blocks = make_export().logged_blocks(make_user())
    next(blocks)
    next(blocks)
    blocks.close()
    assert message().startswith("Export broke off")
    make_library()  # fails within a transaction that only reads
    assert Library.objects.count() == 2
