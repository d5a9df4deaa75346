from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0023_views"),
    ]

    operations = [
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("name", models.CharField(max_length=300, primary_key=True, serialize=False)),
                ("seen_at", models.DateTimeField()),
            ],
            options={"default_permissions": ()},
        ),
    ]
