"""Names of users: shown to whom may view accounts; others read their own, and no other."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from backoffice.admin.lists.filtersets import path_of
from backoffice.admin.typing import ModelAdminBase


def may_view_users(request: HttpRequest) -> bool:
    opts = get_user_model()._meta
    return any(
        request.user.has_perm(f"{opts.app_label}.{action}_{opts.model_name}")
        for action in ("view", "change")
    )


def person(request: HttpRequest, user: Any) -> str:
    """A user's name, or what stands in its place; "" for nobody."""
    if user is None:
        return ""
    if user == request.user or may_view_users(request):
        return str(user)
    return _("somebody else")


def is_of_users(model: type[Model], path: str) -> bool:
    """Whether a path of lookups leads from the model to accounts."""
    users = get_user_model()
    for name in path.lstrip("^=@").split("__"):
        field: Any = next((f for f in model._meta.get_fields() if f.name == name), None)
        if field is None or not field.is_relation or field.related_model is None:
            return False
        model = field.related_model
        if model._meta.concrete_model is users:
            return True
    return False


class PeopleMixin(ModelAdminBase):
    """For a ModelAdmin: nobody learns who did what, without the right to view accounts.

    Filters by users, and searches in their names, are for those who have it.
    """

    def get_list_filter(self, request: HttpRequest) -> Any:
        filters = super().get_list_filter(request)
        if may_view_users(request):
            return filters
        return [each for each in filters if not is_of_users(self.model, str(path_of(each)))]

    def get_search_fields(self, request: HttpRequest) -> Any:
        names = super().get_search_fields(request)
        if may_view_users(request):
            return names
        return [name for name in names if not is_of_users(self.model, name)]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        if is_of_users(self.model, lookup) and not may_view_users(request):
            return False
        return super().lookup_allowed(lookup, value, request)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        page = super().history_view(request, object_id, extra_context)
        context = getattr(page, "context_data", None) or {}  # of Django's own page
        if not may_view_users(request):
            for entry in context.get("action_list", ()):
                users = type(entry.user)
                entry.user = users(**{users.USERNAME_FIELD: person(request, entry.user)})
        return page
