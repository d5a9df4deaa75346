"""Who did what in the admin, and when: Django's log entries, read-only."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base import PlainModelAdmin, ReadOnlyMixin
from backoffice.admin.lists.list_filters import InUseFilter
from backoffice.admin.pages import page_of
from backoffice.admin.records.names import USER_NAME
from backoffice.exports.export import EXPORTED
from backoffice.history.scopes import about_what_is_within
from backoffice.jobs.activity import IMPORTED, UNDONE
from backoffice.querysets.scopes import declare

#: Our action flags, beside Django's.
ACTIONS = {EXPORTED: _("Export"), IMPORTED: _("Import"), UNDONE: _("Undo")}


declare(LogEntry, about_what_is_within)


class ActionFilter(InUseFilter):
    """Django's actions, and ours."""

    def labels(self, counts: Any) -> dict[Any, Any]:
        return super().labels(counts) | ACTIONS


class ActivityAdmin(ReadOnlyMixin, PlainModelAdmin):
    """Requires the permission to view log entries; nobody can add, change or delete one.

    So an account that has log entries can't be deleted, since they would go with it; make it
    inactive instead.
    """

    menu_title = _("Activity")
    list_display = (
        "action_time",
        "user",
        "action",
        "content_type",
        "object_link",
        "change",
    )
    list_display_links = ("action_time",)
    list_filter = [
        ("action_flag", ActionFilter),
        ("content_type", InUseFilter),
        ("user", InUseFilter),
    ]
    list_select_related = ("user", "content_type")
    date_hierarchy = "action_time"
    search_fields = ("object_repr", "change_message", USER_NAME)
    search_help_text = _("Object, change or user")
    ordering = ("-action_time",)
    fields = ("action_time", "user", "action", "content_type", "object_link", "change")
    readonly_fields = fields

    @admin.display(description=_("action"), ordering="action_flag")
    def action(self, entry: LogEntry) -> Any:
        return ACTIONS.get(entry.action_flag) or entry.get_action_flag_display()

    @admin.display(description=_("object"), ordering="object_repr")
    def object_link(self, entry: LogEntry) -> str:
        url = self._restore_page(entry) if entry.is_deletion() else entry.get_admin_url()
        if url is None:
            return entry.object_repr
        return format_html('<a href="{}">{}</a>', url, entry.object_repr)

    def _restore_page(self, entry: LogEntry) -> str | None:
        """The page that brings back what was deleted; None if there is none."""
        kind = entry.content_type
        model = kind.model_class() if kind else None
        if model is None:
            return None
        if entry.object_id is None:  # many, deleted together
            return page_of(self.admin_site, model, "deleted")
        return page_of(self.admin_site, model, "restore", entry.object_id)

    @admin.display(description=_("change"))
    def change(self, entry: LogEntry) -> Any:
        return entry.get_change_message()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {"title": self.menu_title} | (extra_context or {})
        )
