"""The trail as a page: who did what, when, from where, to what and how many."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field

from backoffice.admin.base import PlainModelAdmin, ReadOnlyMixin
from backoffice.admin.lists.exports import ExportMixin
from backoffice.admin.lists.list_filters import InUseFilter
from backoffice.admin.menu import WORK
from backoffice.admin.pages import page_of
from backoffice.changes.undo import plural
from backoffice.history.scopes import about_what_is_within
from backoffice.querysets.scopes import declare
from backoffice.resources.resource import Resource
from backoffice.trail.models import Entry

#: What staff read for the actions of ours; what another app records stands as it is.
ACTIONS = {
    "add": _("Added"),
    "change": _("Changed"),
    "delete": _("Deleted"),
    "deletion": _("Deletion of many"),
    "edit": _("Edit of many"),
    "erase": _("Erase"),
    "export": _("Export"),
    "first step": _("First step"),
    "import": _("Import"),
    "lock-out": _("Lock-out"),
    "mirror": _("Mirror"),
    "new recovery codes": _("New recovery codes"),
    "password": _("Password"),
    "restored": _("Restored"),
    "retain": _("Retain"),
    "second factor failed": _("Second factor failed"),
    "second factor off": _("Second factor off"),
    "second factor on": _("Second factor on"),
    "session ended": _("Session ended"),
    "sign-in": _("Sign-in"),
    "sign-in failed": _("Sign-in failed"),
    "sign-out": _("Sign-out"),
    "undo": _("Undo"),
    "unlock": _("Unlock"),
}


def action_label(action: str) -> str:
    return str(ACTIONS.get(action) or capfirst(action))


declare(Entry, about_what_is_within)


class ActionFilter(InUseFilter):
    def labels(self, counts: Any) -> dict[str, str]:
        return {action: action_label(action) for action in {*counts, *self.chosen} - {None}}


class ModelFilter(InUseFilter):
    def labels(self, counts: Any) -> dict[str, str]:
        return {label: model_label(label) for label in {*counts, *self.chosen} - {None}}


def model_label(label: str) -> str:
    return capfirst(plural(label)) if label else "–"


def shown(name: str) -> Field:
    """A column of an export; read-only, so that nothing is imported into the trail."""
    return Field(attribute=name, column_name=name, readonly=True)


class EntryResource(Resource):
    at, name, address, action = shown("at"), shown("name"), shown("address"), shown("action")
    model, object_id, object_name = shown("model"), shown("object_id"), shown("object_name")
    said, count = shown("said"), shown("count")

    class Meta:
        model = Entry
        fields = export_order = (
            "at",
            "name",
            "address",
            "action",
            "model",
            "object_id",
            "object_name",
            "said",
            "count",
        )
        import_id_fields = ()


class ActivityAdmin(ReadOnlyMixin, ExportMixin, PlainModelAdmin):
    """Requires the permission to view entries; nobody can add, change or delete one."""

    menu_title = _("Activity")
    in_search = False  # what is looked for is the records, not each thing done to them
    menu_group = WORK
    menu_filters = ((_("Deleted"), "action=delete&action=deletion"),)
    list_display = ("at", "who", "address", "what", "of_model", "object_link", "said", "number")
    list_display_links = ("at",)
    list_filter = [("action", ActionFilter), ("model", ModelFilter), ("name", InUseFilter)]
    date_hierarchy = "at"
    search_fields = ("object_name", "message", "name", "address")
    search_help_text = _("Record, change, user or address")
    ordering = ("-at",)
    actions = None
    fields = list_display
    readonly_fields = fields
    resource_classes = (EntryResource,)

    @admin.display(description=_("who"), ordering="name")
    def who(self, entry: Entry) -> str:
        return entry.name or "–"

    @admin.display(description=_("action"), ordering="action")
    def what(self, entry: Entry) -> str:
        return action_label(entry.action)

    @admin.display(description=_("model"), ordering="model")
    def of_model(self, entry: Entry) -> str:
        return model_label(entry.model)

    @admin.display(description=_("record"), ordering="object_name")
    def object_link(self, entry: Entry) -> str:
        page, model = self._page_of(entry), entry.model_class
        name = entry.object_name or entry.object_id
        if page and model and not name:  # many, deleted together
            name = str(model._meta.verbose_name_plural)
        return format_html('<a href="{}">{}</a>', page, name) if page and name else name

    def _page_of(self, entry: Entry) -> str | None:
        """The page of the object; of what was deleted, the page that brings it back."""
        model = entry.model_class
        if model is not None and entry.action == "delete" and not entry.object_id:
            return page_of(self.admin_site, model, "deleted")
        if model is None or not entry.object_id:
            return None
        page = "restore" if entry.action == "delete" else "change"
        return page_of(self.admin_site, model, page, entry.object_id)

    @admin.display(description=_("what"))
    def said(self, entry: Entry) -> str:
        return entry.said

    @admin.display(description=_("how many"), ordering="count")
    def number(self, entry: Entry) -> Any:
        return "" if entry.count is None else f"{entry.count:,}"
