"""A change has no longer what its file, or its undo, says."""

from django.db import migrations

GONE = ("resource", "folder", "sha256", "size", "lines", "options", "found", "causes", "undo")


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0005_files_and_undos")]

    operations = [
        *(migrations.RemoveField("change", name) for name in GONE),
    ]
