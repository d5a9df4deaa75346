"""`manage.py export`."""

import csv
import io
import os
import sqlite3

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from backoffice.exports.formats import CSV
from tests.factories import make_book, make_library

pytestmark = pytest.mark.django_db


def export(path, *args):
    call_command("export", "csv", *args, "-o", str(path))
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_rows_are_written_with_their_columns(tmp_path):
    make_library(name="=1+1", zip_code="08542")
    rows = export(tmp_path / "out.csv", "library.Library")
    assert rows[0] == ["name", "address", "state", "phone_number", "zip_code"]
    assert (rows[1][0], rows[1][4]) == ("'=1+1", "08542")


def test_rows_can_be_filtered_as_in_the_list(tmp_path):
    make_library(name="A", state="NY")
    make_library(name="B", state="NJ")
    make_library(name="C", state="CO")
    rows = export(
        tmp_path / "out.csv", "library.Library", "--filter", "state=NY", "--filter", "state=NJ"
    )
    assert [row[0] for row in rows[1:]] == ["A", "B"]
    rows = export(tmp_path / "out.csv", "library.Library", "--filter", "state=")
    assert [row[0] for row in rows[1:]] == ["A", "B", "C"]


def test_references_are_written_so_that_they_can_be_read(tmp_path):
    one = make_library(name="Main", zip_code="10001")
    make_library(name="Main", zip_code="10002")
    other = make_library(name="A|B")
    make_book(title="Dune", libraries=[one, other])
    rows = export(tmp_path / "out.csv", "library.Book")
    assert rows[1] == ["Dune", r"A\|B|Main (10001)"]


def test_related_rows_cost_no_query_each(tmp_path, django_assert_max_num_queries):
    libraries = [make_library() for _ in range(5)]
    for _ in range(20):
        make_book(libraries=libraries)
    with django_assert_max_num_queries(6):
        export(tmp_path / "out.csv", "library.Book")


@pytest.mark.parametrize("pair", ["state", "nome=x", "state=ZZ"])
def test_a_filter_that_can_t_be_is_refused(tmp_path, pair):
    with pytest.raises(CommandError) as error:
        export(tmp_path / "out.csv", "library.Library", "--filter", pair)
    assert error.value.returncode == 2


def test_columns_are_chosen_and_put_in_order(tmp_path):
    make_library(name="A", zip_code="08542")
    rows = export(tmp_path / "out.csv", "library.Library", "--columns", "zip_code, name")
    assert rows == [["zip_code", "name"], ["08542", "A"]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["csv", "library.Library", "--columns", "name,nome"], "--columns wants some of these"),
        (["csv", "library.Library", "--columns", "name,name"], "each once"),
        (["csv", "library.Library", "--encoding", "utf-99"], "no encoding"),
        (["json", "library.Library", "--encoding", "utf-8-sig"], "for CSV and TSV"),
        *(
            (["csv", "library.Library", "--encoding", name], f"no encoding “{name}” for text")
            for name in (
                "rot13",
                "hex",
                "base64",
                "bz2",
                "zlib",
                "undefined",
                "idna",
                "punycode",
            )
        ),
        (["csv", "library.Library", "--filter", "name=\udcff"], r"text in UTF-8.*udcff"),
        (["csv", "auth.User"], "auth.User has no Resource"),
        (["csv", "library.Library", "--encoding", "ascii"], "ascii has no “é”"),
        (["doc", "library.Library"], "Choose one of csv, xlsx"),
        (["csv", "library.Nothing"], "neither a model nor a Resource"),
        (["yaml", "library.Library"], "YAML takes 1 rows at most"),
    ],
)
def test_what_can_t_be_done_is_said_and_no_file_is_left(tmp_path, settings, arguments, words):
    settings.EXPORT_MAX_WHOLE_ROWS = 1
    make_library(name="Café")
    make_library()
    path = tmp_path / "out"
    path.write_text("what was there")
    with pytest.raises(CommandError, match=words) as error:
        call_command("export", *arguments, "-o", str(path))
    assert error.value.returncode == 2
    assert path.read_text() == "what was there"
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("place", ["", "no/such/folder/x.csv"])
def test_where_no_file_can_be_is_said(tmp_path, place):
    make_library()
    with pytest.raises(CommandError, match=r"can't be written .* name another") as error:
        call_command("export", "csv", "library.Library", "-o", str(tmp_path / place))
    assert error.value.returncode == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "cp1252", "cp500", "iso-2022-jp"])
def test_any_encoding_of_text_will_do(tmp_path, encoding):
    make_library(name="Main")
    path = tmp_path / "out.csv"
    call_command("export", "csv", "library.Library", "--encoding", encoding, "-o", str(path))
    assert path.read_text(encoding=encoding).splitlines()[1].startswith("Main,")


def test_the_log_has_what_was_exported_and_not_by_which_filter(tmp_path, caplog):
    caplog.set_level("INFO", "backoffice.exports")
    make_library(state="NY")
    export(tmp_path / "out.csv", "library.Library", "--filter", "state=NY")
    assert "command line: exported 1 rows of library.Library as csv" in caplog.text
    assert "state=NY" not in caplog.text


def test_a_pipe_is_written_to_as_it_is(tmp_path):
    make_library()
    export_to = tmp_path / "pipe"
    os.mkfifo(export_to)
    reader = os.open(export_to, os.O_RDONLY | os.O_NONBLOCK)
    call_command("export", "jsonl", "library.Library", "-o", str(export_to))
    assert os.read(reader, 1 << 16).startswith(b'{"name": ')
    os.close(reader)


def test_stdout_gets_the_file(capfdbinary):
    make_library(name="Café")
    out = io.TextIOWrapper(io.BytesIO())
    call_command("export", "csv", "library.Library", stdout=out)
    assert "Café" in out.buffer.getvalue().decode()


@pytest.mark.parametrize("to_file", [True, False])
def test_a_database_that_goes_away_is_told_and_leaves_no_file(tmp_path, monkeypatch, to_file):
    def blocks(self, chunks, encoding):
        yield b"name"
        raise OperationalError from sqlite_error

    sqlite_error = sqlite3.OperationalError()
    sqlite_error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    monkeypatch.setattr(CSV, "blocks", blocks)
    path = tmp_path / "out.csv"
    path.write_text("of yesterday")
    options = {"output": str(path)} if to_file else {}
    with pytest.raises(CommandError, match=r"broke off.* The database is not there\.") as error:
        call_command("export", "csv", "library.Library", **options)
    assert error.value.returncode == 2
    assert path.read_text() == "of yesterday"
    assert list(tmp_path.iterdir()) == [path]
