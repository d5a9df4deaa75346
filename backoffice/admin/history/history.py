"""The history of a row in the admin: who changed what and when, and how to revert it."""

from typing import Any

from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from backoffice.admin.history.diffs import RecordDiffs
from backoffice.admin.history.reverting import RevertMixin
from backoffice.admin.pages import may
from backoffice.admin.people import may_view_users
from backoffice.history.records import history_model
from backoffice.history.scopes import may_name_hidden, within_then
from backoffice.querysets.names import Named, annotated_name


class HistoryMixin(RevertMixin):
    """django-simple-history's pages for a SimpleHistoryAdmin, with their gaps closed.

    Upstream 3.13 shows and reverts rows outside the ModelAdmin's `get_queryset`, reverts
    for users who may only view, compares within a page only, and asks the database for
    each record's links. The history of a deleted row is seen by whom `get_queryset` would show
    the row, were it there as its last record has it. Reverting needs the permissions to add and
    change, and restores the row. Names of related rows are shown to all users, as part of the
    record.
    """

    # Upstream's template has an inline style and makes a narrow page scroll sideways.
    object_history_list_template = "admin/backoffice/history_list.html"
    history_list_per_page = 25  # each is compared with the previous one, links included

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        obj, extra = self.get_object(request, unquote(object_id)), dict[str, Any]()
        if obj is None:
            obj = self.deleted_object(request, unquote(object_id))
            extra["restore_url"] = "../restore/"
            if obj is None:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        extra |= {"title": self.history_view_title(request, Named(obj, annotated_name(obj)))}
        if not may_view_users(request):
            # Without a view's name, the template links to no account.
            extra["admin_user_view"] = ""
        return super().history_view(request, object_id, extra | (extra_context or {}))

    # Who may --------------------------------------------------------------------------

    def has_view_history_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Require the permission to view the history, `view_historical…`, beside the model."""
        return self.has_view_permission(request, obj) and may(
            self.admin_site, request, "view", history_model(self.model)
        )

    def has_change_history_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the user may go back to what the history has."""
        return self.has_change_permission(request, obj) and self.has_view_history_permission(
            request, obj
        )

    def has_view_history_or_change_history_permission(
        self, request: HttpRequest, obj: Any = None
    ) -> bool:
        return self.has_view_history_permission(request, obj)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {"hides_history": not self.has_view_history_permission(request)}
        context |= extra_context or {}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    # The page -------------------------------------------------------------------------

    def get_history_queryset(
        self, request: HttpRequest, history_manager: Any, pk_name: str, object_id: str
    ) -> QuerySet[Any]:
        # Not by their dates: those are of several machines' clocks.
        records: QuerySet[Any] = history_manager.filter(**{pk_name: object_id})
        records = records.order_by("-history_id")
        return within_then(records, request.user).select_related("history_user")

    def set_history_delta_changes(
        self, request: HttpRequest, page: Any, foreign_keys_are_objs: bool = True
    ) -> None:
        records = list(page)
        end = page.end_index()
        # Compare the oldest record on the page with the newest one on the next page.
        older = list(page.paginator.object_list[end : end + 1])
        if not records:
            return
        diffs = RecordDiffs(
            records + older,
            links=self.seen_links(request),
            user=request.user,
            empty=self.get_empty_value_display(),
        )
        for new, old in zip(records, records[1:] + older, strict=False):
            if new.history_type != "-":
                new.history_delta_changes = diffs.changes(new, old)
                new.older = old.pk
        if may_name_hidden(self.model, request.user):
            for record in records:
                record.history_change_reason = None
