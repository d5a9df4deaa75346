"""Headers of every response, and the cookie of messages."""

from collections.abc import Callable

from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest
from django.http.response import HttpResponseBase

#: What browsers ask before they let a page use it. This site uses none of it.
UNUSED = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "usb",
)
HEADERS = {
    # No other site may load anything of this one, or hold on to a window that shows it.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
    # Of a response that no middleware below has seen, such as to a host that is not served.
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


def add_headers(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: the first, so that it sees each response. A header that is there stays."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return middleware


class HostCookieStorage(CookieStorage):
    """Django's, with a name by which browsers take it only from this very host, over TLS."""

    cookie_name = "__Host-messages"


class MessageStorage(FallbackStorage):
    """Django's, for `MESSAGE_STORAGE` of a site with TLS."""

    storage_classes = (HostCookieStorage, SessionStorage)
