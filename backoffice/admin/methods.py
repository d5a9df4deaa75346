"""The methods that pages take; all others are refused before anything is looked up."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from backoffice.admin.submissions.errors import only_for_forms

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


def say_what_takes_forms(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: whoever opens an address that takes forms alone gets a page, still a 405.

    Inside that of accounts, whose menus the page has.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.method != "GET" or not isinstance(response, HttpResponseNotAllowed):
            return response
        page = only_for_forms(request).render()
        page._has_been_logged = True  # type: ignore[attr-defined] # Django's: the first was
        page.headers["Allow"] = response.headers["Allow"]
        return page

    return middleware
