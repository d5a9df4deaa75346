"""A form that can't be done as it came: the page that keeps what was typed, to send it again.

It is given only to a request that a page of this very site has sent, by headers that no other
site can forge in a browser: to nobody else's form is a button added.
Passwords are not given back, nor can files be; both are asked for again.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.sites import AdminSite
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.submissions.errors import refused
from backoffice.admin.submissions.house import address_of, house_page, may_use, site_of
from backoffice.signin import second_factor
from backoffice.signin.forms import CodeForm
from backoffice.submissions import OWN, Token

SIGN_IN = "sign-in"  # the prefix of the inputs to sign in with
PROOF = "proof"  # the same of those by which somebody proves anew that it is they
SECRET = re.compile(r"passw|passphrase|secret", re.I)  # names of inputs
NO_SECRETS = ("usable_password",)  # Django's choice between enabled and disabled


@dataclass(frozen=True)
class Why:
    """Why a form was not done: the title of the page, what it means, and the status."""

    title: Any
    text: Any
    status: int = 403


KEPT = gettext_lazy("Nothing was saved yet. What was typed is kept on this page.")
SIGNED_OUT = Why(gettext_lazy("You are signed out"), KEPT)
HALF_SIGNED_IN = Why(gettext_lazy("Your second factor is still missing"), KEPT)
OLD = Why(gettext_lazy("This form was opened before the last sign-in"), KEPT)
ANOTHER = Why(gettext_lazy("Somebody else opened this form"), KEPT)
ADDED = Why(
    gettext_lazy("This form was saved before"),
    gettext_lazy("What it says now is something else. If you send it, it adds another record."),
    409,
)
FILE = Why(
    gettext_lazy("This file was sent before"),
    gettext_lazy("If it has not arrived, or you want another, send the form again."),
    409,
)


# Whose request it is --------------------------------------------------------------------


def is_own(request: HttpRequest) -> bool:
    """Whether a page of this site has sent the request, as the browser says.

    `CSRF_TRUSTED_ORIGINS` don't count: other sites have to know the CSRF token.
    """
    relation = request.headers.get("Sec-Fetch-Site")
    if relation in ("same-origin", "same-site", "cross-site"):
        return relation == "same-origin"  # by the addresses before any proxy changes them
    sender = request.META.get("HTTP_ORIGIN") or request.META.get("HTTP_REFERER", "")
    try:
        parts = urlsplit(sender)
    except ValueError:
        return False
    return (parts.scheme, parts.netloc) == (request.scheme, request.get_host())


def is_fetch(request: HttpRequest) -> bool:
    """Whether a script has sent it, and reads the answer."""
    return request.headers.get("X-Requested-With") == "fetch"


# The page -------------------------------------------------------------------------------


def is_secret(name: str) -> bool:
    return bool(SECRET.search(name)) and name not in NO_SECRETS


def page(
    request: HttpRequest, site: AdminSite, why: Why, *, form: Any = None, **context: Any
) -> TemplateResponse:
    """The page that has the form's inputs, hidden, and a button to send them."""
    token = Token.of(request)
    opened_by = token.user if token else ""
    is_signed_in = may_use(site, request)
    if not is_signed_in and form is None and is_guarded(request):
        form = missing_form(request, site, opened_by)
    sent = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in OWN and not name.startswith((f"{SIGN_IN}-", f"{PROOF}-"))
    ]
    fields = [(name, value) for name, value in sent if not is_secret(name)]
    context = {
        "title": why.title,
        "text": why.text,
        "address": request.get_full_path(),
        "is_popup": IS_POPUP_VAR in request.POST,
        "fields": fields,
        "typed": [(readable(n), v) for n, v in fields if is_readable(n, v)],
        "secrets": [(n, readable(n)) for n in sorted({n for n, _v in sent if is_secret(n)})],
        "files": [
            (name, [file.name for file in files if file])
            for name, files in request.FILES.lists()
        ],
        "opened_by": opened_by,
        # Whoever signs in is not the one who opened it before the page has said so.
        "token": Token.new(opened_by) if opened_by and not is_signed_in else None,
        "signed_in_as": request.user.get_username() if is_signed_in else "",
        "form": form,
        "button": _("Sign in and send it") if form else _("Send it"),
        "sign_in": f"{address_of(site, 'login')}?{urlencode({'next': address_of(site)})}",
        **context,
    }
    return house_page(request, site, "admin/backoffice/kept.html", why.status, context)


def is_readable(name: str, value: str) -> bool:
    """Whether an input says something to a reader: not those that only scripts fill."""
    is_technical = name.startswith(("_", "initial-")) or re.search(r"-(?:[A-Z_]+|id)$", name)
    return bool(value.strip()) and not is_technical


def readable(name: str) -> str:
    """The name of an input as a label: only its form would know the right one."""
    return str(capfirst(re.sub(r"[-_]+", " ", name).strip()))


# Signing in on the page -----------------------------------------------------------------


def is_guarded(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and getattr(match.func, "is_guarded", False)


def missing_form(request: HttpRequest, site: AdminSite, opened_by: str) -> Any:
    """What is still to be given to sign in; None if that can't be given on this page."""
    if not second_factor.is_pending(request):
        return sign_in_form(request, site, initial={"username": opened_by})
    if second_factor.device_of(request.user) is None:  # to be set up first
        return None
    return CodeForm(request.user, prefix=SIGN_IN)


def sign_in_form(
    request: HttpRequest, site: AdminSite, data: Any = None, **options: Any
) -> Any:
    form_class = site.login_form or AdminAuthenticationForm
    return form_class(request, data, prefix=SIGN_IN, **options)


def sign_in(request: HttpRequest, site: AdminSite) -> HttpResponse | None:
    """Sign in by what was typed on the page, so that the form is done at once.

    Returns the page where nothing was typed there, or not rightly. Afterwards the request has
    what the form had without it.
    """
    form = None
    if any(name.startswith(f"{SIGN_IN}-") for name in request.POST):
        form = sign_in_form(request, site, request.POST)
        if form.is_valid():
            login(request, form.get_user())
            without(request, SIGN_IN)
            if may_use(site, request):
                return None
            if second_factor.is_pending(request):
                return page(request, site, HALF_SIGNED_IN)
    return page(request, site, SIGNED_OUT, form=form)


def without(request: HttpRequest, prefix: str) -> None:
    """Leave in the request what the form had without the inputs with this prefix."""
    sent = request.POST.copy()
    for name in list(sent):
        if name.startswith(f"{prefix}-"):
            del sent[name]
    request.POST = sent  # type: ignore[assignment] # WSGIRequest takes it


# A form whose CSRF token is not that of the session --------------------------------------


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """For `CSRF_FAILURE_VIEW`: a form that was opened before somebody signed in anew.

    What another site has sent gets no form, only a refusal.
    """
    site = site_of(request)
    if request.method != "POST" or not is_own(request):
        return refused(request, reason)
    for view in (site.login, site.logout):
        # A second page to sign in: the password says who it is. Or somebody leaves.
        is_there = request.path == address_of(site, view.__name__)
        if is_there and reason != REASON_NO_CSRF_COOKIE:
            request.csrf_processing_done = True  # type: ignore[attr-defined] # as Django does
            return view(request)
    return page(request, site, OLD if may_use(site, request) else SIGNED_OUT)
