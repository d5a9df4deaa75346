"""After an erasure nothing in the database or the files has the name, and all stays counted."""

import json
import os
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from backoffice.changes import files
from backoffice.changes.decisions import Decision
from backoffice.changes.deletion import Deletion
from backoffice.changes.models import Change, ImportFile
from backoffice.erasure import rows
from backoffice.erasure.erase import Erasure, NotErased, was_erased
from backoffice.filters.models import SavedFilter
from backoffice.jobs.steps import apply_job, check_job, create_job, create_undo, undo_job
from backoffice.submissions import Submission
from backoffice.trail.models import Entry
from library.models import Book, Patron
from library.resources import PatronResource
from tests.backoffice.admin.pages import url
from tests.factories import make_book, make_library, make_patron

pytestmark = pytest.mark.django_db

NAME = "Zoë Quimby-Vance"
BEFORE = "Zoë Quimby"


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    settings.IMPORT_FOLDER = str(tmp_path / "feeds")


@pytest.fixture
def main():
    return make_library(name="Main", zip_code="10001")


def importing(text, *, user=None, file_name="patrons.csv"):
    job = create_job(
        PatronResource, [text.encode()], file_name=file_name, user=user, overrides={}
    )
    check_job(job)
    return job


def everywhere():
    """All that the database has, as text, with JSON's and addresses' escapes."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            found += [f"{table}: {row}" for row in cursor.fetchall()]
    for session in apps.get_model("backoffice", "Session").objects.all():
        found.append(f"session {session.get_decoded()}")
    return found


def left_of(*names):
    spelled = {n for name in names for n in (name, json.dumps(name)[1:-1], name.upper())}
    spelled |= {"Quimby"}
    return [text for text in everywhere() if any(name in text for name in spelled)]


@pytest.fixture
def person(main, admin_client, superuser):
    """Somebody who has left traces everywhere."""
    job = importing(f"name,library\n{BEFORE},Main\nBob,Main\n", user=superuser)
    apply_job(job)
    patron = Patron.objects.get(name=BEFORE)
    data = {"name": NAME, "library": main.pk}
    admin_client.post(url(Patron, "change", patron.pk), data)
    query = {"q": NAME}
    admin_client.get(url(Patron, "changelist"), query)
    admin_client.post(url(Patron, "export") + "?q=Quimby-Vance", {"format": "0"})
    SavedFilter.objects.create(
        user=superuser, model="library.Patron", name="her", query="name=Zo%C3%AB+Quimby-Vance"
    )
    SavedFilter.objects.create(
        user=superuser, model="library.Patron", name="others", query="name=Bob"
    )
    again = importing(f"name,library\n{NAME},Main\n?,Nowhere {NAME}\n", file_name=f"{NAME}.csv")
    Decision.objects.create(
        file=again.file, line=2, field="name", value=NAME, answer="text", text="Zoë"
    )
    Submission.objects.create(
        key="k", body="b", answer={"messages": [[20, f"“{NAME}”", "", 0]]}
    )
    session = admin_client.session
    session["said"] = [f"“{NAME}” was changed"]
    session.save()
    return patron, again


def test_a_person_is_gone_from_everywhere_and_stays_counted(
    person, admin_client, superuser, main
):
    patron, again = person
    assert left_of(NAME, BEFORE)
    before = Change.objects.values("pk", "rows", "new", "updated", "rejected")
    counted = list(before.order_by("pk"))
    found = Erasure(Patron, patron.pk).run(user=superuser, address="192.0.2.1")
    assert found["patron"] == 1
    assert left_of(NAME, BEFORE) == []
    assert list(before.order_by("pk")) == counted
    assert not Patron.objects.filter(pk=patron.pk).exists()
    assert not Patron.history.filter(id=patron.pk).exists()
    assert Patron.objects.get().name == "Bob"
    assert Patron.history.filter(name="Bob").exists()
    assert list(SavedFilter.objects.values_list("name", flat=True)) == ["others"]
    line = was_erased(Patron, patron.pk)
    assert (line.user_id, line.address, line.object_name) == (
        superuser.pk,
        "192.0.2.1",
        "[erased]",
    )
    again.refresh_from_db()
    assert (again.status, ImportFile.objects.get(pk=again.pk).folder) == ("cancelled", "")
    assert "erased" in again.error


def test_what_others_write_while_names_are_looked_for_stays(person, monkeypatch):
    patron, again = person
    find, claims = rows.naming, iter("abc")

    def find_slowly(model, fields, names):
        yield from list(find(model, fields, names))
        if model is Change:
            Change.objects.filter(pk=again.pk).update(claim=next(claims))

    monkeypatch.setattr(rows, "naming", find_slowly)
    Erasure(Patron, patron.pk).run()
    again.refresh_from_db()
    assert (again.claim, again.title) == ("b", "[erased].csv")


def test_files_that_name_a_person_go_after_the_transaction(
    person, django_capture_on_commit_callbacks, tmp_path, settings
):
    patron, _again = person
    other = importing("name,library\nAmy,Main\n")
    done = tmp_path / "feeds" / "supplier" / "done"
    done.mkdir(parents=True)
    (done / "Zoë_Quimby-Vance-1.csv").write_text("nothing")
    (done / "latin-2.csv").write_bytes(f"name\n{NAME}\n".encode("cp1252"))
    (done / "wide-3.csv").write_bytes(f"name\n{NAME}\n".encode("utf-16"))
    (done / "others-4.csv").write_text("name\nBob\n")
    with django_capture_on_commit_callbacks(execute=True):
        Erasure(Patron, patron.pk).run()
    assert [path.name for path in done.iterdir()] == ["others-4.csv"]
    folders = [path.name for path in files.root().iterdir()]
    assert folders == [other.file.folder]


def test_an_import_at_work_and_a_file_of_a_feed_that_waits_come_first(person, tmp_path):
    patron, again = person
    Change.objects.filter(pk=again.pk).update(status="checking")
    with pytest.raises(NotErased, match=f"Import {again.pk} "):
        Erasure(Patron, patron.pk).run()
    Change.objects.filter(pk=again.pk).update(status="checked")
    folder = tmp_path / "feeds" / "supplier"
    folder.mkdir(parents=True)
    (folder / "new.csv").write_text(f"name\n{NAME}\n")
    with pytest.raises(NotErased, match="1 files that name this person wait"):
        Erasure(Patron, patron.pk).run()
    assert Patron.objects.filter(pk=patron.pk).exists()


def test_an_import_that_begins_after_the_look_is_not_overlooked(person, monkeypatch):
    """Else it writes the person again, from the file that it has open."""
    patron, again = person
    found = Erasure.found

    def begun(erasure):
        again.take("checked", to="applying")
        return found(erasure)

    monkeypatch.setattr(Erasure, "found", begun)
    with pytest.raises(NotErased, match=f"Import {again.pk} "):
        Erasure(Patron, patron.pk).run()
    again.refresh_from_db()
    assert (again.status, Patron.objects.filter(pk=patron.pk).exists()) == ("applying", True)
    assert ImportFile.objects.get(pk=again.pk).folder


def test_who_is_brought_back_by_an_undo_meanwhile_is_erased(person):
    patron, _again = person
    change = Deletion(Patron.objects.filter(pk=patron.pk)).run(title="d")
    erasure = Erasure(Patron, patron.pk)
    undo_job(change)
    assert Patron.objects.filter(pk=patron.pk).exists()
    erasure.run()
    assert not Patron.objects.filter(pk=patron.pk).exists()
    assert left_of(NAME, BEFORE) == []


def test_where_the_bucket_is_lost_in_the_end_all_else_is_gone(
    person, tmp_path, monkeypatch, django_capture_on_commit_callbacks
):
    def lost(folder):
        raise files.NoStorage("away")

    patron, _again = person
    done = tmp_path / "feeds" / "supplier" / "done"
    done.mkdir(parents=True)
    (done / "named.csv").write_text(f"name\n{NAME}\n")
    monkeypatch.setattr("backoffice.erasure.erase.remove", lost)
    with (
        pytest.raises(files.NoStorage),
        django_capture_on_commit_callbacks(execute=True),
    ):
        Erasure(Patron, patron.pk).run()
    assert list(done.iterdir()) == []


def test_an_undo_of_what_was_erased_brings_nothing_back_and_says_so(person, admin_client):
    patron, _again = person
    chosen = {
        "action": "delete_selected",
        "_selected_action": [row.pk for row in Patron.objects.all()],
        "post": "yes",
    }
    admin_client.post(url(Patron, "changelist"), chosen)
    deletion = Change.objects.get(kind="deletion")
    Erasure(Patron, patron.pk).run()
    page = admin_client.get(reverse("admin:library_patron_import_undo", args=[deletion.pk]))
    assert "1 patron was erased since" in page.text
    undo = create_undo(deletion)
    apply_job(undo)
    undo.refresh_from_db()
    assert undo.status == "done"
    assert [row.name for row in Patron.objects.all()] == ["Bob"]
    assert left_of(NAME, BEFORE) == []


def test_somebody_who_was_deleted_before_is_erased_from_history(main):
    patron = make_patron(name=NAME, library=main)
    key = patron.pk
    patron.delete()
    assert left_of(NAME)
    Erasure(Patron, key).run()
    assert left_of(NAME) == []
    with pytest.raises(NotErased, match="There is no patron"):
        Erasure(Patron, key)


def test_a_namesake_stays(main):
    first, second = (make_patron(name=NAME, library=main) for _ in range(2))
    erasure = Erasure(Patron, first.pk)
    assert erasure.namesakes() == 1
    erasure.run()
    assert Patron.objects.get() == second
    assert Patron.history.filter(id=second.pk).exists()


def test_a_model_that_names_nobody_is_refused():
    book = make_book()
    with pytest.raises(NotErased, match="names nobody"):
        Erasure(Book, book.pk)


def test_what_is_about_the_world_keeps_the_name(main):
    book = make_book(title=f"The life of {NAME}")
    patron = make_patron(name=NAME, library=main)
    Erasure(Patron, patron.pk).run()
    assert Book.objects.get(pk=book.pk).title == f"The life of {NAME}"
    assert Book.history.get(id=book.pk).title == f"The life of {NAME}"


def test_the_command_says_what_it_erases_and_asks(main, monkeypatch):
    patron = make_patron(name=NAME, library=main)
    said = StringIO()
    call_command("erase", "library.Patron", str(patron.pk), "--dry-run", stdout=said)
    assert "1 patron" in said.getvalue()
    assert Patron.objects.exists()
    monkeypatch.setattr("builtins.input", lambda question: "no")
    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("erase", "library.Patron", str(patron.pk), stdout=StringIO())
    assert Patron.objects.exists()
    call_command("erase", "library.Patron", str(patron.pk), "--json", stdout=StringIO())
    assert not Patron.objects.exists()
    assert Entry.objects.get(action="erase").name == "command line"
    for label, key in (
        ("library.Nobody", "1"),
        ("library.Patron", "x"),
        ("library.Patron", "7"),
    ):
        with pytest.raises(CommandError):
            call_command("erase", label, key, "--no-input", stdout=StringIO())


@pytest.mark.skipif("IMPORTS_BUCKET" in os.environ, reason="it has its own bucket")
def test_a_person_is_gone_from_a_bucket_too(
    main, bucket, settings, tmp_path, django_capture_on_commit_callbacks
):
    make_patron(name=NAME, library=main)
    named = importing(f"name,library\n{NAME},Main\n")
    other = importing("name,library\nBob,Main\n")
    settings.DATA_DIR = tmp_path / "another machine"
    settings.DATA_DIR.mkdir()
    with django_capture_on_commit_callbacks(execute=True):
        Erasure(Patron, Patron.objects.get(name=NAME).pk).run()
    assert {key.split("/")[1] for key in bucket.listed()} == {other.file.folder}
    assert not ImportFile.objects.get(pk=named.pk).folder
