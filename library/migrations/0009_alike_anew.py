"""The indexes of look-alikes are made anew: what they hold of ASCII takes a tenth of the time."""

from django.db import migrations, models

from backoffice.tables.alike import AlikeForm
from backoffice.tables.operations import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("library", "0008_alike")]

    operations = [
        operation
        for model, field in (("library", "name"), ("patron", "name"), ("book", "title"))
        for operation in (
            AddIndexConcurrently(
                model, models.Index(AlikeForm(field), name=f"{model}_{field}_alike")
            ),
            migrations.RemoveIndex(model, f"{model}_alike"),
        )
    ]
