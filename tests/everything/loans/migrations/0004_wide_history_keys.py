from django.db import migrations

from backoffice.history.operations import WidenHistoryKeys


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("loans", "0003_deleted")]

    operations = [WidenHistoryKeys("loan", links=["books"])]
