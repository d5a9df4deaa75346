"""The way back to a list as it was: its filters, search, order and page."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

KEPT = "_changelist_filters"  # Django's parameter, in addresses of pages of a record
PAGES = ("changelist", "export", "save_filter")  # whose own parameters are those of the list


def kept_query(request: HttpRequest, opts: Any) -> str:
    """The query string of the model's list that the user came from; "" if it has none."""
    match = request.resolver_match
    names = {f"{opts.app_label}_{opts.model_name}_{page}" for page in PAGES}
    if KEPT in request.GET:
        return request.GET[KEPT]
    return request.GET.urlencode() if match and match.url_name in names else ""


def list_address(request: HttpRequest, opts: Any) -> str:
    """The URL of the list as the user left it; "" if the site has none."""
    name = f"admin:{opts.app_label}_{opts.model_name}_changelist"
    try:
        address = reverse(name, current_app=getattr(request, "current_app", None))
    except NoReverseMatch:
        return ""
    query = kept_query(request, opts)
    return f"{address}?{query}" if query else address


def keeping_list(request: HttpRequest, opts: Any) -> str:
    """What the URL of another page of the model ends in, to lead back there."""
    query = kept_query(request, opts)
    return "?" + urlencode({KEPT: query}) if query else ""
