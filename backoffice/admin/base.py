"""The ModelAdmin that everything in `library/admin.py` is declared on."""

from django.contrib import admin
from simple_history.admin import SimpleHistoryAdmin

from backoffice.admin.accessibility import NamedInputsMixin, NamedRowsMixin
from backoffice.admin.columns import ColumnsMixin
from backoffice.admin.exports import ExportMixin
from backoffice.admin.history import HistoryMixin
from backoffice.admin.imports import ImportMixin
from backoffice.admin.picker import PickerMixin
from backoffice.admin.relations import KeepUnseenLinksMixin, RelatedScopeMixin


class PlainModelAdmin(
    NamedInputsMixin, PickerMixin, KeepUnseenLinksMixin, ColumnsMixin, admin.ModelAdmin
):
    """For models that keep no history of their own."""

    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER  # our filters count by themselves, in one statement


class ReadOnlyMixin:
    """For a ModelAdmin that shows what others write; nobody adds, changes or deletes."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class ModelAdmin(ImportMixin, ExportMixin, HistoryMixin, PlainModelAdmin, SimpleHistoryAdmin):
    """Django's ModelAdmin with history, import, export and pages that pass our checks."""


class TabularInline(NamedRowsMixin, RelatedScopeMixin, admin.TabularInline):
    pass


class StackedInline(RelatedScopeMixin, admin.StackedInline):
    pass
