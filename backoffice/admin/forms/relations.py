"""Choices of related rows: only those that the related model's admin shows the user."""

from typing import Any

from django.contrib.admin.exceptions import NotRegistered
from django.http import HttpRequest

from backoffice.admin.typing import ModelAdminBase
from backoffice.querysets.scopes import is_scoped, within


class RelatedScopeMixin(ModelAdminBase):
    """For a ModelAdmin or an inline: its choices come from the related ModelAdmin."""

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> Any:
        try:
            related_admin = self.admin_site.get_model_admin(db_field.remote_field.model)
        except NotRegistered:
            rows = super().get_field_queryset(db, db_field, request)
            if not is_scoped(request.user):
                return rows
            every = db_field.remote_field.model._default_manager.using(db)
            return within(every if rows is None else rows, request.user)
        return related_admin.get_queryset(request).using(db)
