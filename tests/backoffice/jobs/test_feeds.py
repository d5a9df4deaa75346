"""Files that are put into IMPORT_FOLDER: imported once, as the profile says, and moved."""

import datetime
import os

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone, translation

from backoffice.changes.models import Change, ImportFile
from backoffice.jobs import feeds, tasks
from backoffice.jobs.steps import undo_job
from backoffice.languages import Language
from library.models import Library
from tests.backoffice.jobs.feeding import (
    BAD,
    HEADER,
    MAIN,
    OTHER,
    RIGHTS,
    files,
    make_profile,
    names,
)
from tests.factories import make_user

# Commits are real: a killed worker's transactions are what is tested.
pytestmark = pytest.mark.django_db(transaction=True)


def test_a_file_is_imported_and_moved_with_its_report(profile, drop, root, mailoutbox):
    drop(MAIN, OTHER)
    (outcome,) = feeds.look(at_once=True)
    job = Change.objects.get()
    assert (job.status, job.user, job.title) == ("done", profile.owner, "f.csv")
    assert Library.history.filter(history_user=profile.owner).count() == 2
    assert outcome.path == root / "Supplier" / "done" / f"f-{job.pk}.csv"
    assert files(root) == [
        f"Supplier/done/f-{job.pk}.csv",
        f"Supplier/done/f-{job.pk}.report.txt",
    ]
    report = (outcome.path.parent / f"f-{job.pk}.report.txt").read_text()
    assert "2 rows: 2 new, 0 updated, 0 unchanged, 0 rejected." in report
    assert ImportFile.objects.get().feed is None
    assert feeds.look(at_once=True) == []
    assert not mailoutbox


def test_rejected_rows_lie_beside_the_file_and_the_owner_is_told(
    profile, drop, root, mailoutbox
):
    drop(MAIN, BAD)
    (outcome,) = feeds.look(at_once=True)
    assert names() == ["Main"]
    assert outcome.path.parent.name == "done"
    rejects = outcome.path.with_name(f"{outcome.path.stem}.rejects.csv").read_text()
    assert "Bad,3 Street" in rejects
    assert "Main" not in rejects
    (mail,) = mailoutbox
    assert mail.to == ["owner@example.org"]
    assert "f.csv" in mail.subject
    assert "Phone number: This is a code, not a number" in mail.body


def test_the_owner_is_told_in_the_language_of_the_account(profile, drop, mailoutbox):
    Language.objects.create(user=profile.owner, code="es")
    drop(MAIN, BAD)
    (outcome,) = feeds.look(at_once=True)
    (mail,) = mailoutbox
    assert "no se importó" in mail.subject
    assert mail.body == outcome.report
    assert "2 filas: 1 nueva" in mail.body
    assert "Número de teléfono: Esto es un código, no un número" in mail.body
    assert translation.get_language() == "en"


def test_a_file_that_is_refused_is_refused_in_the_language_of_the_account(
    profile, drop, mailoutbox, settings
):
    Language.objects.create(user=profile.owner, code="es")
    settings.IMPORT_MAX_BYTES = 10
    drop(MAIN)
    feeds.look(at_once=True)
    assert mailoutbox[0].body.startswith("Rechazada: El archivo")


@pytest.mark.parametrize("rows", [[BAD], ['"']], ids=["no row is right", "unreadable"])
def test_a_file_of_which_nothing_can_be_written_is_rejected(
    profile, drop, root, mailoutbox, rows
):
    drop(*rows)
    (outcome,) = feeds.look(at_once=True)
    assert (outcome.is_rejected, outcome.path.parent.name) == (True, "rejected")
    assert "Nothing was written" in outcome.report or "row" in outcome.report
    assert len(mailoutbox) == 1
    assert feeds.look(at_once=True) == []


def test_nobody_is_told_who_does_not_want_it(root, drop, mailoutbox):
    make_profile(mail=False)
    drop(BAD)
    feeds.look(at_once=True)
    assert not mailoutbox


def test_a_mail_that_can_not_be_sent_stops_nothing(profile, drop, settings, caplog):
    settings.EMAIL_BACKEND = "no.such.Backend"
    drop(MAIN, BAD)
    (outcome,) = feeds.look(at_once=True)
    assert outcome.path.exists()
    assert "was not sent" in caplog.text


