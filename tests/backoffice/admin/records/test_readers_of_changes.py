"""Imports and edits for whoever may view the history: to read, not to go on with."""

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.urls import reverse

from backoffice.changes.models import BulkEdit, Change
from library.models import Library
from tests.backoffice.admin.pages import perm, seeing_history, url
from tests.backoffice.admin.records.test_changes import links, make_deletion, make_import
from tests.factories import make_user

pytestmark = pytest.mark.django_db

IMPORTS, EDITS = url(Change, "changelist"), url(BulkEdit, "changelist")
STATES = ["uploaded", "checked", "done", "undone"]


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def auditor(client):
    call_command("loaddata", "roles", verbosity=0)
    user = make_user()
    user.groups.add(Group.objects.get(name="Auditor"))
    client.force_login(user)
    return user


def page(job, name="import_job"):
    return reverse(f"admin:library_library_{name}", args=[job.pk])


@pytest.mark.parametrize("status", STATES)
def test_an_auditor_reads_an_import_and_goes_on_with_none(client, auditor, status):
    job = make_import(status=status)
    listing = client.get(IMPORTS)
    assert page(job) in client.get(url(Change, "change", job.pk)).url
    assert not links(listing)
    assert "Import a file" not in listing.text
    shown = client.get(page(job))
    assert shown.status_code == 200
    for offered in ("_again", "_cancel", "_apply", "Replace the file", "Import another"):
        assert offered not in shown.text
    assert client.get(page(job, "import_progress")).status_code == 200
    for name in ("import_columns", "import_profile", "import_replace"):
        assert client.post(page(job, name)).status_code == 403
    assert client.post(page(job), {"_apply": "x"}).status_code == 403
    for answer in ("_again", "_cancel"):
        data, address = {"job": job.pk, answer: "x"}, "admin:library_library_process_import"
        assert client.post(reverse(address), data).status_code == 403
    job.refresh_from_db()
    assert job.status == status


def test_an_auditor_reads_edits_and_deletions(client, auditor):
    make_import(status="undone")
    make_deletion()
    kinds = [job.kind for job in client.get(EDITS).context["cl"].result_list]
    assert kinds == ["deletion", "undo"]
    assert not links(client.get(EDITS))
    for job in Change.objects.all():
        assert client.get(page(job)).status_code == 200


def test_who_did_it_is_for_whom_may_view_users(client):
    bob, job = make_user(username="bob"), make_import()
    Change.objects.filter(pk=job.pk).update(user=bob)
    sees = [perm("view", Library), *seeing_history(Library)]
    client.force_login(make_user(permissions=sees))
    text = client.get(IMPORTS).text
    assert "bob" not in text
    assert "somebody else" in text
    assert "?user=" not in text
    assert not client.get(IMPORTS, {"q": "bob"}).context["cl"].result_count
    for query in ({"user": bob.pk}, {"user__username": "bob"}, {"user__id__exact": bob.pk}):
        assert client.get(IMPORTS, query).status_code == 400
    client.force_login(make_user(permissions=[*sees, "auth.view_user"]))
    assert "bob" in client.get(IMPORTS).text
    assert client.get(IMPORTS, {"q": "bob"}).context["cl"].result_count == 1
