"""A page of the house for what no ModelAdmin answers: its site, and its frame."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.sites import AdminSite, all_sites
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse

from backoffice.signin.second_factor import is_pending


def address_of(site: AdminSite, page: str = "index") -> str:
    """The address of a page of the site; "" if the project has no such site."""
    try:
        return reverse(f"{site.name}:{page}")
    except NoReverseMatch:
        return ""


def site_of(request: HttpRequest) -> AdminSite:
    """The admin site that the address belongs to; Django's default where it is elsewhere."""
    found = {address_of(site): site for site in all_sites}
    above = [index for index in found if index and request.path.startswith(index)]
    return found[max(above, key=len)] if above else admin.site


def may_use(site: AdminSite, request: HttpRequest) -> bool:
    """Whether somebody is signed in who may use the site; also before that is known."""
    if not hasattr(request, "user") or not site.has_permission(request):
        return False
    return not is_pending(request)


def marks(site: AdminSite) -> dict[str, str | None]:
    """What `base_site.html` dresses a page in; Django's own site has none of it."""
    return {name: getattr(site, name, None) for name in ("theme", "logo", "brand")}


def house_page(
    request: HttpRequest, site: AdminSite, template: str, status: int, context: dict[str, Any]
) -> TemplateResponse:
    """A page with the site's menus for who may use it, and without them for all others."""
    frame: dict[str, Any] = {"has_permission": False, "is_nav_sidebar_enabled": False}
    if may_use(site, request):
        frame = site.each_context(request)
    else:
        frame |= {"site_title": site.site_title, "site_header": site.site_header, **marks(site)}
    request.current_app = site.name
    index = address_of(site)
    return TemplateResponse(
        request, template, {**frame, "index": index, **context}, status=status
    )
