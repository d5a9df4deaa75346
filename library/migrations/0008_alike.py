"""Indexes of what names and titles look like: an import of few rows looks up theirs alone."""

from django.db import migrations, models

from backoffice.tables.alike import AlikeForm
from backoffice.tables.operations import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("library", "0007_wide_history_keys")]

    operations = [
        AddIndexConcurrently(model, models.Index(AlikeForm(field), name=f"{model}_alike"))
        for model, field in (("library", "name"), ("patron", "name"), ("book", "title"))
    ]