# What is left alone ---------------------------------------------------------------------


def test_a_file_that_is_still_being_written_is_left_alone(profile, drop, root, settings):
    settings.IMPORT_FOLDER_QUIET_SECONDS = 3600
    path = drop(MAIN)
    os.utime(path, (0, 0))  # as programs do that keep the time of what they copy
    assert feeds.look(at_once=True) == []
    settings.IMPORT_FOLDER_QUIET_SECONDS = 0
    assert len(feeds.look(at_once=True)) == 1


@pytest.mark.parametrize("name", [".f.csv", "f.csv.part", "f.csv.tmp", "~f.csv"])
def test_a_name_that_says_unfinished_is_left_alone(profile, drop, name):
    drop(MAIN, name=name)
    assert feeds.look(at_once=True) == []


def test_a_link_is_not_followed(profile, drop, root, tmp_path):
    drop(MAIN).rename(tmp_path / "secret.csv")
    (root / "Supplier" / "f.csv").symlink_to(tmp_path / "secret.csv")
    assert feeds.look(at_once=True) == []


@pytest.mark.parametrize("name", ["..", ".", "../feeds/Supplier", "/"])
def test_a_profile_whose_name_is_a_path_has_no_folder(root, drop, name):
    make_profile(name=name)
    drop(MAIN)
    (root.parent / "outside.csv").write_text(HEADER + MAIN)
    assert feeds.look(at_once=True) == []


def test_a_file_that_grows_while_it_is_read_is_left_alone(profile, drop, monkeypatch):
    path = drop(MAIN)
    real = feeds.create_job

    def create_job(*args, **kwargs):
        job = real(*args, **kwargs)
        with path.open("a") as file:
            file.write(OTHER)
        return job

    monkeypatch.setattr(feeds, "create_job", create_job)
    assert feeds.look(at_once=True) == []
    assert not Change.objects.exists()
    monkeypatch.undo()
    feeds.look(at_once=True)
    assert names() == ["Main", "Other"]


def test_what_takes_the_place_of_a_file_meanwhile_is_imported_next(profile, drop, root):
    drop(MAIN)
    feeds.look()  # it waits for the worker
    drop(OTHER)
    outcomes = feeds.look(at_once=True)
    assert len(outcomes) == 2
    assert names() == ["Main", "Other"]
    moved = [outcome.path.read_text() for outcome in outcomes]
    assert moved == [HEADER + MAIN, HEADER + OTHER]
    assert len(files(root)) == 4


def test_a_file_that_is_no_longer_kept_holds_up_no_other(profile, drop, root):
    drop(MAIN)
    feeds.look()
    first = Change.objects.get()
    tasks.check.call(first.pk)
    tasks.apply.call(first.pk)
    first.file.remove()
    drop(OTHER)
    outcomes = feeds.look(at_once=True)
    assert [outcome.path.exists() for outcome in outcomes] == [False, True]
    assert names() == ["Main", "Other"]


# Twice, and in order --------------------------------------------------------------------


def test_the_same_file_twice_takes_back_nothing(profile, drop):
    drop(MAIN)
    feeds.look(at_once=True)
    Library.objects.update(address="9 Edited Street")
    drop(MAIN, name="again.csv")
    (outcome,) = feeds.look(at_once=True)
    assert "This very file was imported last" in outcome.report
    assert (outcome.is_rejected, Library.objects.get().address) == (False, "9 Edited Street")


def test_a_file_of_before_is_written_again_if_others_came_between(profile, drop):
    changed = MAIN.replace("1 Street", "2 Street")
    for rows, address in ((MAIN, "1 Street"), (changed, "2 Street"), (MAIN, "1 Street")):
        drop(rows)
        feeds.look(at_once=True)
        assert Library.objects.get().address == address


def test_the_same_file_is_written_again_if_its_import_was_undone(profile, drop):
    drop(MAIN)
    feeds.look(at_once=True)
    undo_job(Change.objects.get())
    drop(MAIN)
    feeds.look(at_once=True)
    assert names() == ["Main"]


