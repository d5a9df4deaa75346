"""Machines of one database: the first says what all have alike, the others are refused."""

import threading

import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.core.management import CommandError, call_command
from django.db import connection, connections

from backoffice import machines
from backoffice.backups import restore
from backoffice.health import checks
from backoffice.machines import Shared, Stranger, demand_same

pytestmark = pytest.mark.django_db(transaction=True)


class Cheap(ScryptPasswordHasher):
    """A test needs no slow one; that ours is slow is a test of its own."""

    work_factor = 2
    parallelism = 1


@pytest.fixture(autouse=True)
def machine(settings, tmp_path, monkeypatch):
    """Makes the process another machine: its key, its folder, its name."""
    monkeypatch.setattr(machines, "ScryptPasswordHasher", Cheap)

    def machine(*, key="one", folder="share", name="alpha", fallbacks=()):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, list(fallbacks)
        settings.DATA_DIR = tmp_path / folder
        settings.DATA_DIR.mkdir(exist_ok=True)
        monkeypatch.setattr("socket.gethostname", lambda: name)

    machine()
    return machine


def refused():
    with pytest.raises(Stranger) as error:
        demand_same()
    return str(error.value)


def test_those_that_have_all_alike_start(machine):
    demand_same()
    demand_same()
    machine(name="beta")
    demand_same()
    assert set(Shared.objects.values_list("name", "machine")) == {
        ("key", "alpha"),
        ("data", "alpha"),
    }


def test_another_key_is_refused_with_who_set_it_and_the_remedy(machine):
    demand_same()
    machine(key="two", name="beta")
    said = refused()
    assert "alpha set on 2" in said
    assert "SECRET_KEY_FALLBACKS" in said
    assert "adopt key" in said
    assert "adopt data" not in said
    assert "one" not in Shared.objects.get(name="key").value
    call_command("adopt", "key")
    demand_same()
    machine()
    assert "beta set on" in refused()


def test_a_key_is_changed_one_machine_after_the_other(machine):
    old, new = {"key": "one", "fallbacks": ["two"]}, {"key": "two", "fallbacks": ["one"]}
    machine()
    demand_same()
    machine(**old, name="alpha")
    demand_same()
    machine(**new, name="beta")
    demand_same()
    machine(**old, name="alpha")  # it is not changed yet, and restarted for another reason
    demand_same()
    for name in ("alpha", "beta"):
        machine(**new, name=name)
        demand_same()
    machine(key="two")
    demand_same()
    machine(key="one")
    assert "alpha set on" in refused()


def test_another_folder_and_one_that_is_not_mounted_are_refused(machine, settings):
    demand_same()
    machine(folder="own", name="beta")
    said = refused()
    assert "own is not the place of uploads that alpha set on" in said
    assert "adopt key" not in said
    call_command("adopt", "data")
    demand_same()
    machine()
    assert "beta set on" in refused()
    call_command("adopt", "data")
    (settings.DATA_DIR / "store").unlink()
    assert "mount it" in refused()


def test_a_folder_keeps_its_token_whichever_database_is_new(machine, settings):
    demand_same()
    token = (settings.DATA_DIR / "store").read_text()
    Shared.objects.all().delete()
    demand_same()
    assert (settings.DATA_DIR / "store").read_text() == token


def test_a_folder_that_cannot_be_read_at_the_moment_refuses_nobody(machine, monkeypatch):
    demand_same()

    def gone():
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(machines, "_token", gone)
    demand_same()


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="in memory nobody waits: see tests/faults"
)
def test_of_many_that_start_at_once_one_is_the_first(machine, settings):
    gate, errors = threading.Barrier(4), []

    def start():
        try:
            gate.wait(20)
            demand_same()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert errors == []
    assert Shared.objects.count() == 2
    assert Shared.objects.get(name="data").value == (settings.DATA_DIR / "store").read_text()


def test_the_worker_refuses_and_other_commands_run(machine, capsys):
    call_command("worker", "--batch", "--no-startup-delay", verbosity=0)
    machine(key="two", name="beta")
    with pytest.raises(CommandError, match="alpha set on"):
        call_command("worker", "--batch", "--no-startup-delay", verbosity=0)
    call_command("migrate", verbosity=0)
    with pytest.raises(SystemExit):
        call_command("doctor")
    assert "This machine among others: The secret key of" in capsys.readouterr().out


def test_health_tells_it_and_takes_no_server_away(machine):
    demand_same()
    assert checks.machine().problem == ""
    machine(key="two")
    assert "adopt key" in checks.machine().problem
    assert not next(each for each in checks.CHECKS if each.name == "machine").needed


def test_what_is_restored_is_set_anew_by_the_first_that_starts(machine):
    demand_same()
    restore.settle()
    machine(key="two", folder="own", name="beta")
    demand_same()
    assert set(Shared.objects.values_list("machine", flat=True)) == {"beta"}


def test_the_key_is_as_hard_to_guess_as_a_password(monkeypatch):
    monkeypatch.undo()
    first, second = machines.fingerprint("weak"), machines.fingerprint("weak")
    assert first != second  # each with a salt of its own
    assert machines.is_of("weak", first)
    assert not machines.is_of("week", first)
    name, work, _salt, block, _more = first.split("$", 4)
    assert (name, int(work) >= 2**14, int(block) >= 8) == ("scrypt", True, True)


def test_with_a_bucket_folders_may_differ_and_buckets_may_not(machine, settings):
    demand_same()
    backend = {"BACKEND": "backoffice.changes.bucket.Bucket"}
    settings.STORAGES = {**settings.STORAGES, "imports": backend}
    settings.IMPORTS_BUCKET, settings.IMPORTS_BUCKET_PREFIX = "ours", "site"
    assert "ours/site is not the place of uploads that alpha set on" in refused()
    call_command("adopt", "data")
    machine(folder="own", name="beta")
    demand_same()
    settings.IMPORTS_BUCKET = "theirs"
    assert "theirs/site is not" in refused()
    settings.IMPORTS_BUCKET, settings.IMPORTS_BUCKET_ENDPOINT = "ours", "https://s3.example.org"
    assert "https://s3.example.org ours/site is not" in refused()
