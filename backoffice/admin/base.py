"""The ModelAdmin that everything in `library/admin.py` is declared on."""

from simple_history.admin import SimpleHistoryAdmin


class ModelAdmin(SimpleHistoryAdmin):
    """Django's ModelAdmin with history, import, export and pages that pass our checks."""
