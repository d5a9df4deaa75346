"""Indexes of what names and titles look like that are made faster, and that answer alone.

Those before took PostgreSQL 13 µs a name to write, and had to be read with the table.
"""

from django.db import migrations

from backoffice.tables.alike import AlikeForm, AlikeIndex
from backoffice.tables.operations import AddIndexConcurrently, RemoveIndexConcurrently

INDEXES = {
    "library": AlikeIndex(AlikeForm("name"), "name", name="library_name_alike"),
    "patron": AlikeIndex(AlikeForm("name"), "library", "name", name="patron_name_alike"),
    "book": AlikeIndex(AlikeForm("title"), "title", name="book_title_alike"),
}


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("library", "0008_alike")]

    operations = [
        operation
        for model, index in INDEXES.items()
        for operation in (
            AddIndexConcurrently(model, index),
            RemoveIndexConcurrently(model, name=f"{model}_alike"),
        )
    ]
