"""The admin site with our theme. Our ModelAdmins work on any other AdminSite, too."""

from typing import Any

from django.http import HttpRequest

from backoffice.admin.pickers.autocomplete import ChoicesJsonView
from backoffice.admin.signin.pages import SignInPages
from backoffice.admin.submissions.once import guarded
from backoffice.trail.record import record


class AdminSite(SignInPages):
    """Django's, with a theme and a logo that a subclass can change or set to None."""

    site_title = "Back office"
    site_header = "Back office"
    site_url = None  # there is no other site to view
    theme: str | None = "backoffice/theme.css"  # a static file
    logo: str | None = "backoffice/logo.svg"  # a static file

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().each_context(request), "theme": self.theme, "logo": self.logo}

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        return guarded(self._change_password, self)(request, extra_context)

    def _change_password(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        response = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == 302:
            record("password", request=request, obj=request.user)
        return response

    def autocomplete_view(self, request: HttpRequest) -> Any:
        return ChoicesJsonView.as_view(admin_site=self)(request)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Django's, with the `menu_title` of a ModelAdmin, if any, as its name."""
        app_list = super().get_app_list(request, app_label)
        for app in app_list:
            for entry in app["models"]:
                model_admin = self.get_model_admin(entry["model"])
                entry["name"] = getattr(model_admin, "menu_title", entry["name"])
        return app_list
