from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0014_submissions")]

    operations = [
        migrations.AlterField(
            model_name="change",
            name="kind",
            field=models.CharField(
                choices=[
                    ("import", "import"),
                    ("edit", "edit"),
                    ("deletion", "deletion"),
                    ("undo", "undo"),
                    ("restored", "restoration"),
                ],
                default="import",
                max_length=10,
                verbose_name="kind",
            ),
        ),
    ]
