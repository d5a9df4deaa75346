"""The pages of signing in, beside the password's: the second factor, and the link by mail."""

from typing import Any
from urllib.parse import urlencode

import segno
from django.contrib import admin, messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from backoffice.admin.signin.gate import give
from backoffice.admin.submissions.house import address_of, house_page
from backoffice.admin.submissions.once import guarded
from backoffice.admin.submissions.proof import demand_proof
from backoffice.signin import events, links, second_factor
from backoffice.signin.forms import CodeForm, EnrollForm, LinkForm

BACKEND = "django.contrib.auth.backends.ModelBackend"  # of who signs in by a link
page = method_decorator([never_cache, csrf_protect, sensitive_post_parameters()])


class SignInPages(admin.AdminSite):
    """For an AdminSite: a second factor and a link to sign in."""

    def get_urls(self) -> list[Any]:
        own = [
            path("sign-in/code/", self.second_factor_code, name="second_factor_code"),
            path("sign-in/link/", self.sign_in_link, name="sign_in_link"),
            path("sign-in/link/<str:token>/", self.sign_in_by_link, name="sign_in_by_link"),
        ]
        if second_factor.is_installed():
            view = guarded(self.second_factor, self)
            own.append(path("second-factor/", view, name="second_factor"))
        return own + super().get_urls()

    def _page(
        self, request: HttpRequest, template: str, title: str, status: int = 200, **context: Any
    ) -> HttpResponse:
        template = f"admin/backoffice/signin/{template}.html"
        return house_page(request, self, template, status, {"title": title, **context})

    def _next(self, request: HttpRequest) -> str:
        """Where whoever signs in was going."""
        to = request.POST.get("next") or request.GET.get("next", "")
        hosts = {request.get_host()}
        is_safe = url_has_allowed_host_and_scheme(to, hosts, require_https=request.is_secure())
        return to if is_safe else address_of(self)

    # The second factor ------------------------------------------------------------------

    @page
    def second_factor_code(self, request: HttpRequest) -> HttpResponseBase:
        """Asks for the code after the password."""
        to = self._next(request)
        if not second_factor.is_pending(request):
            return HttpResponseRedirect(to)
        if second_factor.device_of(request.user) is None:
            address = address_of(self, "second_factor")
            return HttpResponseRedirect(f"{address}?{urlencode({'next': to})}")
        form = CodeForm(request.user, request.POST if request.method == "POST" else None)
        if form.is_bound and give(request, form):
            return HttpResponseRedirect(to)
        leave = address_of(self, "logout")
        return self._page(
            request, "code", _("Your second factor"), form=form, next=to, logout=leave
        )

    @page
    def second_factor(self, request: HttpRequest) -> HttpResponseBase:
        """One's own: set it up, get new recovery codes, turn it off."""
        user, pending = request.user, second_factor.is_pending(request)
        if not pending and not self.has_permission(request):
            to = urlencode({"next": request.get_full_path()})
            return HttpResponseRedirect(f"{address_of(self, 'login')}?{to}")
        if second_factor.device_of(user) is None:
            return self._set_up(request, pending)
        if pending:
            return HttpResponseRedirect(address_of(self, "second_factor_code"))
        forced = second_factor.is_forced(user)
        form = CodeForm(user, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            if "_codes" in request.POST:
                events.note("new recovery codes", request, user)
                return self._codes(request, second_factor.new_codes(user))
            if "_remove" in request.POST and not forced:
                second_factor.remove(user)
                events.note("second factor off", request, user)
                messages.success(request, _("Your second factor is turned off."))
                return HttpResponseRedirect(address_of(self, "second_factor"))
        elif form.is_bound:
            events.wrong_code(request)
        return self._page(
            request,
            "second_factor",
            _("Your second factor"),
            form=form,
            forced=forced,
            left=second_factor.codes_left(user),
        )

    def _set_up(self, request: HttpRequest, pending: bool) -> HttpResponse:
        if not pending:
            demand_proof(request)  # else whoever finds the desk empty locks its owner out
        user, to = request.user, self._next(request)
        form = EnrollForm(user, request.POST if "code" in request.POST else None)
        if form.is_bound and form.is_valid():
            codes = second_factor.enroll(user, form.key, form.step)
            events.note("second factor on", request, user)
            second_factor.pass_on(request)
            if pending:
                events.note("sign-in", request, user)
            return self._codes(request, codes, to)
        label = str(self.site_header)
        uri = second_factor.uri(user, form.key, label)
        return self._page(
            request,
            "set_up",
            _("Set up your second factor"),
            form=form,
            pending=pending,
            next=to,
            secret=second_factor.as_text(form.key),
            qr_code=mark_safe(_svg(uri)),  # noqa: S308 -- segno's own, of no text
            logout=address_of(self, "logout"),
        )

    def _codes(self, request: HttpRequest, codes: list[str], to: str = "") -> HttpResponse:
        return self._page(
            request, "codes", _("Your recovery codes"), codes=codes, next=to or address_of(self)
        )

    # The link ---------------------------------------------------------------------------

    @page
    def sign_in_link(self, request: HttpRequest) -> HttpResponseBase:
        """Mails a link to whoever has the account; says the same whether there is one."""
        form = LinkForm(request.POST if request.method == "POST" else None)
        can_mail, sent = links.can_mail(), False
        if can_mail and form.is_bound and form.is_valid():
            user = events.account_of({"username": form.cleaned_data["username"]})
            has_one = links.may_have(user)
            page = reverse(f"{self.name}:sign_in_by_link", args=["-"]).removesuffix("-/")
            address = request.build_absolute_uri(page)
            links.mail_link.enqueue(str(user.pk) if has_one else None, address, get_language())
            if has_one:  # after it: if the queue is not there, it may be asked for again
                events.note(links.BY_LINK, request, user)
            sent = True
        return self._page(
            request,
            "link",
            _("Sign in by a link"),
            form=form,
            sent=sent,
            can_mail=can_mail,
            login=address_of(self, "login"),
        )

    @page
    def sign_in_by_link(self, request: HttpRequest, token: str) -> HttpResponseBase:
        """Asks first: programs that look at mails follow links, but press no button."""
        user = links.account_for(token)
        if request.method == "POST" and user is not None and links.use(user):
            login(request, user, backend=BACKEND)
            if not second_factor.is_pending(request):
                messages.success(request, _("You are signed in by your link."))
            return HttpResponseRedirect(address_of(self))
        return self._page(
            request,
            "by_link",
            _("Sign in by a link"),
            status=200 if user else 410,
            name=user.get_username() if user else "",
            again=address_of(self, "sign_in_link"),
        )


def _svg(text: str) -> str:
    """A QR code as SVG: no style, no script, black on white in both schemes."""
    code = segno.make(text, error="m", micro=False)
    return str(code.svg_inline(scale=5, light="white", svgclass="qr-code", lineclass=None))
