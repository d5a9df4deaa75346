"""503: the disk is full, or the database is not there. An answer that needs neither.

It comes in the place of the page of a fault (500), wherever the error was raised: in a view, in
the session, while the request was read.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any

from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.submissions.bare import bare_page
from backoffice.outages import Outage

RETRY_AFTER = 10  # seconds
SEND_AGAIN = gettext_lazy(
    "What you typed is kept on this page. Send it again in a moment: what was done is not done"
    " twice."
)


def unavailable(request: HttpRequest, outage: Outage) -> HttpResponse:
    """A page, or JSON for a script that asked for that, in the language of whoever asked."""
    language = getattr(request, "LANGUAGE_CODE", None)
    with translation.override(language or translation.get_language_from_request(request)):
        response = _answer(request, outage)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def _answer(request: HttpRequest, outage: Outage) -> HttpResponse:
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        message = f"{outage.title}. {outage.text}"
        return JsonResponse({"error": outage.code, "message": message}, status=503)
    paragraphs, fields = [outage.text], kept_fields(request)
    if request.method != "POST":
        paragraphs.append(_("Nothing is wrong with what you did. Try again in a moment."))
    elif fields:
        paragraphs.append(SEND_AGAIN)
    else:
        paragraphs.append(
            _(
                "Go back with your browser: what you typed is still there. Try again in a"
                " moment."
            )
        )
    return bare_page(request, 503, outage.title, paragraphs, fields)


def kept_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """What the form had, to be sent again as it was; none if that can't or must not be."""
    from backoffice.admin.submissions.kept import is_own, is_secret  # it imports the errors

    if request.method != "POST":
        return []
    with suppress(Exception):  # it can't be read, or names no host that there is
        if not is_own(request) or any(request.FILES.values()):
            return []
        sent = [(name, value) for name, values in request.POST.lists() for value in values]
        return [] if any(is_secret(name) for name, _value in sent) else sent
    return []


def begin_streams(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: make the first block of what is streamed while another answer can be given.

    What fails later ends cut, as its status is sent by then. Outside the sessions', whose
    transactions are over.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if isinstance(response, StreamingHttpResponse) and not isinstance(
            response, FileResponse
        ):
            blocks: Any = response.streaming_content
            response.streaming_content = begun(blocks)
        return response

    return middleware


def begun(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same blocks. Raises what making the first raises."""
    rest = iter(blocks)
    return chain([next(rest, b"")], rest)
