"""The admin site with our theme. Our ModelAdmins work on any other AdminSite, too."""

from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.views import shortcut
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from backoffice.admin.help.pages import HelpPages
from backoffice.admin.language import choose_language
from backoffice.admin.menu import ADMINISTRATION, WORK, grouped, menu
from backoffice.admin.pages import list_title
from backoffice.admin.pickers.autocomplete import ChoicesJsonView
from backoffice.admin.search.pages import SearchPages
from backoffice.admin.signin.pages import SignInPages
from backoffice.admin.start.page import StartPage
from backoffice.admin.submissions.house import marks
from backoffice.admin.submissions.once import guarded
from backoffice.querysets.keys import is_key
from backoffice.querysets.scopes import within
from backoffice.trail.record import record


class AdminSite(StartPage, HelpPages, SearchPages, SignInPages):
    """Django's, with a theme and a logo that a subclass can change or set to None."""

    site_title = "Back office"
    site_header = "Back office"
    site_url = None  # there is no other site to view
    theme: str | None = "backoffice/theme.css"  # a static file, as the next
    enable_nav_sidebar = False  # the menu stands in its place
    #: The groups of the menu that stand after all others, in this order.
    last_groups: tuple[Any, ...] = (WORK, ADMINISTRATION)

    @property
    def logo(self) -> str | None:
        return settings.BRAND_LOGO or "backoffice/logo.svg"

    @property
    def brand(self) -> str | None:
        """A style sheet that changes the values of the theme."""
        return settings.BRAND_STYLESHEET or None

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        groups = context["available_apps"]
        shown = menu(self, request, groups) if context["has_permission"] else []
        return {**context, **marks(self), "menu": shown}

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

    def get_log_entries(self, request: HttpRequest) -> Any:
        """For the start page: without entries about what the user may not see."""
        return within(super().get_log_entries(request), request.user)

    def get_urls(self) -> list[Any]:
        view = self.admin_view(self.view_on_site)
        address = "r/<path:content_type_id>/<path:object_id>/"
        return [
            path(address, view, name="view_on_site"),
            path("language/", choose_language, name="language"),
            *super().get_urls(),
        ]

    def view_on_site(
        self, request: HttpRequest, content_type_id: str, object_id: str
    ) -> HttpResponse:
        """Django's, for rows that the user may see."""
        if not is_key(ContentType._meta, content_type_id):
            raise Http404
        kind = ContentType.objects.filter(pk=content_type_id).first()
        model = kind and kind.model_class()
        if not model or not is_key(model._meta, object_id):
            raise Http404
        if not within(model._base_manager.filter(pk=object_id), request.user).exists():
            raise Http404
        return shortcut(request, content_type_id, object_id)

    def autocomplete_view(self, request: HttpRequest) -> Any:
        return ChoicesJsonView.as_view(admin_site=self)(request)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Django's, with the `menu_title` of a ModelAdmin, if any, as its name.

        All apps together are in the groups of the menu, see `backoffice.admin.menu`.
        """
        app_list = super().get_app_list(request, app_label)
        for app in app_list:
            for entry in app["models"]:
                entry["name"] = list_title(self.get_model_admin(entry["model"]))
        return app_list if app_label else grouped(self, app_list, self.last_groups)
