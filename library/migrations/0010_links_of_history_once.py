"""A link is kept once for all records of a title that have it, and not once for each."""

import django.db.models.deletion
from django.db import migrations, models

from backoffice.history.links import UntilField
from backoffice.history.operations import KeepLinksOnce


class Migration(migrations.Migration):
    dependencies = [("library", "0009_alike_anew")]

    operations = [
        migrations.AddField("historicalbook_libraries", "history_until", UntilField()),
        migrations.AlterField(
            model_name="historicalbook_libraries",
            name="history",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                to="library.historicalbook",
            ),
        ),
        KeepLinksOnce("book", "libraries"),
        migrations.AddIndex(
            "historicalbook_libraries",
            models.Index(fields=["book", "history_until"], name="library_book_libraries_kept"),
        ),
    ]
