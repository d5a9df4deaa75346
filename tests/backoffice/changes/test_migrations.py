"""The migration turns old jobs into changes, files and undos, and fills `history_change`."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

DJANGO = [
    ("auth", "0012_alter_user_first_name_max_length"),
    ("contenttypes", "0002_remove_content_type_name"),
]
BEFORE = [
    *DJANGO,
    ("backoffice", "0003_saved_filters"),
    ("library", "0004_patron_library_name"),
]
AFTER = [
    *DJANGO,
    ("backoffice", "0006_change_without_file"),
    ("library", "0005_history_change"),
]
WHEN = datetime(2026, 11, 25, 12, 30, 15, 123456, tzinfo=UTC)
LATER = datetime(2026, 11, 25, 13, tzinfo=UTC)
NAME = "branches of the north, the south and the west, as the county sent them " * 2

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def newest():
    yield
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def migrate(targets):
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return MigrationExecutor(connection).loader.project_state(targets).apps


def make_old(apps):
    """`(import that was undone, edit)`, with a record of each and one of neither."""
    ImportJob = apps.get_model("backoffice", "ImportJob")
    History = apps.get_model("library", "HistoricalLibrary")
    user = apps.get_model("auth", "User").objects.create(username="ann")
    job = {"model": "library.Library", "rows": 3, "new": 3, "applied_at": WHEN}
    undone = ImportJob.objects.create(
        **job,
        resource="library.resources.LibraryResource",
        file_name=NAME[:100],
        size=7,
        sha256="f" * 64,
        found={"mapping": {"name": "LIBNAME"}},
        status="undone",
        finished_at=LATER,
        undo={"user": user.pk, "removed": 2, "restored": 0, "left": 1, "gone": 0},
    )
    edit = ImportJob.objects.create(
        **job, kind="edit", file_name="State: New York", size=0, status="done"
    )
    reason = f"import {undone.pk}: {NAME}"[:100]
    for date, why, type_ in (
        (WHEN, reason, "+"),
        (WHEN, "as it was before the next change", "~"),
        (WHEN, f"edit {edit.pk}: State: New York", "~"),
        (LATER, f"undo of {reason}"[:100], "-"),
        (LATER, reason, "+"),  # not at the time that it was applied at
    ):
        History.objects.create(
            id=1, name="A", history_date=date, history_change_reason=why, history_type=type_
        )
    permissions = apps.get_model("auth", "Permission")
    content_types = apps.get_model("contenttypes", "ContentType")
    content_type, _new = content_types.objects.get_or_create(
        app_label="backoffice", model="importjob"
    )
    permissions.objects.get_or_create(content_type=content_type, codename="view_importjob")
    return undone, edit, user


def test_jobs_edits_and_undos_become_changes_and_return():
    undone, edit, user = make_old(migrate(BEFORE))
    apps = migrate(AFTER)
    Change = apps.get_model("backoffice", "Change")
    change = Change.objects.get(pk=undone.pk)
    assert (change.title, change.kind, change.status) == (NAME[:100], "import", "undone")
    assert (change.file.name, change.file.size) == (NAME[:100], 7)
    assert change.file.found == {"mapping": {"name": "LIBNAME"}}
    assert not apps.get_model("backoffice", "ImportFile").objects.filter(pk=edit.pk).exists()
    undo = Change.objects.get(kind="undo")
    assert (undo.undoes_id, undo.user_id, undo.created_at) == (undone.pk, user.pk, LATER)
    assert (undo.rows, undo.removed, undo.rejected) == (3, 2, 1)
    history = apps.get_model("library", "HistoricalLibrary").objects.order_by("history_id")
    assert [record.history_change_id for record in history] == [
        undone.pk,
        None,
        edit.pk,
        undo.pk,
        None,
    ]
    permissions = apps.get_model("auth", "Permission").objects
    assert permissions.filter(codename="view_change").exists()
    assert not permissions.filter(codename="view_importjob").exists()

    apps = migrate(BEFORE)
    job = apps.get_model("backoffice", "ImportJob").objects.get(pk=undone.pk)
    assert (job.file_name, job.size, job.sha256) == (NAME[:100], 7, "f" * 64)
    assert job.undo == {"user": user.pk, "removed": 2, "restored": 0, "left": 1, "gone": 0}
    assert apps.get_model("backoffice", "ImportJob").objects.count() == 2
