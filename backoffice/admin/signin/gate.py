"""Middleware: a session whose second factor is missing opens no page of an admin site.

A form that is sent meanwhile is kept, as one that outlived its session is, and the code is
asked for on the page that keeps it.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.sites import AdminSite, all_sites
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from backoffice.admin.submissions import kept
from backoffice.admin.submissions.house import address_of
from backoffice.signin import events, second_factor
from backoffice.signin.forms import CodeForm

#: The pages that are open: to give the code, to set it up, to leave, to be somebody else;
#: and the language.
OPEN = ("login", "logout", "second_factor", "second_factor_code", "jsi18n", "language")


class Gate:
    """After AuthenticationMiddleware and MessageMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        site = admin_site(request)
        if site is None or not second_factor.is_pending(request):
            return None
        match = request.resolver_match
        if match is not None and match.url_name in OPEN:
            return None
        if request.method == "POST" and kept.is_guarded(request) and kept.is_own(request):
            return self.kept_form(request, site)
        return HttpResponseRedirect(
            f"{code_page(site)}?{urlencode({'next': request.get_full_path()})}"
        )

    def kept_form(self, request: HttpRequest, site: AdminSite) -> HttpResponseBase | None:
        """The page that keeps the form; None if the code is in it: the form is done then."""
        form = None
        if f"{kept.SIGN_IN}-code" in request.POST:
            form = CodeForm(request.user, request.POST, prefix=kept.SIGN_IN)
            if give(request, form):
                kept.without(request, kept.SIGN_IN)
                return None
        return kept.page(request, site, kept.HALF_SIGNED_IN, form=form)


def give(request: HttpRequest, form: CodeForm) -> bool:
    """Take the code of the form, if it is right; either is noted."""
    if form.is_valid():
        second_factor.pass_on(request)
        events.note("sign-in", request, request.user)
        return True
    events.wrong_code(request)
    return False


def admin_site(request: HttpRequest) -> AdminSite | None:
    """The admin site that the page belongs to; None if it is none of one."""
    match = request.resolver_match
    if match is None or "admin" not in match.app_names:
        return None
    name = match.namespaces[match.app_names.index("admin")]
    return next((site for site in all_sites if site.name == name), None)


def code_page(site: AdminSite) -> str:
    """The page that asks for the code: of this site, or of another that has one."""
    for each in (site, *all_sites):
        if page := address_of(each, "second_factor_code"):
            return page
    raise ImproperlyConfigured(
        "No admin site has the pages of backoffice.admin.signin.pages.SignInPages."
    )
