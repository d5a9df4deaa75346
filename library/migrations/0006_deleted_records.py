"""Deleted rows are found among all records of history, the latest first."""

from django.db import migrations, models

MODELS = ("library", "patron", "librarian", "book")


class Migration(migrations.Migration):
    dependencies = [("library", "0005_history_change")]

    operations = [
        migrations.AddIndex(
            f"historical{model}",
            models.Index(
                fields=["history_id"],
                condition=models.Q(history_type="-"),
                name=f"library_{model}_deleted",
            ),
        )
        for model in MODELS
    ]
