"""Each record of history names the change that wrote it, those that are there as well."""

import django.db.models.deletion
from django.db import migrations, models

from backoffice.history.operations import FillHistoryChange

MODELS = ("library", "patron", "librarian", "book")


class Migration(migrations.Migration):
    dependencies = [
        ("library", "0004_patron_library_name"),
        ("backoffice", "0006_change_without_file"),
    ]

    operations = [
        operation
        for model in MODELS
        for operation in (
            migrations.AddField(
                f"historical{model}",
                "history_change",
                models.ForeignKey(
                    blank=True,
                    db_constraint=False,
                    null=True,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to="backoffice.change",
                ),
            ),
            FillHistoryChange(model),
        )
    ]
