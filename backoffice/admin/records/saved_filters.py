"""Saved filters: staff rename, share and delete their own; lists save and show them."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base import PlainModelAdmin
from backoffice.admin.lists.filtersets import SavedFilterForm
from backoffice.admin.menu import WORK
from backoffice.filters.models import SavedFilter


class SavedFilterAdmin(PlainModelAdmin):
    """Users see their own filters, without any permission; superusers see all."""

    menu_group = WORK
    form = SavedFilterForm
    list_display = ("name", "open_list", "shared", "start", "user", "created_at")
    list_select_related = ("user",)
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "shared", "start", "open_list")
    readonly_fields = ("open_list",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        saved = super().get_queryset(request)
        return saved if request.user.is_superuser else saved.filter(user=request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # filters are saved in a list

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # users see only their own; also asked when an account is deleted

    @admin.display(description=_("list"))
    def open_list(self, saved: SavedFilter) -> str:
        try:
            opts = apps.get_model(saved.model)._meta
        except LookupError:
            return saved.model  # its app is no longer installed
        name = f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_changelist"
        address = f"{reverse(name)}?{saved.query}"
        return format_html('<a href="{}">{}</a>', address, capfirst(opts.verbose_name_plural))
