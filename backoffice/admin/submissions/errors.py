"""The pages of errors: what happened, and a way on. `backoffice.urls` has them as handlers."""

import sys
from typing import Any

from django.conf import settings
from django.contrib.admin.sites import AdminSite
from django.core.exceptions import (
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.csrf import requires_csrf_token

from backoffice.admin.submissions.bare import bare_page
from backoffice.admin.submissions.house import address_of, house_page, may_use, site_of
from backoffice.admin.submissions.unavailable import unavailable
from backoffice.outages import outage_of
from backoffice.querysets.counts import Count

TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400; 413 where more was sent than is taken."""
    if isinstance(exception, TOO_MUCH):
        return too_much(request)
    return error_page(
        request,
        400,
        _("This can't be read"),
        _("The address or the form is not as this site makes them. Nothing was done."),
    )


def too_much(request: HttpRequest) -> HttpResponse:
    fields, megabytes = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS, None
    if settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        megabytes = f"{settings.DATA_UPLOAD_MAX_MEMORY_SIZE / 1e6:.1f}"
    limits = []
    if fields:
        limits.append(_("%s fields") % Count(fields))
    if megabytes:
        limits.append(_("%s MB of text") % megabytes)
    text = _("Nothing was done. A form takes at most: %s.") % ", ".join(limits)
    back = _(
        "Go back with your browser: what you typed is still there. Choose or change fewer"
        " records at a time; for many, there are imports and “Edit selected”."
    )
    return error_page(request, 413, _("This is too much for one form"), text, back)


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(
        request,
        403,
        _("You may not do this"),
        str(exception) or _("Nothing was done. Ask somebody who may, or who gives out rights."),
    )


def refused(request: HttpRequest, reason: str) -> HttpResponse:
    """403 for a form that no page of this site has sent."""
    return error_page(
        request,
        403,
        _("This form comes from elsewhere"),
        _("Nothing was done: only pages of this site may send its forms (%s).") % reason,
        _("Open the page here and try again. This site needs cookies."),
    )


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(
        request,
        404,
        _("There is no such page"),
        _("Perhaps what it showed was deleted, or its address is mistyped."),
    )


def only_for_forms(request: HttpRequest) -> TemplateResponse:
    """405 for who opens what a form is sent to, as after a sign-in in between."""
    return error_page(
        request,
        405,
        _("There is nothing to see here"),
        _("A form is sent to this address. Open the page that has it, and send it from there."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500; 503 where what was raised means that the disk is full, or the database not there."""
    if outage := outage_of(sys.exc_info()[1]):
        return unavailable(request, outage)
    return bare_page(
        request,
        500,
        _("Something went wrong here"),
        [
            _(
                "It is a fault of this site, not yours, and it is noted for those who look"
                " after it."
            ),
            _(
                "Go back with your browser: what you typed is still there. If it happens again,"
                " tell them what you did and when."
            ),
        ],
    )


# The frame ------------------------------------------------------------------------------


def error_page(
    request: HttpRequest,
    status: int,
    title: str,
    *paragraphs: str,
    more: tuple[str, str] | None = None,
) -> TemplateResponse:
    """more: `(address, name)` of another way on."""
    site = site_of(request)
    context: dict[str, Any] = {
        "title": title,
        "paragraphs": paragraphs,
        "more": more,
        "list": list_of(request, site) if may_use(site, request) else None,
        "sign_in": None if may_use(site, request) else address_of(site, "login"),
    }
    return house_page(request, site, "admin/backoffice/error.html", status, context)


def list_of(request: HttpRequest, site: AdminSite) -> tuple[str, str] | None:
    """`(address, name)` of the list that the address lies below, if the user may see it."""
    for model, model_admin in site._registry.items():
        opts = model._meta
        address = address_of(site, f"{opts.app_label}_{opts.model_name}_changelist")
        is_below = address and request.path.startswith(address)
        if is_below and model_admin.has_view_or_change_permission(request):
            return address, str(capfirst(opts.verbose_name_plural))
    return None
