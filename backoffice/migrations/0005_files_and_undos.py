"""What belongs to a file goes to ImportFile, and each undo becomes a Change of its own.

The way back gives jobs their columns again. Changes that jobs knew nothing of, deletions and
undos, go; what an undo counted returns to the job that it undid.
"""

from django.db import migrations
from django.db.models import F

FILE = ("resource", "folder", "sha256", "size", "lines", "options", "found", "causes")
#: What an undo counted, and where it stands now.
COUNTS = {"removed": "removed", "restored": "updated", "left": "rejected", "gone": "unchanged"}


def part_files(apps, schema_editor):
    alias = schema_editor.connection.alias
    Change = apps.get_model("backoffice", "Change")
    ImportFile = apps.get_model("backoffice", "ImportFile")
    imports = Change.objects.using(alias).filter(kind="import")
    ImportFile.objects.using(alias).bulk_create(
        (
            ImportFile(
                change_id=change.pk,
                name=change.title,
                **{name: getattr(change, name) for name in FILE},
            )
            for change in imports.iterator()
        ),
        batch_size=100,
    )


def join_files(apps, schema_editor):
    alias = schema_editor.connection.alias
    Change = apps.get_model("backoffice", "Change")
    ImportFile = apps.get_model("backoffice", "ImportFile")
    for file in ImportFile.objects.using(alias).iterator():
        values = {name: getattr(file, name) for name in FILE}
        Change.objects.using(alias).filter(pk=file.change_id).update(**values)


def part_undos(apps, schema_editor):
    alias = schema_editor.connection.alias
    Change = apps.get_model("backoffice", "Change")
    User = apps.get_model(Change._meta.get_field("user").remote_field.model._meta.label)
    changes = Change.objects.using(alias)
    # Whoever upgrades ends the worker first: what was being undone wasn't.
    changes.filter(status="undoing").update(status="done", claim="", runs=0)
    changes.filter(waiting="undoing").update(waiting="")
    users = set(User.objects.using(alias).values_list("pk", flat=True))
    undos = []
    for change in changes.filter(status="undone").order_by("pk"):
        counts = {new: change.undo.get(old, 0) for old, new in COUNTS.items()}
        user = change.undo.get("user", change.user_id)
        undos.append(
            Change(
                kind="undo",
                undoes_id=change.pk,
                user_id=user if user in users else None,
                model=change.model,
                title=change.title,
                status="done",
                rows=sum(counts.values()),
                new=0,
                started_at=change.started_at,
                applied_at=change.finished_at,
                finished_at=change.finished_at,
                **counts,
            )
        )
    changes.bulk_create(undos, batch_size=100)
    dated = changes.filter(kind="undo", finished_at__isnull=False)
    dated.update(created_at=F("finished_at"))


def join_undos(apps, schema_editor):
    alias = schema_editor.connection.alias
    Change = apps.get_model("backoffice", "Change")
    changes = Change.objects.using(alias)
    for undo in changes.filter(kind="undo", status="done", undoes__isnull=False):
        counts = {old: getattr(undo, new) for old, new in COUNTS.items()}
        changes.filter(pk=undo.undoes_id).update(undo={"user": undo.user_id} | counts)
    changes.filter(status="undoing").update(status="done")
    changes.filter(kind="undo").update(undoes=None)
    changes.filter(kind__in=["undo", "deletion"]).delete()


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0004_change")]

    operations = [
        migrations.RunPython(part_files, join_files),
        migrations.RunPython(part_undos, join_undos),
    ]
