"""The ModelAdmin that everything in `library/admin.py` is declared on."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.db import IntegrityError, models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from simple_history.admin import SimpleHistoryAdmin

from backoffice.admin.changes.deletion import DeletionMixin
from backoffice.admin.changes.edits import EditMixin
from backoffice.admin.changes.erasing import EraseMixin
from backoffice.admin.changes.imports import ImportMixin
from backoffice.admin.forms.accessibility import NamedInputsMixin, NamedRowsMixin
from backoffice.admin.forms.glance import GlanceMixin
from backoffice.admin.forms.inlines import PagedInlineMixin, PagedInlinesMixin
from backoffice.admin.forms.keeping import KeepMixin
from backoffice.admin.forms.lines import LinesMixin
from backoffice.admin.forms.named import NamedRecordMixin
from backoffice.admin.forms.within import WithinMixin
from backoffice.admin.history.deleted import DeletedMixin
from backoffice.admin.history.history import HistoryMixin
from backoffice.admin.lists.changelist import ListMixin
from backoffice.admin.lists.columns import ColumnsMixin
from backoffice.admin.lists.exports import ExportMixin
from backoffice.admin.lists.filtersets import FilterSetMixin
from backoffice.admin.lists.replica import ReplicaMixin
from backoffice.admin.lists.scoped import ScopedMixin
from backoffice.admin.lists.search import SearchMixin
from backoffice.admin.people import PeopleMixin
from backoffice.admin.pickers.choices import NamedChoicesMixin
from backoffice.admin.pickers.keys import KeysMixin
from backoffice.admin.pickers.picker import PickerMixin
from backoffice.admin.submissions.once import guard
from backoffice.admin.typing import ModelAdminBase
from backoffice.keepers import LockedOut

#: The default from Django 6.0 on; before, Django warns without it.
FORMFIELDS: dict[type[models.Field[Any, Any]], Mapping[str, Any]] = {
    models.URLField: {"assume_scheme": "https"}
}
#: Django's scripts that write a slug from a name.
SLUG_SCRIPTS = {
    f"admin/js/{name}.js"
    for name in (
        "urlify",
        "prepopulate",
        "vendor/xregexp/xregexp",
        "vendor/xregexp/xregexp.min",
    )
}


class PlainModelAdmin(
    PeopleMixin,
    NamedInputsMixin,
    LinesMixin,
    KeysMixin,
    NamedChoicesMixin,
    GlanceMixin,
    PagedInlinesMixin,
    KeepMixin,
    WithinMixin,
    PickerMixin,
    ColumnsMixin,
    SearchMixin,
    ListMixin,
    DeletionMixin,
    NamedRecordMixin,
    ScopedMixin,
    admin.ModelAdmin[Any],
):
    """For models without history."""

    formfield_overrides = NamedInputsMixin.formfield_overrides | FORMFIELDS
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER  # our filters count on their own, in one statement
    _filter_actions_by_permissions: Any  # Django's own, which the stubs lack
    own_actions: tuple[str, ...] = ()  # offered beside `actions`
    menu_title: Any = None  # the name in the menu and of the list; by default the model's
    #: Filtered lists that are lines of the menu, too: `(name, query string)`.
    menu_filters: Sequence[tuple[Any, str]] = ()
    menu_group: Any = None  # the group in the menu; by default the app

    @property
    def urls(self) -> list[Any]:
        """The pages, whatever mixins add: each does a form once."""
        return guard(self.get_urls(), self)

    @property
    def media(self) -> forms.Media:
        """Django's; the scripts for slugs, a third of all, only where there are some."""
        media: Any = super().media
        if self.prepopulated_fields:
            return media  # type: ignore[no-any-return]  # Any: the stubs lack _css and _js
        scripts = [script for script in media._js if script not in SLUG_SCRIPTS]
        return forms.Media(css=media._css, js=scripts)

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> Any:
        """Django's actions, with our deletion, and those in `own_actions`.

        Args:
            action_location: where the actions are shown; Django 6.1 passes it.
        """
        location = () if action_location is None else (action_location,)
        actions = super().get_actions(request, *location)
        if self.actions is None or IS_POPUP_VAR in request.GET:
            return actions
        for name in (*actions.keys() & {"delete_selected"}, *self.own_actions):
            action = self.get_action(name, *location)
            if action and self._filter_actions_by_permissions(request, [action]):
                actions[name] = action
        return actions

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except LockedOut as error:
            messages.error(request, _("Nothing was saved. %s") % error)
            return HttpResponseRedirect(request.get_full_path())
        except IntegrityError:
            # Somebody else wrote between validation and save. All was rolled back; its
            # messages are dropped too, and validation now sees what they wrote.
            said: Any = messages.get_messages(request)
            said._queued_messages.clear()
            return super().changeform_view(request, *args, **kwargs)


class ReadOnlyMixin(ModelAdminBase):
    """For a ModelAdmin that shows what others write; nobody adds, changes or deletes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ModelAdmin(
    ReplicaMixin,
    FilterSetMixin,
    ImportMixin,
    ExportMixin,
    EditMixin,
    EraseMixin,
    DeletedMixin,
    HistoryMixin,
    PlainModelAdmin,
    SimpleHistoryAdmin,
):
    """Django's ModelAdmin with filters, history, import and export, and clean pages."""

    own_actions = ("edit_selected", "export_admin_action")
    #: What the start page shows of the model; see `backoffice.admin.start.declared`.
    on_start_page = True
    attention: Sequence[Any] = ()
    tile_map: Any = None


class TabularInline(
    NamedRowsMixin, LinesMixin, KeysMixin, PagedInlineMixin, admin.TabularInline[Any, Any]
):
    formfield_overrides = FORMFIELDS
    show_change_link = True
    rows_template = admin.TabularInline.template


class StackedInline(LinesMixin, KeysMixin, PagedInlineMixin, admin.StackedInline[Any, Any]):
    formfield_overrides = FORMFIELDS
    show_change_link = True
    rows_template = admin.StackedInline.template
