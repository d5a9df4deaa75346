"""Saved filters: staff rename, share and delete their own; lists save and show them."""

from backoffice.admin.lists.filtersets import SavedFilterForm
from backoffice.admin.records.owned import OwnedAdmin
from backoffice.filters.models import SavedFilter


class SavedFilterAdmin(OwnedAdmin):
    page = "changelist"
    form = SavedFilterForm
    list_display = ("name", "open_list", "shared", "start", "user", "created_at")
    fields = ("name", "shared", "start", "open_list")

    def query(self, row: SavedFilter) -> str:
        return f"?{row.query}"
