"""The second factor of somebody else, on the account's page: shown, and taken away if lost."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.pages import framed, page_of
from backoffice.admin.submissions.proof import demand_proof
from backoffice.admin.typing import ModelAdminBase
from backoffice.signin import second_factor
from backoffice.trail.record import record


class SecondFactorMixin(ModelAdminBase):
    """For the ModelAdmin of accounts. Who may change an account may take its device away."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.remove_second_factor)
        name = f"{self.opts.app_label}_{self.opts.model_name}_second_factor"
        return [path("<path:object_id>/second-factor/", view, name=name), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = [*super().get_readonly_fields(request, obj)]
        return [*fields, "second_factor"] if self._has_one(obj) else fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = list(super().get_fieldsets(request, obj))
        if self._has_one(obj):
            fieldsets.append((_("Signing in"), {"fields": ["second_factor"]}))
        return fieldsets

    def _has_one(self, obj: Any) -> bool:
        return obj is not None and second_factor.is_installed()

    @admin.display(description=gettext_lazy("second factor"))
    def second_factor(self, account: Any) -> str:
        if second_factor.device_of(account) is None:
            return _("none")
        page = page_of(self.admin_site, self.model, "second_factor", account.pk)
        return format_html('{} · <a href="{}">{}</a>', _("on"), page, _("Take it away"))

    def remove_second_factor(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks, and takes it away. One's own goes by one's own page, which takes a code."""
        account = self.get_object(request, unquote(object_id))
        if account is None:
            raise Http404
        if not self.has_change_permission(request, account) or account.pk == request.user.pk:
            raise PermissionDenied
        demand_proof(request)
        back = page_of(self.admin_site, self.model, "change", account.pk) or ""
        if request.method == "POST":
            if second_factor.remove(account):
                record("second factor off", request=request, obj=account)
                told = _("The second factor of %s is taken away.") % account
                self.message_user(request, told, messages.SUCCESS)
            return HttpResponseRedirect(back)
        context = {
            "title": _("Take the second factor away"),
            "account": account,
            "back": back,
            "forced": second_factor.is_forced(account),
        }
        return framed(self, request, "admin/backoffice/signin/remove.html", context)


def hide_devices(site: admin.AdminSite) -> None:
    """Take django-otp's own lists of devices off the site: they show the secrets."""
    for model in [m for m in site._registry if m._meta.app_label in ("otp_totp", "otp_static")]:
        site.unregister(model)
