"""The language of pages: chosen in the header, and kept by the account.

At sign-in it goes from the account into the session, so that a page asks the database nothing
for it.
"""

from contextlib import AbstractContextManager
from typing import Any

from django.conf import global_settings, settings
from django.contrib.auth.signals import user_logged_in
from django.db import models
from django.http import HttpRequest
from django.middleware import locale
from django.utils import translation

KEY = "_language"  # in the session's data


class Language(models.Model):
    """The language that the owner of an account has chosen."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    code = models.CharField(max_length=20)

    class Meta:
        default_permissions = ()  # everybody has their own alone

    def __str__(self) -> str:
        return self.code


def offered() -> list[str]:
    """The codes of the site's languages; none if LANGUAGES is Django's list of a hundred."""
    is_chosen = settings.LANGUAGES != global_settings.LANGUAGES
    return list(dict(settings.LANGUAGES)) if is_chosen else []


def is_offered(code: str) -> bool:
    return code in dict(settings.LANGUAGES)


def keep(request: Any, code: str) -> None:
    """Keep the choice of whoever is signed in."""
    Language.objects.update_or_create(user=request.user, defaults={"code": code})
    request.session[KEY] = code


def chosen_by(user: Any) -> str | None:
    """The code of the language that the owner of an account has chosen; None without one."""
    code = Language.objects.filter(user=user).values_list("code", flat=True).first()
    return code if code and is_offered(code) else None


def read_by(user: Any, otherwise: str | None = None) -> AbstractContextManager[None]:
    """In the language of whoever reads it: the account's choice, else `otherwise`."""
    return translation.override(chosen_by(user) or otherwise or settings.LANGUAGE_CODE)


def note_sign_in(*, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    """For Django's signal `user_logged_in`."""
    if request is not None and hasattr(request, "session") and (code := chosen_by(user)):
        request.session[KEY] = code
        translation.activate(code)


class LocaleMiddleware(locale.LocaleMiddleware):
    """Django's, for which the account's choice goes before cookie and browser.

    After the middleware of sessions.
    """

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        code = request.session.get(KEY)
        if code and is_offered(code):
            translation.activate(code)
            request.LANGUAGE_CODE = translation.get_language()


def connect() -> None:
    user_logged_in.connect(note_sign_in, dispatch_uid="backoffice.languages")
