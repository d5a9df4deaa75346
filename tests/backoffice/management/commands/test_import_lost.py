"""`manage.py import` where the connection to the database is lost."""

from importlib import import_module

import pytest
from django.core.management import CommandError
from django.db import connection

from backoffice.changes.models import Change
from backoffice.imports.apply import Apply
from backoffice.imports.staging import Staging
from library.models import Library
from tests.backoffice.management.commands.test_import import GOOD, HEADER, run

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="a file can't be lost so"),
]


def write(folder, rows):
    path = folder / "file.csv"
    path.write_text(HEADER + rows)
    return path


@pytest.mark.parametrize("is_written", [False, True])
def test_a_database_that_is_lost_may_have_it_already(tmp_path, monkeypatch, is_written):
    def lose(*_args):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    if is_written:
        module = import_module("backoffice.management.commands.import")
        monkeypatch.setattr(module.Command, "write_rejects", lose)
    else:
        monkeypatch.setattr(Apply, "run", lose)
    with pytest.raises(CommandError, match=r"lost.*written if there is an import \d+") as error:
        run(write(tmp_path, GOOD))
    assert error.value.returncode == 2
    connection.close()
    assert Change.objects.exists() == Library.objects.exists() == is_written


@pytest.mark.parametrize("phone", ["212-222-6559", ""])
def test_a_database_that_is_lost_while_rows_are_copied_is_said(tmp_path, monkeypatch, phone):
    """In the COPY of good rows, and in that of rejects: of rows without a phone number."""
    write_chunk = Staging.write_chunk

    def write_and_lose(staging, *args):
        write_chunk(staging, *args)
        end = connection.copy()
        with end.cursor() as cursor:
            pid = staging.connection.connection.info.backend_pid
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        end.close()

    monkeypatch.setattr(Staging, "write_chunk", write_and_lose)
    rows = "".join(f"Branch {i},1 Main St,NY,{phone},10001\n" for i in range(12_000))
    with pytest.raises(CommandError, match=r"can't be used now"):
        run(write(tmp_path, rows))
    connection.close()
