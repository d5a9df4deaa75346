"""For `MIDDLEWARE`, in the place of Django's middleware of sessions."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.sessions import middleware
from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest

from backoffice.sessions.browsers import browser_name
from backoffice.sessions.engine import SessionStore, Visitor
from backoffice.trail.record import address_of

#: In the address of a page that loads itself again.
BY_ITSELF = "_by_itself"

View = TypeVar("View", bound=Callable[..., Any])


def asked_by_script(view: View) -> View:
    """Mark a view that pages ask by themselves: that keeps no session alive."""
    view.asked_by_script = True  # type: ignore[attr-defined] # Django's decorators copy it
    return view


class SessionMiddleware(middleware.SessionMiddleware):
    """Django's, which notes from where and when a session was used."""

    def process_request(self, request: HttpRequest) -> None:
        visitor = Visitor(
            address_of(request),
            browser_name(request.headers.get("User-Agent", "")),
        )
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        request.session = self.SessionStore(key, visitor)  # type: ignore[call-arg] # ours, see E080

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        session = request.session
        try:
            response = super().process_response(request, response)
        except SessionInterrupted:
            # It was ended from elsewhere while this was being done, which was allowed to begin:
            # the answer is told, and the next request is nobody's.
            return response
        if isinstance(session, SessionStore) and session.accessed and is_asked(request):
            session.touch()
        return response


def is_asked(request: HttpRequest) -> bool:
    """Whether somebody has asked for it, and not a page by itself."""
    match = request.resolver_match
    by_script = match is not None and getattr(match.func, "asked_by_script", False)
    return not by_script and (request.method != "GET" or BY_ITSELF not in request.GET)
