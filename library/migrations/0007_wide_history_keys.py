"""Keys of history end no more at 2,147,483,647: a record of a title copies all its links."""

from django.db import migrations

from backoffice.history.operations import WidenHistoryKeys


class Migration(migrations.Migration):
    atomic = False  # each table for itself: the room of the old one is free before the next

    dependencies = [("library", "0006_deleted_records")]

    operations = [
        *(WidenHistoryKeys(model) for model in ("library", "patron", "librarian")),
        WidenHistoryKeys("book", links=["libraries"]),
    ]
