"""The forms of signing in, beside Django's own for the password."""

import contextlib
import time
from binascii import unhexlify
from typing import Any

from django import forms
from django.core import signing
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.oath import TOTP

from backoffice.signin import second_factor

WRONG = gettext_lazy(
    "This code is not right, or was used before. Whoever errs waits, longer each time."
)


def code_field(label: Any) -> forms.CharField:
    attrs = {"autocomplete": "one-time-code", "autofocus": True, "class": "vTextField"}
    return forms.CharField(label=label, max_length=40, widget=forms.TextInput(attrs))


class CodeForm(forms.Form):
    """A code of the account's app, or a recovery code."""

    code = code_field(gettext_lazy("Code of your app, or a recovery code"))

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if not second_factor.verify(self.user, code):
            raise forms.ValidationError(WRONG)
        return code


class EnrollForm(forms.Form):
    """Proves that the app has the secret; the form carries it, signed, until then."""

    secret = forms.CharField(widget=forms.HiddenInput)
    code = code_field(gettext_lazy("The code that your app shows now"))

    def __init__(self, user: Any, data: Any = None) -> None:
        salt = f"backoffice.signin.enroll.{user.pk}"
        self.key, self.step = second_factor.new_key(), 0
        with contextlib.suppress(signing.BadSignature):  # none, another's, or an old page's
            self.key = signing.loads((data or {}).get("secret", ""), salt=salt, max_age=3600)
        secret = signing.dumps(self.key, salt=salt)
        sent = None if data is None else {"code": data.get("code", ""), "secret": secret}
        super().__init__(sent, initial={"secret": secret})

    def clean_code(self) -> str:
        code = "".join(self.cleaned_data["code"].split())
        totp = TOTP(unhexlify(self.key))
        totp.time = time.time()
        if not (code.isdecimal() and totp.verify(int(code), tolerance=1)):
            raise forms.ValidationError(
                _("This is not the code of this secret. Is the clock of your device right?")
            )
        self.step = totp.t()
        return code


class LinkForm(forms.Form):
    """Who wants a link."""

    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=254,
        widget=forms.TextInput({"autocomplete": "username", "class": "vTextField"}),
    )
