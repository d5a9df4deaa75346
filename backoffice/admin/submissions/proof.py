"""What only somebody may do who has proved lately that it is they, by their own password.

A view calls `demand_proof` before it writes. Unless that was proved within
SESSION_PROOF_MINUTES, `once.guarded` answers with the page that keeps the form, which asks for
the password, and then does it.
"""

from typing import Any

from django import forms
from django.contrib.admin.sites import AdminSite
from django.contrib.auth import authenticate, update_session_auth_hash
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.submissions import kept
from backoffice.admin.submissions.house import address_of
from backoffice.sessions.fresh import is_fresh, note_proof
from backoffice.signin import events, second_factor
from backoffice.signin.forms import WRONG, code_field

OPENS = "opens"  # an input: the page was asked for, and no form was sent

PROOF = kept.Why(
    gettext_lazy("Type your password again"),
    gettext_lazy(
        "Anybody might be at your keyboard. Nothing was done yet; what was typed is kept on"
        " this page."
    ),
)
SIGN_IN_AGAIN = kept.Why(
    gettext_lazy("Sign in again first"),
    gettext_lazy(
        "Anybody might be at your keyboard, and your account has no password here. Sign in"
        " again in a new tab, as you did before, then come back and send it from this page."
        " Nothing was done yet; what was typed is kept here."
    ),
)


class ProofNeeded(PermissionDenied):
    """Somebody has to prove first that it is they."""


def demand_proof(request: HttpRequest) -> None:
    """Raise ProofNeeded unless the user has proved lately that it is they.

    Call it before anything is written, in a view of a ModelAdmin or one that is `guarded`.
    """
    if not is_fresh(request):
        raise ProofNeeded(str(PROOF.title))


class ProofForm(forms.Form):
    """Asks for the user's own password, and for a code if they have a second factor.

    Sign-in's own backends look at the password, and count tries.
    """

    password = forms.CharField(
        label=gettext_lazy("Your password"),
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password", "autofocus": True}),
    )

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(data, prefix=kept.PROOF)
        self.request = request
        if second_factor.is_installed() and second_factor.device_of(request.user):
            label = gettext_lazy("Code of your app, or a recovery code")
            self.fields["code"] = code_field(label)
            del self.fields["code"].widget.attrs["autofocus"]  # the password has it

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        user: Any = self.request.user
        found: Any = authenticate(self.request, username=user.get_username(), password=password)
        if found is None or found.pk != user.pk:
            raise forms.ValidationError(_("This is not your password."))
        if found.password != user.password:  # its hash was written anew just now
            update_session_auth_hash(self.request, found)
        return password

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        is_next = "password" in self.cleaned_data  # a code is used up by it
        if is_next and not second_factor.verify(self.request.user, code):
            events.wrong_code(self.request)
            raise forms.ValidationError(WRONG)
        return code


def ask(request: HttpRequest, site: AdminSite, form: ProofForm | None = None) -> HttpResponse:
    """The page that keeps the form, with an input for the password."""
    user: Any = request.user
    if not user.has_usable_password():
        again = address_in_project("oidc_authentication_init")
        return kept.page(
            request, site, SIGN_IN_AGAIN, again=again and f"{again}?next={address_of(site)}"
        )
    form = form or ProofForm(request)
    if request.method != "POST" or f"{kept.PROOF}-{OPENS}" in request.POST:
        form.fields[OPENS] = forms.CharField(initial="1", widget=forms.HiddenInput)
    return kept.page(request, site, PROOF, form=form, button=_("Go on"))


def address_in_project(name: str) -> str:
    """The address of a page of the project; "" if it has none."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def take(request: HttpRequest, site: AdminSite) -> HttpResponse | None:
    """Take the password that came with the form; the page again if it is wrong.

    Afterwards the request has what the form had without it. None: go on.
    """
    if f"{kept.PROOF}-password" not in request.POST:
        return None
    form = ProofForm(request, request.POST)
    if not form.is_valid():
        return ask(request, site, form)
    note_proof(request)
    only_opens = f"{kept.PROOF}-{OPENS}" in request.POST
    kept.without(request, kept.PROOF)
    return HttpResponseRedirect(request.get_full_path()) if only_opens else None
