"""System checks: what would leave sessions without an end, or end them too early."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from backoffice.sessions.engine import is_used

LIMITS = ("SESSION_IDLE_MINUTES", "SESSION_HOURS", "SESSION_PROOF_MINUTES")


def check_sessions(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Registered by the AppConfig."""
    from backoffice.sessions.middleware import SessionMiddleware

    errors: list[CheckMessage] = []
    middleware = [import_string(name) for name in settings.MIDDLEWARE]
    is_noted = any(
        isinstance(each, type) and issubclass(each, SessionMiddleware) for each in middleware
    )
    if is_used() != is_noted:
        errors.append(
            Error(
                "SESSION_ENGINE and MIDDLEWARE don't go together: backoffice.sessions.engine"
                " needs backoffice.sessions.middleware.SessionMiddleware, and the reverse.",
                hint="Set both, or Django's own for both.",
                id="backoffice.E080",
            )
        )
    for name in LIMITS:
        value = getattr(settings, name)
        if not isinstance(value, int) or value < 1:
            errors.append(
                Error(
                    f"{name} is {value!r}: sessions would end at once.",
                    hint="Set a whole number of at least 1.",
                    id="backoffice.E081",
                )
            )
    return errors
