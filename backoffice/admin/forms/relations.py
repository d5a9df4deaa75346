"""Choices of related rows: only those that the related model's admin shows the user."""

from typing import Any

from django.contrib.admin.exceptions import NotRegistered
from django.http import HttpRequest

from backoffice.admin.typing import ModelAdminBase


class RelatedScopeMixin(ModelAdminBase):
    """For a ModelAdmin or an inline: its choices come from the related ModelAdmin."""

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> Any:
        try:
            related_admin = self.admin_site.get_model_admin(db_field.remote_field.model)
        except NotRegistered:
            return super().get_field_queryset(db, db_field, request)
        return related_admin.get_queryset(request).using(db)
