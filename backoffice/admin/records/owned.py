"""What staff keep under a name: they rename, share and delete their own here."""

from typing import Any, ClassVar

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base import PlainModelAdmin
from backoffice.admin.menu import WORK
from backoffice.admin.pages import page_of
from backoffice.owned import Owned


class OwnedAdmin(PlainModelAdmin):
    """Users see their own, without any permission; superusers see all."""

    menu_group = WORK
    page = ""  #: of a model: where they are used, and made
    list_select_related = ("user",)
    search_fields = ("name",)
    ordering = ("name",)
    readonly_fields: ClassVar[Any] = ("open_list",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(user=request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # they are made where they are used

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # users see only their own; also asked when an account is deleted

    def query(self, row: Any) -> str:
        """Of the address at which it is used."""
        return ""

    @admin.display(description=_("list"))
    def open_list(self, row: Owned) -> str:
        try:
            model = apps.get_model(row.model)
        except LookupError:
            return row.model  # its app is no longer installed
        title = str(capfirst(model._meta.verbose_name_plural))
        address = page_of(self.admin_site, model, self.page)
        if address is None:
            return title  # the site has no such page of it any more
        return format_html('<a href="{}">{}</a>', f"{address}{self.query(row)}", title)
