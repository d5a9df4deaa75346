"""Sign-ins, failures, sign-outs and lock-outs, in the trail and in the log, with the address.

No password is noted. Nor is a user name that no account has: who types into the wrong field
types the password there. How often it was tried, and from where, is noted all the same.
"""

import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest
from django.utils.translation import gettext as _

from backoffice.signin import second_factor
from backoffice.trail.record import address_of, record

logger = logging.getLogger("backoffice.signin")


def note(
    action: str,
    request: HttpRequest | None,
    user: Any,
    message: str = "",
    level: int = logging.INFO,
) -> None:
    """Write it into the trail and the log. user: the account; None if there is none."""
    record(action, user=user, request=request, message=message)
    name = user.get_username() if user else "an account that does not exist"
    address = (request and address_of(request)) or "an unknown address"
    logger.log(level, "%s: %s from %s%s", action, name, address, message and f" ({message})")


def typed_name(credentials: dict[str, Any] | None) -> str | None:
    """The user name among credentials; None if there is none, as with single sign-on.

    Django's form calls it `username` whatever the user model calls it.
    """
    found = [
        (credentials or {}).get(name) for name in (get_user_model().USERNAME_FIELD, "username")
    ]
    return next((str(name) for name in found if name is not None), None)


def account_of(credentials: dict[str, Any] | None) -> Any:
    """The account whose name was typed; None if there is none."""
    name, users = typed_name(credentials), get_user_model()
    if name is None or "\0" in name:
        return None
    try:
        return users._default_manager.get_by_natural_key(name)
    except users.DoesNotExist:
        return None


def signed_in(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if second_factor.ask(request, user):
        note("first step", request, user, _("A code is asked for."))
    else:
        note("sign-in", request, user)


def failed(
    sender: Any,
    credentials: dict[str, Any],
    request: HttpRequest | None = None,
    **kwargs: Any,
) -> None:
    if not getattr(request, "axes_locked_out", False):
        account = account_of(credentials)
        message = "" if account else _("There is no such account.")
        note("sign-in failed", request, account, message, logging.WARNING)


def locked_out(request: HttpRequest, credentials: dict[str, Any], *, by_address: bool) -> None:
    """Note that an account, or an address, has been tried too often."""
    message = _("Too many wrong passwords for this account.")
    if by_address:
        message = _("Too many wrong passwords from this address.")
    note("lock-out", request, account_of(credentials), message, logging.WARNING)


def wrong_code(request: HttpRequest) -> None:
    note("second factor failed", request, request.user, level=logging.WARNING)


def refused_by_provider(request: HttpRequest, error: Exception) -> None:
    """Note that single sign-on failed. The error's text may have what the provider sent."""
    message = _("Single sign-on: %s.") % type(error).__name__
    note("sign-in failed", request, None, message, logging.WARNING)


def signed_out(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if user is not None:
        note("sign-out", request, user)


def connect() -> None:
    """Listen to Django's signals."""
    user_logged_in.connect(signed_in, dispatch_uid="backoffice.signin")
    user_login_failed.connect(failed, dispatch_uid="backoffice.signin")
    user_logged_out.connect(signed_out, dispatch_uid="backoffice.signin")
