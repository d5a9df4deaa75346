"""A page that needs neither the database nor the session, such as that of a fault."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from django.templatetags.static import static

from backoffice.admin.submissions.house import address_of, marks, site_of


def bare_page(
    request: HttpRequest,
    status: int,
    title: Any,
    paragraphs: Sequence[Any],
    fields: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    """fields: of a form that is to be sent again as it was."""
    site = site_of(request)
    dress = marks(site)
    files = ["admin/css/base.css", dress["theme"] or "admin/css/dark_mode.css", dress["brand"]]
    try:
        styles = [static(name) for name in files if name]
    except ValueError:  # there is no manifest of static files
        styles = []
    context = {
        "title": title,
        "paragraphs": paragraphs,
        "fields": fields,
        "address": request.get_full_path(),
        "styles": styles,
        "site_header": site.site_header,
        "index": address_of(site),
        "again": request.get_full_path() if request.method == "GET" else "",
    }
    return HttpResponse(
        get_template("admin/backoffice/bare.html").render(context), status=status
    )
