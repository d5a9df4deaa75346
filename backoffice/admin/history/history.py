"""The history of a row in the admin: who changed what and when, and how to revert it."""

from typing import Any

from django.contrib.admin.utils import unquote
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from backoffice.admin.history.diffs import RecordDiffs
from backoffice.admin.history.reverting import RevertMixin
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
        if not self.may_view_users(request):
            # Without a view's name, the template shows users' names without links.
            extra["admin_user_view"] = ""
        return super().history_view(request, object_id, extra | (extra_context or {}))

    def may_view_users(self, request: HttpRequest) -> bool:
        opts = get_user_model()._meta
        return request.user.has_perm(f"{opts.app_label}.view_{opts.model_name}") or (
            request.user.has_perm(f"{opts.app_label}.change_{opts.model_name}")
        )

    def get_history_queryset(
        self, request: HttpRequest, history_manager: Any, pk_name: str, object_id: str
    ) -> QuerySet[Any]:
        records: QuerySet[Any] = history_manager.filter(**{pk_name: object_id})
        return records.select_related("history_user")

    def set_history_delta_changes(
        self, request: HttpRequest, page: Any, foreign_keys_are_objs: bool = True
    ) -> None:
        records = list(page)
        end = page.end_index()
        # Compare the oldest record on the page with the newest one on the next page.
        older = list(page.paginator.object_list[end : end + 1])
        if not records:
            return
        diffs = RecordDiffs(records + older, empty=self.get_empty_value_display())
        for new, old in zip(records, records[1:] + older, strict=False):
            if new.history_type != "-":
                new.history_delta_changes = diffs.changes(new, old)
                new.older = old.pk
