from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("loans", "0002_history_change")]

    operations = [
        migrations.AddIndex(
            "historicalloan",
            models.Index(
                fields=["history_id"],
                condition=models.Q(history_type="-"),
                name="loans_loan_deleted",
            ),
        ),
    ]
