"""ImportJob becomes Change, with its keys; ImportFile takes what belongs to a file."""

import django.db.models.deletion
from django.db import migrations, models

PERMISSIONS = ("add", "change", "delete", "view")


def rename_permissions(old, new):
    def rename(apps, schema_editor):
        Permission = apps.get_model("auth", "Permission")
        permissions = Permission.objects.using(schema_editor.connection.alias)
        of_app = permissions.filter(content_type__app_label="backoffice")
        for action in PERMISSIONS:
            if not of_app.filter(codename=f"{action}_{new}").exists():
                of_app.filter(codename=f"{action}_{old}").update(
                    codename=f"{action}_{new}", name=f"Can {action} {new}"
                )

    return rename


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("backoffice", "0003_saved_filters"),
    ]

    operations = [
        migrations.RenameModel("ImportJob", "Change"),
        migrations.RunPython(
            rename_permissions("importjob", "change"),
            rename_permissions("change", "importjob"),
            elidable=True,
        ),
        migrations.RenameField("change", "file_name", "title"),
        migrations.AlterField(
            "change", "title", models.CharField(max_length=200, verbose_name="title")
        ),
        migrations.AlterModelOptions(
            "change", {"verbose_name": "change", "verbose_name_plural": "changes"}
        ),
        migrations.AlterField(
            "change",
            "kind",
            models.CharField(
                choices=[
                    ("import", "import"),
                    ("edit", "edit"),
                    ("deletion", "deletion"),
                    ("undo", "undo"),
                ],
                default="import",
                max_length=10,
                verbose_name="kind",
            ),
        ),
        migrations.AddField(
            "change",
            "removed",
            models.PositiveIntegerField(default=0, verbose_name="removed"),
        ),
        migrations.AddField(
            "change", "lost", models.JSONField(default=dict, verbose_name="lost")
        ),
        migrations.AddField(
            "change",
            "undoes",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="undos",
                to="backoffice.change",
                verbose_name="undoes",
            ),
        ),
        migrations.CreateModel(
            name="ImportFile",
            fields=[
                (
                    "change",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="file",
                        serialize=False,
                        to="backoffice.change",
                    ),
                ),
                ("resource", models.CharField(max_length=200, verbose_name="resource")),
                ("name", models.CharField(max_length=200, verbose_name="file name")),
                ("folder", models.CharField(blank=True, max_length=64, verbose_name="folder")),
                (
                    "sha256",
                    models.CharField(
                        blank=True, db_index=True, max_length=64, verbose_name="SHA-256"
                    ),
                ),
                ("size", models.PositiveBigIntegerField(verbose_name="size in bytes")),
                ("lines", models.PositiveBigIntegerField(default=0, verbose_name="lines")),
                ("options", models.JSONField(default=dict, verbose_name="options")),
                ("found", models.JSONField(default=dict, verbose_name="found")),
                ("causes", models.JSONField(default=list, verbose_name="causes of rejects")),
            ],
            options={
                "verbose_name": "file of an import",
                "verbose_name_plural": "files of imports",
            },
        ),
        # Defaults for changes without a file, until these go.
        migrations.AlterField("change", "size", models.PositiveBigIntegerField(default=0)),
        *(
            migrations.AlterField(
                "change",
                name,
                models.CharField(max_length=length, blank=True, default="", db_index=indexed),
            )
            for name, length, indexed in (
                ("resource", 200, False),
                ("folder", 64, False),
                ("sha256", 64, True),
            )
        ),
    ]
