"""The lists of imports, and of edits and deletions: what they say, and what leads on."""

import datetime
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from backoffice.admin.lists.choice import name_of
from backoffice.changes import files
from backoffice.changes.activity import IMPORTED, UNDONE
from backoffice.changes.deletion import Deletion
from backoffice.changes.models import BulkEdit, Change
from backoffice.jobs.steps import apply_job, check_job, create_job, undo_job
from backoffice.trail.models import Entry
from library.models import Library
from library.resources import LibraryResource
from tests.backoffice.admin.pages import perm, url
from tests.factories import make_library, make_user

FILE = "name,address,state,phone_number,zip_code\nMain,1 Street,NY,212-222-6559,10001\n"
RIGHTS = [perm(action, Library) for action in ("view", "add", "change")]
IMPORTS, EDITS = url(Change, "changelist"), url(BulkEdit, "changelist")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def make_import(*, user=None, status="done", **fields):
    """An import that has come to `status`: uploaded, checked, done or undone."""
    job = create_job(LibraryResource, [FILE.encode()], file_name="f.csv", user=user)
    if status != "uploaded":
        check_job(job)
    if status in ("done", "undone"):
        apply_job(job)
    if status == "undone":
        undo_job(job, user=user)
    Change.objects.filter(pk=job.pk).update(**fields)
    return Change.objects.get(pk=job.pk)


def make_deletion():
    return Deletion(Library.objects.filter(pk=make_library().pk)).run(
        title="1 library", user=None, reason="", reason_with=""
    )


def days_ago(number):
    return timezone.now() - datetime.timedelta(days=number)


def pills(page):
    return re.findall(r'<span class="pill \w+">([^<]+)</span>', page.text)


def links(page):
    found = re.findall(r'<a href="([^"]+)" aria-label="[^"]+">(\w+)</a>', page.text)
    return {text: address for address, text in found}


@pytest.mark.parametrize(
    ("status", "pill", "leads"),
    [
        ("uploaded", "Columns to choose", {"Continue": "import_job"}),
        ("checked", "To be reviewed", {"Continue": "import_job"}),
        ("done", "Written", {"Undo": "import_undo"}),
        ("undone", "Undone", {}),
    ],
)
def test_a_status_is_said_in_words_and_leads_on(admin_client, status, pill, leads):
    job = make_import(status=status)
    page = admin_client.get(IMPORTS)
    assert pills(page) == [pill]
    found = links(page)
    found.pop("Download", None)
    assert found == {
        text: reverse(f"admin:library_library_{name}", args=[job.pk])
        for text, name in leads.items()
    }


def test_the_result_is_said_with_separators(admin_client):
    make_import(rows=1_234_567, new=0, updated=1_234_560, unchanged=0, rejected=7)
    page = admin_client.get(IMPORTS)
    assert ">1,234,567 rows: 1,234,560 updated, 7 rejected</td>" in page.text


def test_what_was_checked_can_be_downloaded(admin_client):
    make_import(status="checked")
    file = admin_client.get(links(admin_client.get(IMPORTS))["Download"])
    assert b"Main" in b"".join(file.streaming_content)


def test_undo_is_offered_to_those_who_may(client):
    user = make_user(permissions=RIGHTS)
    job = make_import(user=user)
    client.force_login(user)
    assert "Undo" not in links(client.get(IMPORTS))
    Change.objects.filter(pk=job.pk).update(new=0, updated=1)
    assert "Undo" in links(client.get(IMPORTS))


def test_a_file_is_imported_from_here_into_a_model_of_ones_choice(admin_client, client):
    offered = admin_client.get(IMPORTS).context["importable"]
    assert [names for names, _url in offered][:2] == ["Books", "Librarians"]
    client.force_login(make_user(permissions=RIGHTS))
    (names, address), *others = client.get(IMPORTS).context["importable"]
    assert (names, address, others) == (
        "Libraries",
        reverse("admin:library_library_import"),
        [],
    )


def test_edits_and_deletions_have_a_list_of_their_own(admin_client):
    make_import(status="undone")
    make_deletion()
    titles = [job.kind for job in admin_client.get(IMPORTS).context["cl"].result_list]
    assert titles == ["import"]
    page = admin_client.get(EDITS)
    assert [job.kind for job in page.context["cl"].result_list] == ["deletion", "undo"]
    assert "Import a file" not in page.text
    change = page.context["cl"].result_list[0]
    entry = admin_client.get(url(BulkEdit, "change", change.pk))
    assert entry.url == reverse("admin:library_library_import_job", args=[change.pk])


