"""The methods that pages take; all others are refused before anything is looked up."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

METHODS = ("GET", "HEAD", "POST")


def only_known_methods(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: 405 for any other. Django's pages would answer a PUT as if it were a GET."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method in METHODS:
            return get_response(request)
        return HttpResponseNotAllowed(METHODS)

    return middleware
