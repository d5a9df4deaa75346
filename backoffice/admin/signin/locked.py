"""What is said when an account or an address is closed to passwords: 429."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from backoffice.admin.submissions import kept
from backoffice.admin.submissions.errors import error_page
from backoffice.admin.submissions.house import address_of, site_of

HOUR = 3600  # seconds


def locked_out(
    request: HttpRequest, response: Any = None, credentials: Any = None
) -> HttpResponseBase:
    """For `AXES_LOCKOUT_CALLABLE`. A form that is kept on the page stays kept."""
    site = site_of(request)
    title = _("Too many wrong passwords")
    text = _(
        "For an hour, this account or this address takes no password, not even the right one:"
        " somebody may be guessing it."
    )
    way = _(
        "If it is your account, have a link sent to you, or ask whoever looks after this site"
        " for one: it signs you in without the password."
    )
    if kept.is_guarded(request) and kept.is_own(request):
        why = kept.Why(title, f"{text} {way} {kept.KEPT}", 429)
        page = kept.page(request, site, why)
    else:
        link = (address_of(site, "sign_in_link"), _("Have a link sent"))
        page = error_page(request, 429, title, text, way, more=link if link[0] else None)
    page.headers["Retry-After"] = str(HOUR)
    return page.render()
