"""The log: an entry is one line, whatever texts are in it; no query is in it.

Each line says what it is about: the request, its user and its address, or the job. `tell` and
`about` say so to all lines that follow, whoever writes them.
"""

import json
import logging
import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

#: Characters that a terminal or an editor takes for the end of a line, or for a command.
_CONTROLS = {
    code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160), 0x2028, 0x2029)
}
#: What a line of the access log has beside its text.
MEASURED = ("method", "path", "status", "seconds", "bytes", "cut")

_subject: ContextVar[dict[str, Any] | None] = ContextVar("subject", default=None)


def tell(**fields: Any) -> None:
    """Have all further lines of this thread be about these fields, and about nothing else.

    The value of a field may be a function: it is called for each line.
    """
    _subject.set(fields)


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """Have the lines of the block be about these fields too."""
    token = _subject.set({**(_subject.get() or {}), **fields})
    try:
        yield
    finally:
        _subject.reset(token)


def subject() -> dict[str, Any]:
    """What lines are about at the moment: request, user, address, job; without what is None."""
    values = {
        name: value() if callable(value) else value
        for name, value in (_subject.get() or {}).items()
    }
    return {name: value for name, value in values.items() if value is not None}


class Discreet(logging.Filter):
    """Takes queries, and the token of a link, out of what Django logs of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(record.args, tuple):
            record.args = tuple(
                self._told(each, request) if isinstance(each, str) else each
                for each in record.args
            )
        return True

    @staticmethod
    def _told(text: str, request: Any) -> str:
        text = re.sub(r"\?\S*", "", text)
        # The development server tells of a socket.
        return without_token(text, request) if hasattr(request, "resolver_match") else text


def without_token(path: str, request: Any) -> str:
    """The path of the request; the token of a link signs in, and is not told."""
    from django.urls import Resolver404, resolve  # gunicorn itself loads no Django

    try:
        found = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return path
    token = found.kwargs.get("token")
    return path.replace(token, "…") if token else path


class OneLineFormatter(logging.Formatter):
    """A text of elsewhere, such as the name of a file, can't look like an entry of its own.

    What has control characters shows them as Python writes them. Tracebacks are indented.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        text = super().formatMessage(record)
        if found := subject():
            text += " [" + ", ".join(f"{name} {value}" for name, value in found.items()) + "]"
        return text.translate(_CONTROLS)

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        text = super().formatException(ei)
        return textwrap.indent("\n".join(text.splitlines()), "    ")


class JSONFormatter(logging.Formatter):
    """A line is one JSON object, in ASCII: time (UTC), level, logger, message, its subject.

    A line of the access log has `MEASURED` too, one about an exception its traceback as
    `error`.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat("T", "milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **subject(),
            **{name: getattr(record, name) for name in MEASURED if hasattr(record, name)},
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configured(form: str, *, with_requests: bool) -> dict[str, Any]:
    """For LOGGING. form: plain or json · with_requests: a line for each of them."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"discreet": {"()": "backoffice.logs.Discreet"}},
        "formatters": {
            "plain": {
                "()": "backoffice.logs.OneLineFormatter",
                "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
            },
            "json": {"()": "backoffice.logs.JSONFormatter"},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            "backoffice.access": {"level": "INFO" if with_requests else "WARNING"},
            "backoffice.exports": {"level": "INFO"},  # who exported what
            "backoffice.jobs.tasks": {"level": "INFO"},  # how each step of a job ended
            "backoffice.signin": {"level": "INFO"},  # who signed in, or tried to
            "axes": {"level": "ERROR"},
            "django.request": {"filters": ["discreet"]},
            "django.security.csrf": {"filters": ["discreet"]},
            "django.server": {"filters": ["discreet"], "level": "INFO"},
        },
    }
