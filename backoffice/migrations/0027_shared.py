import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0026_first_steps"),
    ]

    operations = [
        migrations.CreateModel(
            name="Shared",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("value", models.CharField(max_length=300)),
                ("machine", models.CharField(max_length=300)),
                (
                    "set_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={"default_permissions": ()},
        ),
    ]
