"""The id of each request, and the line that the access log has about it.

The id is given back as `X-Request-ID`, and stands in every line that the request logs. The
access log has no query, since filters and searches name people. No line has the token of a
link.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeGuard

from django.conf import settings
from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from backoffice.logs import tell, without_token
from backoffice.trail.record import address_of

logger = logging.getLogger(__name__)

HEADER = "X-Request-ID"
PROBES = ("/live", "/ready")  # as backoffice.health answers them
#: Ids as proxies make them; another text would only be noise in the log.
_USUAL = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


def log_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: the first of all, so that no answer is without a line."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        begun, number = time.perf_counter(), _id_of(request)
        tell(request=number, user=partial(_user_of, request), address=address_of(request))
        response = get_response(request)
        response.headers[HEADER] = number
        end = partial(_end, request, response, begun)
        if _is_streamed(response):
            response.streaming_content = _Followed(iter(response), end)
        else:
            end(_size_of(response))
        return response

    return middleware


class _Followed:
    """The blocks of a response that streams, until it is closed: at its end, or cut off."""

    def __init__(self, blocks: Iterator[bytes], end: Callable[..., None]) -> None:
        self._blocks, self._end = blocks, end
        self._size, self._cut, self._closed = 0, True, False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            block = next(self._blocks)
        except StopIteration:
            self._cut = False
            raise
        self._size += len(block)
        return block

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._end(self._size, cut=self._cut)


def _end(
    request: HttpRequest, response: HttpResponseBase, begun: float, size: int, cut: bool = False
) -> None:
    """Write the line; a probe that found all well, every few seconds, leaves none."""
    if request.path_info in PROBES and response.status_code < 400:
        return
    measured = {
        "method": request.method,
        "path": without_token(request.path, request),
        "status": response.status_code,
        "seconds": round(time.perf_counter() - begun, 4),
        "bytes": size,
    }
    logger.info(
        "%s %s %s, %s s, %s bytes%s",
        *measured.values(),
        ", cut off" if cut else "",
        extra=measured | ({"cut": True} if cut else {}),
    )


@receiver(request_finished)
def _forget(**kwargs: Any) -> None:
    """Whatever this thread logs from now on is about another request."""
    tell()


def _id_of(request: HttpRequest) -> str:
    """The proxy's id (BEHIND_PROXY), or a new one."""
    given = request.headers.get(HEADER, "") if settings.BEHIND_PROXY else ""
    return given if _USUAL.fullmatch(given) else uuid.uuid4().hex


def _user_of(request: HttpRequest) -> str | None:
    """The user name, once somebody has asked who it is: a line of the log makes no query."""
    user = getattr(request, "_cached_user", None)  # Django's; `request.user` would look it up
    return user.get_username() or None if user is not None else None


def _is_streamed(response: HttpResponseBase) -> TypeGuard[StreamingHttpResponse]:
    """Whether its blocks pass here; a file is sent by the server, whole."""
    return (
        isinstance(response, StreamingHttpResponse)
        and not isinstance(response, FileResponse)
        and not response.is_async
    )


def _size_of(response: HttpResponseBase) -> int:
    content = getattr(response, "content", None)  # not of a file: it is sent as it is
    if content is not None:
        return len(content)
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else 0
