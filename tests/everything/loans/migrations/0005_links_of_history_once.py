"""A link is kept once for all records of a loan that have it, and not once for each."""

import django.db.models.deletion
from django.db import migrations, models

from backoffice.history.links import UntilField
from backoffice.history.operations import KeepLinksOnce


class Migration(migrations.Migration):
    dependencies = [("loans", "0004_wide_history_keys")]

    operations = [
        migrations.AddField("historicalloan_books", "history_until", UntilField()),
        migrations.AlterField(
            model_name="historicalloan_books",
            name="history",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                to="loans.historicalloan",
            ),
        ),
        KeepLinksOnce("loan", "books"),
        migrations.AddIndex(
            "historicalloan_books",
            models.Index(fields=["loan", "history_until"], name="loans_loan_books_kept"),
        ),
    ]