def test_an_undo_of_an_import_is_seen_by_those_who_may_import(client):
    make_import(status="undone")
    make_deletion()
    client.force_login(make_user(permissions=[perm("change", Library)]))
    kinds = [job.kind for job in client.get(EDITS).context["cl"].result_list]
    assert kinds == ["deletion"]
    client.force_login(make_user())
    assert client.get(EDITS).status_code == 403


def test_the_menu_has_both(admin_client):
    page = admin_client.get(reverse("admin:index"))
    names = [str(m["name"]) for app in page.context["app_list"] for m in app["models"]]
    assert {"Imports", "Edits and deletions"} <= set(names)


@pytest.mark.parametrize(
    ("status", "fields", "abandoned"),
    [
        ("uploaded", {"created_at": days_ago(2)}, True),
        ("uploaded", {}, False),
        ("uploaded", {"created_at": days_ago(2), "waiting": "checking"}, False),
        ("checked", {"created_at": days_ago(2)}, False),
        ("checked", {"created_at": days_ago(9), "finished_at": days_ago(2)}, True),
        ("done", {"created_at": days_ago(9), "finished_at": days_ago(9)}, False),
    ],
)
def test_what_nobody_went_on_with_says_so_and_when_it_goes(
    admin_client, status, fields, abandoned
):
    make_import(status=status, **fields)
    page = admin_client.get(IMPORTS)
    assert (pills(page) == ["Abandoned"]) == abandoned
    assert ("removed on" in page.text) == abandoned


def test_abandoned_imports_go_with_their_files_after_a_time(settings):
    settings.IMPORT_ABANDONED_DAYS = 5
    old = {"created_at": days_ago(6), "finished_at": None}
    checked = {"created_at": days_ago(9), "finished_at": days_ago(4)}
    kept = [
        make_import(status="uploaded"),
        make_import(status="checked", **checked),
        make_import(status="done", **old),
        make_import(status="uploaded", **old | {"waiting": "checking"}),
        make_import(status="uploaded", **old),  # decided about since
    ]
    kept[-1].file.decisions.create(field="state", value="X", answer="blank")
    gone = [make_import(status=status, **old) for status in ("uploaded", "checked")]
    folders = {job.file.folder for job in gone}
    call_command("retain", verbosity=0)
    assert set(Change.objects.all()) == set(kept)
    left = {key.split("/")[0] for key in files.stored()}
    assert not left & folders
    assert kept[0].file.folder in left


def test_imports_and_undos_stand_in_the_activity_once(admin_client, superuser):
    job = make_import(user=superuser, status="undone")
    make_import(status="undone")  # of the command line: nobody's
    entries = LogEntry.objects.order_by("pk")
    assert [(e.user, e.action_flag, e.change_message) for e in entries] == [
        (superuser, IMPORTED, "libraries: 1 new, 0 updated."),
        (superuser, UNDONE, "libraries: 1 deleted, 0 restored, 0 left alone."),
    ]
    page = admin_client.get(url(Entry, "changelist"))
    assert f"Import {job.pk}: f.csv" in page.text
    assert ">Import</td>" in page.text
    leads_to = admin_client.get(entries[0].get_admin_url())
    assert leads_to.url == reverse("admin:library_library_import_job", args=[job.pk])
    found = admin_client.get(url(Entry, "changelist"), {"action": "undo"})
    assert [e.name for e in found.context["cl"].result_list] == [
        "command line",
        superuser.get_username(),
    ]


def test_an_import_that_fails_stands_in_no_activity(superuser, monkeypatch):
    job = make_import(user=superuser, status="checked")
    make_library(name="Main", zip_code="10001")
    apply_job(job)
    assert job.status == "failed"
    assert not LogEntry.objects.exists()


def test_its_columns_can_be_chosen(admin_client):
    make_import()
    page = admin_client.get(IMPORTS)
    assert 'name="_columns" value="links_of"' in page.text
    page = admin_client.get(f"{IMPORTS}?_columns=name.who.when")
    assert list(map(name_of, page.context["cl"].list_display)) == ["name", "who", "when"]
    assert admin_client.get(f"{IMPORTS}?_columns=links_of.name").status_code == 200


def test_a_status_of_the_address_that_is_none_finds_nothing(admin_client):
    make_import()
    assert admin_client.get(f"{IMPORTS}?status=zz").context["cl"].result_count == 0
    assert "Written" in admin_client.get(f"{IMPORTS}?status=done").text
