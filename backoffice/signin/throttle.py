"""How often a password may be guessed: for django-axes, whose table and hooks are used.

A try is counted before its password is looked at, so that many at once are no more than one
after the other; one that succeeds is taken off again. An account that is tried too often is
closed to passwords for an hour, from whatever address; so is an address that tries too often,
whatever the accounts. A sign-in opens nothing again: an attacker would wait for it.

The user name is kept as a keyed digest: people type passwords into the wrong field.
"""

import datetime
import ipaddress
import unicodedata
from collections.abc import Callable
from typing import Any

from axes.backends import AxesStandaloneBackend
from axes.handlers.base import AxesHandler
from axes.helpers import get_cool_off
from axes.models import AccessFailureLog
from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.crypto import salted_hmac

from backoffice.signin import events
from backoffice.trail.record import address_of

Credentials = dict[str, Any] | None


def username_of(request: HttpRequest | None, credentials: Credentials = None) -> str | None:
    """For `AXES_USERNAME_CALLABLE`: the digest of the user name; None if none was given."""
    name = events.typed_name(credentials)
    return None if name is None else digest(name)


def digest(name: str) -> str:
    """64 characters; the same for all spellings that a user model may take for one name."""
    same = unicodedata.normalize("NFKC", name).casefold().strip()
    return salted_hmac("backoffice.signin", same, algorithm="sha256").hexdigest()


def counted_address(request: HttpRequest) -> str | None:
    """For `AXES_CLIENT_IP_CALLABLE`: whoever has one IPv6 address has the 2⁶⁴ beside it."""
    address = address_of(request)
    if address is not None and ipaddress.ip_address(address).version == 6:
        return str(ipaddress.ip_network(f"{address}/64", strict=False).network_address)
    return address


def tries() -> QuerySet[Any]:
    """Those that count still."""
    found: QuerySet[Any] = AccessFailureLog.objects.filter(attempt_time__gte=_since())
    return found.order_by()


def forgive(name: str) -> int:
    """Open the account to passwords again; return how many tries are forgotten."""
    return int(AccessFailureLog.objects.filter(username=digest(name)).delete()[0])


def _since() -> datetime.datetime:
    return timezone.now() - (get_cool_off() or datetime.timedelta(hours=1))


class Throttle(AxesHandler):
    """For `AXES_HANDLER`."""

    def is_allowed(self, request: HttpRequest, credentials: Credentials = None) -> bool:
        """Count a try; False, without counting it, if there were too many."""
        name, address = username_of(request, credentials), counted_address(request)
        if name is None:  # no password is tried: single sign-on
            return True
        if self._over(name, address, 1):
            return False
        AccessFailureLog.objects.filter(attempt_time__lt=_since()).delete()
        row = AccessFailureLog.objects.create(username=name, ip_address=address)
        if self._over(name, address, 0):  # others came meanwhile
            row.delete()
            return False
        # As axes itself does it: between here and the answer, Django passes only the request.
        request.axes_attempt = row  # type: ignore[attr-defined]
        return True

    def _over(self, name: str | None, address: str | None, more: int) -> dict[str, Any]:
        """What would be tried too often with so many more: columns and values; none if fine."""
        of_account = Q(username=name)
        of_address = Q(ip_address=address) if address else Q(pk=None)
        counted = tries().filter(of_account | of_address, locked_out=False)
        number = counted.aggregate(
            account=Count("pk", filter=of_account), address=Count("pk", filter=of_address)
        )
        if number["account"] + more > settings.SIGN_IN_ACCOUNT_FAILURES:
            return {"username": name}
        if number["address"] + more > settings.SIGN_IN_ADDRESS_FAILURES:
            return {"ip_address": address}
        return {}

    def user_login_failed(
        self,
        sender: Any,
        credentials: dict[str, Any],
        request: HttpRequest | None = None,
        **kwargs: Any,
    ) -> None:
        """Keep what was counted. A lock-out is noted once in an hour, not at each try."""
        if request is None:
            return
        request.axes_failed = True  # type: ignore[attr-defined] # see `is_allowed`
        if not request.axes_locked_out:  # type: ignore[attr-defined] # axes sets it
            return
        request.axes_credentials = credentials  # type: ignore[attr-defined] # for the page
        over = self._over(username_of(request, credentials), counted_address(request), 1)
        if over and not tries().filter(locked_out=True, **over).exists():
            AccessFailureLog.objects.create(locked_out=True, **over)
            events.locked_out(request, credentials, by_address="ip_address" in over)

    def get_failures(self, request: HttpRequest, credentials: Credentials = None) -> int:
        """Not asked: `is_allowed` decides."""
        return 0


class Backend(AxesStandaloneBackend):
    """Asks `Throttle`; the first of `AUTHENTICATION_BACKENDS`.

    Code that authenticates without a request is no guesser on a page: it is not counted.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        if request is not None:
            super().authenticate(request, **credentials)


def settle(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: a try that did not fail is taken off again, whatever it was made for."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        row = getattr(request, "axes_attempt", None)
        if row is not None and not getattr(request, "axes_failed", False):
            row.delete()
        return response

    return middleware
