"""How long the files of exports that a worker made are kept."""

import datetime
import os

import pytest
from django.urls import reverse
from django.utils import timezone

from backoffice.changes.models import Change
from backoffice.erasure.erase import Erasure
from backoffice.exports.made import ExportFile
from backoffice.jobs import exports as jobs
from backoffice.jobs.retention import retain
from library.models import Patron
from tests.backoffice.admin.lists.test_exports import NUMBERS
from tests.backoffice.admin.records.made import (
    ask,
    content,
    fetch,
    fresh,
    kept,
    page,
    run_worker,
)
from tests.factories import make_library, make_patron

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("data")]

LONG_AGO = timezone.now() - datetime.timedelta(hours=1)


def test_files_go_by_their_age(client, ann, settings):
    make_library()
    made, other = ask(client), ask(client, "?state=NY")
    run_worker()
    Change.objects.filter(pk=made.pk).update(
        finished_at=timezone.now() - datetime.timedelta(days=settings.EXPORT_KEEP_DAYS)
    )
    assert retain(dry_run=True)["files of exports"] == 1
    assert retain()["files of exports"] == 1
    assert (fresh(made).is_kept, fresh(other).is_kept) == (False, True)
    assert len(kept()) == 1
    assert "The file is no longer kept." in page(client, made).text
    assert fetch(client, made).status_code == 404


def test_files_are_kept_for_ever_by_a_setting_and_are_no_strays(client, ann, settings):
    settings.EXPORT_KEEP_DAYS = 0
    make_library()
    made = ask(client)
    run_worker()
    Change.objects.update(finished_at=timezone.now() - datetime.timedelta(days=999))
    os.utime(fresh(made).directory, (0, 0))
    settings.JOBS_KEEP_DAYS = 30
    assert "files of exports" not in retain()
    assert content(fetch(client, made))
    assert "It is kept for you alone." in page(client, made).text


def test_what_an_account_had_goes_with_it(client, ann):
    make_library()
    made = ask(client)
    run_worker()
    ann.delete()
    retain()
    assert not fresh(made).is_kept
    assert not kept()


def test_an_export_that_names_an_erased_person_goes(client, admin_client):
    away = make_patron(name="Zelda Quirk")
    make_patron(name="Bob")
    address = reverse("admin:library_patron_export")
    data = {"format": NUMBERS["xlsx"], "patronresource_name": "on", "_background": "1"}
    for query in ("", "?q=Bob"):
        assert admin_client.post(address + query, data).status_code == 302
    run_worker()
    everybody, bob = ExportFile.objects.order_by("pk")
    erasure = Erasure(Patron, away.pk)
    assert erasure.found()["exports whose files are removed"] == 1
    assert "imports whose files are removed" not in erasure.found()
    erasure.run()
    assert (fresh(everybody).is_kept, fresh(bob).is_kept) == (False, True)
    assert len(kept()) == 1


def test_an_export_at_work_while_somebody_is_erased_ends(admin_client, monkeypatch, data):
    away = make_patron(name="Zelda Quirk")
    chosen = {"format": NUMBERS["csv"], "patronresource_name": "on", "_background": "1"}
    admin_client.post(reverse("admin:library_patron_export"), chosen)
    admin_client.post(reverse("admin:library_patron_export") + "?q=Zelda+Quirk", chosen)
    first, second = ExportFile.objects.order_by("pk")
    write = jobs._write

    def during(export, made, job):
        size = write(export, made, job)
        monkeypatch.setattr(jobs, "_write", write)
        path = made.directory / job.claim
        path.rename(data / "away")
        erasure = Erasure(Patron, away.pk)
        assert erasure.folders == []  # it was looked for before it was written
        (data / "away").rename(path)
        erasure.run()
        return size

    monkeypatch.setattr(jobs, "_write", during)
    run_worker()
    assert fresh(first).change.status == "cancelled"
    assert "Somebody was erased meanwhile." in page(admin_client, first).text
    assert "Quirk" not in fresh(second).query + fresh(second).name + str(fresh(second).change)
    assert not any(b"Quirk" in path.read_bytes() for path in kept())


def test_an_export_that_ends_while_somebody_is_looked_for_goes(admin_client, data):
    away = make_patron(name="Zelda Quirk")
    erasure = Erasure(Patron, away.pk)
    assert erasure.folders == []
    chosen = {"format": NUMBERS["csv"], "patronresource_name": "on", "_background": "1"}
    admin_client.post(reverse("admin:library_patron_export"), chosen)
    run_worker()
    assert kept()
    erasure.run()
    assert kept() == []
