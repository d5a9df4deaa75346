"""`manage.py import`: the contract that scripts rely on."""

import hashlib
import importlib
import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from backoffice.changes.models import Change
from backoffice.changes.profiles import Profile
from backoffice.tables.table import Table
from library.models import Library
from tests.factories import make_library

HEADER = "name,address,state,phone_number,zip_code\n"
GOOD = "Princeton,65 Witherspoon Street,NJ,609-924-9529,08542-3214\n"
BAD = "Seaford,2234 Jackson Ave,NY,-4,11783\n"

pytestmark = pytest.mark.django_db


@pytest.fixture
def make_file(tmp_path):
    def make(text, name="file.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return make


def run(*args, **options):
    """The command's JSON and its exit code."""
    out = io.StringIO()
    code = 0
    try:
        call_command(
            "import", "library.Library", *map(str, args), json=True, stdout=out, **options
        )
    except SystemExit as exit_:
        code = exit_.code
    return json.loads(out.getvalue()), code


def test_json_has_what_the_contract_names(make_file):
    outcome, code = run(make_file(HEADER + GOOD))
    seconds = outcome.pop("seconds")
    assert isinstance(seconds, float)
    job = Change.objects.get()
    assert (job.status, job.new, job.applied_at) == (
        "done",
        1,
        Library.objects.get().history.get().history_date,
    )
    assert code == 0
    assert outcome == {
        "job": job.pk,
        "rows": 1,
        "new": 1,
        "updated": 0,
        "unchanged": 0,
        "rejected": 0,
        "written": True,
        "rejects": None,
        "encoding": "utf-8",
        "delimiter": ",",
        "mapping": {field: field for field in HEADER.strip().split(",")},
    }


def test_a_rejected_row_stops_all_and_exits_with_1(make_file):
    outcome, code = run(make_file(HEADER + GOOD + BAD))
    assert (code, outcome["written"], outcome["new"], outcome["rejected"]) == (1, False, 1, 1)
    assert not Library.objects.exists()


def test_good_rows_are_written_where_asked_and_the_rest_handed_out(make_file, tmp_path):
    rejects = tmp_path / "rejects.csv"
    outcome, code = run(
        make_file(HEADER + GOOD + BAD), "--on-error", "skip", "--rejects", str(rejects)
    )
    assert (code, outcome["written"], outcome["rejects"]) == (0, True, str(rejects))
    assert Library.objects.get().name == "Princeton"
    assert "row 3, phone_number '-4'" in rejects.read_text()


@pytest.mark.parametrize("place", ["no/such/folder.csv", "", "file.csv"])
def test_rejects_that_have_no_place_stop_it_before_it_writes(make_file, tmp_path, place):
    path = make_file(HEADER + GOOD + BAD)
    with pytest.raises(CommandError) as error:
        run(path, "--on-error", "skip", "--rejects", str(tmp_path / place))
    assert error.value.returncode == 2
    assert not Library.objects.exists()
    assert path.read_text() == HEADER + GOOD + BAD


def test_what_is_written_is_said_where_the_rejects_fail(make_file, tmp_path, monkeypatch):
    def fail(*args):
        raise OSError("No space left")

    command = importlib.import_module("backoffice.management.commands.import")
    monkeypatch.setattr(command, "write_rejects", fail)
    rejects = tmp_path / "rejects.csv"
    out = io.StringIO()
    with pytest.raises(CommandError, match="No space left"):
        call_command(
            "import",
            "library.Library",
            str(make_file(HEADER + GOOD + BAD)),
            rejects=str(rejects),
            on_error="skip",
            json=True,
            stdout=out,
        )
    outcome = json.loads(out.getvalue())
    assert (outcome["written"], outcome["rejects"]) == (True, None)
    assert not rejects.exists()


def test_where_nobody_can_answer_nothing_is_written(make_file, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError) as error:
        call_command("import", "library.Library", str(make_file(HEADER + GOOD)))
    assert error.value.returncode == 2
    assert not Library.objects.exists()


def test_a_database_that_is_locked_is_said(make_file, monkeypatch):
    def locked(*args, **options):
        raise OperationalError("database is locked")

    monkeypatch.setattr(Table, "lock", locked)
    with pytest.raises(CommandError, match=r"can't be used now.*database is locked") as error:
        run(make_file(HEADER + GOOD))
    assert error.value.returncode == 2


@pytest.mark.django_db(transaction=True)
def test_no_file_is_read_while_others_wait_for_the_tables(make_file, monkeypatch):
    in_transaction, digest = [], hashlib.file_digest

    def read(*args):
        in_transaction.append(connection.in_atomic_block)
        return digest(*args)

    monkeypatch.setattr(hashlib, "file_digest", read)
    assert run(make_file(HEADER + GOOD))[1] == 0
    assert in_transaction == [False]
    assert Change.objects.get().file.sha256


def test_a_file_name_that_is_not_text_is_recorded(make_file):
    run(make_file(HEADER + GOOD, name="f\udcff.csv"))
    assert Change.objects.get().file.name == "f?.csv"


@pytest.mark.parametrize("resource", ["auth.User", "library.Nothing", "nothing"])
def test_a_model_that_is_not_imported_is_said(make_file, resource):
    with pytest.raises(CommandError, match=resource) as error:
        call_command("import", resource, str(make_file(HEADER + GOOD)))
    assert error.value.returncode == 2


def test_a_dry_run_writes_nothing(make_file):
    outcome, code = run(make_file(HEADER + GOOD), "-n")
    assert (code, outcome["new"], outcome["written"], outcome["job"]) == (0, 1, False, None)
    assert not Change.objects.exists()
    assert not Library.objects.exists()


def test_headers_can_be_mapped_and_the_key_chosen(make_file):
    library = make_library(name="Princeton", zip_code="00000")
    path = make_file("Bibliothek,PLZ\nPrinceton,08542\n")
    outcome, code = run(path, "--map", "name=Bibliothek", "--map", "zip_code=PLZ", match="name")
    assert (code, outcome["updated"]) == (0, 1)
    assert outcome["mapping"] == {"name": "Bibliothek", "zip_code": "PLZ"}
    library.refresh_from_db()
    assert library.zip_code == "08542"


def test_the_same_file_again_writes_nothing(make_file):
    path = make_file(HEADER + GOOD)
    run(path)
    outcome, code = run(path)
    assert (code, outcome["unchanged"], outcome["written"], outcome["job"]) == (
        0,
        1,
        False,
        None,
    )


def test_stdin_is_read(monkeypatch):
    class Stdin:
        buffer = io.BytesIO((HEADER + GOOD).encode())

    monkeypatch.setattr("sys.stdin", Stdin)
    outcome, _code = run("-")
    assert outcome["new"] == 1


def test_encoding_and_delimiter_can_be_told(make_file):
    text = (HEADER + GOOD.replace("Princeton", "Café")).replace(",", ";")
    outcome, _code = run(make_file(text, encoding="cp1252"), "--encoding", "cp1252")
    assert (outcome["encoding"], outcome["delimiter"]) == ("cp1252", ";")
    assert Library.objects.get().name == "Café"


def test_zeros_are_restored_and_blanks_kept_where_asked(make_file):
    make_library(name="A", zip_code="08542", address="1 Street")
    path = make_file("name,zip_code,address\nA,8542,\n")
    outcome, code = run(path, "--repair", "zip_zeros", "--keep-blank")
    assert (code, outcome["unchanged"]) == (0, 1)


@pytest.mark.parametrize(
    ("content", "arguments"),
    [
        ("", []),
        ("\x00\x01\x02\x03PK\x00\x00\xff", []),
        ("a,b\n1,2\n", []),
        (HEADER + GOOD, ["--map", "nome=name"]),
        (HEADER + GOOD, ["--map", "name"]),
        (HEADER + GOOD, ["--match", "nome"]),
        (HEADER + GOOD + "\xff", ["--encoding", "ascii"]),
        (HEADER + GOOD, ["--encoding", "no-such-encoding"]),
    ],
)
def test_what_can_t_be_used_exits_with_2_and_a_sentence(make_file, content, arguments):
    with pytest.raises(CommandError) as error:
        run(make_file(content), *arguments)
    assert error.value.returncode == 2
    assert len(str(error.value)) > 20
    assert not Library.objects.exists()


def test_a_file_that_is_not_there_exits_with_2(tmp_path):
    with pytest.raises(CommandError) as error:
        run(tmp_path / "nothing.csv")
    assert error.value.returncode == 2


def test_a_model_that_is_not_there_exits_with_2_and_names_those_that_are(make_file):
    with pytest.raises(CommandError, match=r"library\.Library") as error:
        call_command("import", "library.Shelf", str(make_file(HEADER)), interactive=False)
    assert error.value.returncode == 2


@pytest.mark.parametrize(("answer", "written"), [("yes", 1), ("no", 0)])
def test_it_asks_before_it_writes(make_file, monkeypatch, answer, written):
    monkeypatch.setattr("builtins.input", lambda _prompt: answer)
    try:
        call_command(
            "import", "library.Library", str(make_file(HEADER + GOOD)), stdout=io.StringIO()
        )
    except CommandError:
        assert answer == "no"
    assert Library.objects.count() == written


def test_rejects_are_printed_with_row_column_and_value(make_file, capsys):
    with pytest.raises(SystemExit):
        call_command(
            "import", "library.Library", str(make_file(HEADER + BAD)), interactive=False
        )
    printed = capsys.readouterr()
    assert "row 2, phone_number '-4'" in printed.err
    assert (
        "1 rows: 0 new, 0 updated, 0 unchanged, 1 rejected. Nothing was written." in printed.out
    )


def test_new_records_or_updates_alone_and_fields_that_stay(make_file):
    library = make_library(name="Princeton", zip_code="08542-3214", address="1 Old Street")
    path = make_file(HEADER + GOOD + GOOD.replace("Princeton", "Seaford"))
    outcome, code = run(path, "--only", "updates", "--protect", "address", on_error="skip")
    assert (outcome["updated"], outcome["rejected"], code) == (1, 1, 0)
    library.refresh_from_db()
    assert (library.address, library.state) == ("1 Old Street", "NJ")
    outcome, code = run(path, "--only", "new")
    assert (outcome["new"], outcome["unchanged"], code) == (1, 1, 0)


def make_profile(**fields):
    defaults = {
        "name": "County",
        "model": "library.Library",
        "resource": "library.resources.LibraryResource",
        "options": {"constants": {"state": "VT"}, "overrides": {"name": "Wo"}, "alike": "same"},
    }
    return Profile.objects.create(**defaults | fields)


@pytest.mark.parametrize("model", [["library.Library"], []], ids=["of a model", "alone"])
def test_a_file_is_imported_as_a_profile_says(make_file, model):
    make_profile()
    path = make_file(
        HEADER.replace("name", "Wo").replace("state,", "") + GOOD.replace("NJ,", "")
    )
    call_command("import", *model, "--profile", "County", str(path), "--no-input")
    library = Library.objects.get()
    assert (library.name, library.state) == ("Princeton", "VT")


def test_what_is_said_goes_before_a_profile(make_file):
    make_profile()
    path = make_file(HEADER.replace("name", "Name der Bibliothek") + GOOD)
    _outcome, code = run(
        path, "--profile", "County", "--map", "name=Name der Bibliothek", "--map", "state=state"
    )
    assert code == 0
    assert Library.objects.get().state == "NJ"


def test_blanks_are_kept_where_that_is_said_against_a_profile(make_file):
    library = make_library(name="Princeton", zip_code="08542-3214", address="1 Old Street")
    make_profile(options={"clear_blank": True})
    path = make_file("name,address,zip_code\nPrinceton,,08542-3214\n")
    outcome, _code = run(path, "--profile", "County", "--blank", "keep")
    assert outcome["unchanged"] == 1
    library.refresh_from_db()
    assert library.address == "1 Old Street"
    assert run(path, "--profile", "County")[0]["rejected"] == 1


def test_a_profile_that_is_none_exits_with_2_and_names_those_that_are(make_file):
    make_profile()
    path = str(make_file(HEADER + GOOD))
    for arguments, says in (
        (["--profile", "Town"], "Profiles: “County”"),
        (["library.Book", "--profile", "County"], "Profiles: –"),
        ([], "Name the model"),
    ):
        with pytest.raises(CommandError, match=says) as raised:
            call_command("import", *arguments, path)
        assert raised.value.returncode == 2
    make_profile(model="library.Book", resource="library.resources.BookResource")
    with pytest.raises(CommandError, match=r"library\.Book, library\.Library have a profile"):
        call_command("import", "--profile", "County", path)


def test_the_header_row_and_a_value_for_every_row_can_be_said(make_file):
    content = "Branches of\nWho,Where,Phone,Code\nname,1 Main St,212-222-6559,10025\n"
    fields = ("name=Who", "address=Where", "phone_number=Phone", "zip_code=Code")
    run(make_file(content), header_row=2, map=list(fields), set=["state=NY"])
    library = Library.objects.get()
    assert (library.name, library.state, library.zip_code) == ("name", "NY", "10025")


def test_what_is_not_used_and_what_is_guessed_is_said_on_stderr(make_file, capsys):
    path = make_file("")
    path.write_bytes(
        "name,address,state,phone,zip,fax\nPeña,x,NY,212-222-6559,1\n".encode("cp1252")
    )
    run(path)
    said = capsys.readouterr().err
    assert "“Peña”" in said
    assert "Columns that are not used: fax." in said


@pytest.mark.parametrize("row", ["0", "-1", "x", "1.5"])
def test_a_header_row_that_is_none_is_refused(make_file, row):
    with pytest.raises(CommandError, match="rows are counted from 1"):
        run(make_file(HEADER + GOOD), f"--header-row={row}")


def test_a_file_without_a_known_header_shows_the_rows_that_were_looked_at(make_file):
    with pytest.raises(
        CommandError, match=r"The first rows are: row 1: “Foo \| Bar”; row 2: “a \| b”"
    ):
        run(make_file("Foo,Bar\na,b\n"))
