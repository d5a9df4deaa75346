"""Characters that turn the direction of a text are shown as what they are: no text of a page.

A name with U+202E would reverse the rest of its sentence, of a question before a deletion as
well. Forms don't store such characters; what code or another program stored may have them.
"""

import re
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

INSTEAD = "\N{REPLACEMENT CHARACTER}"

# All in UTF-8, so that a page is not decoded for it.
_CONTROLS = re.compile(b"\xe2(?:\x80[\xaa-\xae]|\x81[\xa6-\xa9])")
# What is written into a form goes back as it is: attributes and text areas stay.
_TEXT = re.compile(
    rb"<(textarea|script|style)\b.*?</\1>|<[^>]*>|([^<]+)", re.DOTALL | re.IGNORECASE
)


def show_controls(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: the last, so that it comes before whatever measures the page."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_page = response.get("Content-Type", "") == "text/html; charset=utf-8"
        if is_page and not response.streaming and _CONTROLS.search(response.content):  # type: ignore[attr-defined] # of a whole one
            response.content = _TEXT.sub(_shown, response.content)  # type: ignore[attr-defined] # as above
        return response

    return middleware


def _shown(part: re.Match[bytes]) -> bytes:
    return _CONTROLS.sub(INSTEAD.encode(), part[2]) if part[2] else part[0]
