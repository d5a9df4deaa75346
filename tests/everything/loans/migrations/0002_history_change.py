import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("loans", "0001_initial"),
        ("backoffice", "0006_change_without_file"),
    ]

    operations = [
        migrations.AddField(
            "historicalloan",
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
    ]
