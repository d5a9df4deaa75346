"""Faults to Sentry (SENTRY_DSN): what broke and where, and nothing about anybody.

A message of an exception, a value of a variable, a query or a form may name a patron. They stay
here: a report has the request's id, by which the log has the rest.
"""

from typing import TYPE_CHECKING, Any

import sentry_sdk

from backoffice.logs import subject

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

#: Of an event and of an exception: what goes.
EVENT = (
    *(
        "event_id",
        "timestamp",
        "level",
        "platform",
        "logger",
        "transaction",
        "transaction_info",
    ),
    *("release", "environment", "server_name", "modules", "sdk", "contexts"),
)
EXCEPTION = ("type", "module", "stacktrace")
CONTEXTS = ("runtime", "trace")
#: Whose texts are constant, with values as arguments; not those of `django.security`.
LOGGERS = ("backoffice.", "django.dispatch", "django.request")
TAGS = ("request", "job")


def start(dsn: str) -> None:
    """Have faults of this process reported from now on."""
    sentry_sdk.init(
        dsn=dsn,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        before_send=without_people,
    )


def without_people(event: "Event", hint: "Hint") -> "Event":
    """For `before_send`: the event with what is listed above alone."""
    whole: dict[str, Any] = dict(event)
    kept: Any = {name: whole[name] for name in EVENT if name in whole}
    if kept.get("transaction_info", {}).get("source") == "url":
        del kept["transaction"]  # a path that leads to no page, as it was asked for
    contexts = kept.pop("contexts", {})
    kept["contexts"] = {name: contexts[name] for name in CONTEXTS if name in contexts}
    about = subject()
    kept["tags"] = {name: str(about[name]) for name in TAGS if name in about}
    if exceptions := whole.get("exception", {}).get("values"):
        kept["exception"] = {
            "values": [
                {name: each[name] for name in EXCEPTION if name in each} for each in exceptions
            ]
        }
    if str(whole.get("logger", "")).startswith(LOGGERS) and "logentry" in whole:
        kept["logentry"] = {"message": whole["logentry"]["message"]}
    result: Event = kept
    return result
