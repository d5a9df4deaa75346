"""What is off until a setting turns it on, and takes a package that few sites need."""

from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

#: By the setting: the module that it needs, the package that has it, which list of packages
#: that is in, and what is without it.
NEEDED = {
    "METRICS_TOKEN": ("prometheus_client", "prometheus-client", "watch", "nothing is measured"),
    "SENTRY_DSN": ("sentry_sdk", "sentry-sdk", "watch", "no fault is reported"),
    "TASKS_URL": ("django_tasks_rq", "django-tasks-rq", "rq", "jobs wait in the database"),
}
SHORTEST_TOKEN = 20  # characters


def is_installed(setting: str) -> bool:
    """Whether the package is there that the setting needs; it is not imported."""
    return find_spec(NEEDED[setting][0]) is not None


def check_packages(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """System check: a setting that is on has its package, and a token that nobody guesses."""
    errors: list[CheckMessage] = [
        Error(
            f"{setting} is set, and the package {package} is not installed: {otherwise}.",
            hint=f"Run: pip install --require-hashes -r requirements-{extra}.txt",
            id="backoffice.E110",
        )
        for setting, (_module, package, extra, otherwise) in NEEDED.items()
        if getattr(settings, setting) and not is_installed(setting)
    ]
    if 0 < len(settings.METRICS_TOKEN) < SHORTEST_TOKEN:
        errors.append(
            Error(
                f"METRICS_TOKEN has fewer than {SHORTEST_TOKEN} characters: it can be guessed.",
                hint="Make one: openssl rand -hex 32",
                id="backoffice.E111",
            )
        )
    return errors
