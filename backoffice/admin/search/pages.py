"""The page of a search over everything; a script of the header shows its hits in a list."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from backoffice.admin.search import actions, manual, records  # noqa: F401 # they register themselves
from backoffice.admin.search.hits import find

LONGEST = 200  # characters of what is looked for; the rest is ignored


class SearchPages(admin.AdminSite):
    """For an AdminSite: one search over everything that a user may see."""

    def get_urls(self) -> list[Any]:
        view = self.admin_view(require_safe(self.search_everything))
        return [path("search/", view, name="search"), *super().get_urls()]

    def search_everything(self, request: HttpRequest) -> HttpResponse:
        """The hits for `q`, as a page; with `part`, as a piece of one."""
        term = request.GET.get("q", "").strip()[:LONGEST]
        context: dict[str, Any] = {"term": term, "kinds": find(self, request, term)}
        request.current_app = self.name
        if "part" in request.GET:
            return TemplateResponse(request, "admin/backoffice/search_hits.html", context)
        title = _("Search: %s") % term if term else _("Search")
        context |= {**self.each_context(request), "title": title}
        return TemplateResponse(request, "admin/backoffice/search.html", context)
