"""Middleware: `/live` and `/ready`, for load balancers and whoever is on call.

Before all others but that of headers: no host, no TLS, no session and no sign-in is asked for.
They tell only what is wrong; the log and `manage.py doctor` have the sentences.
"""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase

from backoffice.health.probe import Probes

logger = logging.getLogger(__name__)

METHODS = ("GET", "HEAD")


def answer(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    ready = Readiness()
    views = {"/live": live, "/ready": ready.answer}

    def middleware(request: HttpRequest) -> HttpResponseBase:
        view = views.get(request.path_info)
        if view is None:
            return get_response(request)
        response = view() if request.method in METHODS else HttpResponseNotAllowed(METHODS)
        response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def live() -> HttpResponseBase:
    """200: this process answers. Nothing else is looked at."""
    return JsonResponse({"live": True})


class Readiness:
    """200 if pages can be answered, else 503; with `ok` or `failed` of each check."""

    def __init__(self) -> None:
        self.probes = Probes()
        self.said: dict[str, str] = {}

    def answer(self) -> HttpResponseBase:
        found = self.probes.ask()
        self.log({name: each.problem for name, each in found.items()})
        needed = [check.name for check in self.probes.checks if check.needed]
        is_ready = not any(found[name].problem for name in needed)
        age = found["worker"].age
        told = {
            "ready": is_ready,
            "checks": {n: "failed" if each.problem else "ok" for n, each in found.items()},
            "worker_seen_seconds_ago": None if age is None else round(age),
        }
        return JsonResponse(told, status=200 if is_ready else 503)

    def log(self, problems: dict[str, str]) -> None:
        """Once for each that begins or ends, however often it is asked."""
        before, self.said = self.said, problems
        for name, text in problems.items():
            was = before.get(name, "")
            if text and not was:
                logger.warning("Not well: %s. %s", name, text)
            elif was and not text:
                logger.warning("Well again: %s", name)