def test_a_file_that_says_nothing_new_is_done(profile, drop):
    drop(MAIN, OTHER)
    feeds.look(at_once=True)
    drop(OTHER)
    (outcome,) = feeds.look(at_once=True)
    assert "There was nothing to write." in outcome.report
    assert (outcome.is_rejected, Change.objects.latest("pk").status) == (False, "done")


def test_files_are_written_in_the_order_they_came(profile, drop):
    for number, name in enumerate(["z.csv", "a.csv", "m.csv"]):
        drop(MAIN.replace("1 Street", f"{number} Street"), name=name)
    outcomes = feeds.look(at_once=True)
    assert [outcome.path.name[0] for outcome in outcomes] == ["z", "a", "m"]
    assert Library.objects.get().address == "2 Street"


def test_a_profile_with_a_time_waits_for_it(root, drop):
    now = timezone.localtime()
    due = now.replace(microsecond=0) + datetime.timedelta(hours=2)  # whatever time it is
    make_profile(run_at=due.time())
    drop(MAIN)
    assert feeds.waiting(now) == []
    assert feeds.waiting(due - datetime.timedelta(seconds=1)) == []
    (each,) = feeds.waiting(due)
    assert each.path.name == "f.csv"
    assert feeds.waiting(due + datetime.timedelta(hours=30))  # no worker was running then


# What is refused ------------------------------------------------------------------------


def without_rights():
    return make_user(permissions=RIGHTS[:1])


def inactive():
    return make_user(permissions=RIGHTS, is_active=False)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"owner": None}, "has no owner"),
        ({"owner": inactive}, "has no owner"),
        ({"owner": without_rights}, "may no longer import libraries"),
        ({"options": {"mirror": "state=NY"}}, "deletes records that the file lacks"),
        ({"resource": "library.resources.Gone"}, "There is no longer a resource"),
    ],
)
def test_a_profile_that_can_not_be_run_is_said(root, drop, fields, reason):
    made = {name: value() if callable(value) else value for name, value in fields.items()}
    make_profile(**made)
    drop(MAIN)
    (outcome,) = feeds.look(at_once=True)
    assert reason in outcome.report
    assert (outcome.is_rejected, outcome.path.exists()) == (True, True)
    assert not Change.objects.exists()


def test_two_profiles_of_one_name_are_refused(profile, drop):
    make_profile(model="library.Book", resource="library.resources.BookResource")
    drop(MAIN)
    (outcome,) = feeds.look(at_once=True)
    assert "library.Book, library.Library" in outcome.report


def test_a_file_that_is_too_large_is_refused(profile, drop, settings):
    settings.IMPORT_MAX_BYTES = 10
    drop(MAIN)
    assert "larger than 10 bytes" in feeds.look(at_once=True)[0].report


def test_a_name_that_is_no_text_is_refused(profile, drop, root):
    drop(MAIN).rename(root / "Supplier" / os.fsdecode(b"caf\xe9.csv"))
    (outcome,) = feeds.look(at_once=True)
    assert "characters that are no text" in outcome.report
    assert outcome.path.exists()


def test_a_long_name_has_room_for_its_report(profile, drop):
    drop(MAIN, BAD, name="é" * 120 + ".csv")
    (outcome,) = feeds.look(at_once=True)
    assert outcome.path.exists()
    assert names() == ["Main"]


# The command ----------------------------------------------------------------------------


def test_the_command_imports_what_waits(profile, drop, root, capsys):
    drop(MAIN)
    (root / "Suplier").mkdir()
    call_command("import_folder")
    said = capsys.readouterr()
    assert "done/f-" in said.out
    assert "1 new" in said.out
    assert "No profile is called “Suplier”" in said.err
    drop(BAD)
    with pytest.raises(SystemExit) as exit_:
        call_command("import_folder")
    assert exit_.value.code == 1


def test_the_command_needs_a_folder(db, settings):
    settings.IMPORT_FOLDER = ""
    with pytest.raises(CommandError) as error:
        call_command("import_folder")
    assert error.value.returncode == 2
    assert feeds.look() == []
