import django.db.models.deletion
import django.utils.timezone
from itertools import islice

from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import migrations, models


ACTIONS = {1: "add", 2: "change", 3: "delete", 4: "export", 5: "import", 6: "undo"}
CHUNK = 2_000


def bring_over_the_log(apps, schema_editor):
    """What Django's log has so far, so that the trail begins where the log did."""
    using = schema_editor.connection.alias
    entry, log = apps.get_model("backoffice", "Entry"), apps.get_model("admin", "LogEntry")
    user = apps.get_model(settings.AUTH_USER_MODEL)
    username = getattr(get_user_model(), "USERNAME_FIELD", "username")
    names = dict(user._base_manager.using(using).values_list("pk", username))
    kinds = apps.get_model("contenttypes", "ContentType").objects.using(using)
    labels = {kind.pk: label_of(kind) for kind in kinds.all()}
    rows = log.objects.using(using).order_by("action_time", "pk").iterator(chunk_size=CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        entry.objects.using(using).bulk_create(
            entry(
                at=row.action_time,
                action=ACTIONS.get(row.action_flag, str(row.action_flag)),
                user_id=row.user_id,
                name=str(names.get(row.user_id, ""))[:200],
                model=labels.get(row.content_type_id, ""),
                object_id=(row.object_id or "")[:255],
                object_name=row.object_repr[:200],
                message=row.change_message,
            )
            for row in chunk
        )


def label_of(kind):
    try:
        return installed.get_model(kind.app_label, kind.model)._meta.label
    except LookupError:  # its app is no longer installed
        return f"{kind.app_label}.{kind.model}"


def hand_on_the_right(apps, schema_editor):
    """Whoever may view Django's log may view the trail, which the page shows now."""
    using = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    old = permissions.filter(codename="view_logentry", content_type__app_label="admin").first()
    if old is None:
        return
    kinds = apps.get_model("contenttypes", "ContentType").objects.db_manager(using)
    kind, _new = kinds.get_or_create(app_label="backoffice", model="entry")
    new, _new = permissions.get_or_create(
        codename="view_entry",
        content_type=kind,
        defaults={"name": "Can view entry of the activity"},
    )
    for group in old.group_set.all():
        group.permissions.add(new)
    user = apps.get_model(settings.AUTH_USER_MODEL)
    if hasattr(user, "user_permissions"):
        for holder in user._base_manager.using(using).filter(user_permissions=old):
            holder.user_permissions.add(new)


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0018_sessions"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="change",
            name="address",
            field=models.GenericIPAddressField(
                blank=True, null=True, verbose_name="from where"
            ),
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        db_index=True, default=django.utils.timezone.now, verbose_name="when"
                    ),
                ),
                (
                    "action",
                    models.CharField(db_index=True, max_length=40, verbose_name="action"),
                ),
                (
                    "name",
                    models.CharField(
                        blank=True, db_index=True, max_length=200, verbose_name="who"
                    ),
                ),
                (
                    "address",
                    models.GenericIPAddressField(
                        blank=True, null=True, verbose_name="from where"
                    ),
                ),
                ("model", models.CharField(blank=True, max_length=200, verbose_name="model")),
                ("object_id", models.CharField(blank=True, max_length=255, verbose_name="key")),
                (
                    "object_name",
                    models.CharField(blank=True, max_length=200, verbose_name="object"),
                ),
                ("message", models.TextField(blank=True, verbose_name="what")),
                (
                    "count",
                    models.PositiveBigIntegerField(
                        blank=True, null=True, verbose_name="how many"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "entry of the activity",
                "verbose_name_plural": "activity",
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["model", "object_id"], name="trail_of_an_object"),
                    models.Index(fields=["user", "at"], name="trail_of_a_user"),
                ],
            },
        ),
        migrations.RunPython(bring_over_the_log, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(hand_on_the_right, migrations.RunPython.noop, elidable=True),
    ]
