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
    "IMPORTS_BUCKET": ("storages", "django-storages", "s3", "no upload can be kept"),
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
    return errors + _check_bucket()


def _check_bucket() -> list[CheckMessage]:
    """Whether IMPORTS_BUCKET and the settings that go with it make sense."""
    others = ("IMPORTS_BUCKET_ENDPOINT", "IMPORTS_BUCKET_REGION", "IMPORTS_BUCKET_PREFIX")
    given = [name for name in others if getattr(settings, name)]
    endpoint, problem = settings.IMPORTS_BUCKET_ENDPOINT, ""
    if given and not settings.IMPORTS_BUCKET:
        problem = f"{given[0]} is set, and IMPORTS_BUCKET is not: uploads stay in DATA_DIR."
    elif endpoint and not endpoint.startswith(("https://", "http://")):
        problem = f"IMPORTS_BUCKET_ENDPOINT is no address: {endpoint}"
    elif "/" in settings.IMPORTS_BUCKET:
        problem = "IMPORTS_BUCKET is the name of a bucket, and has no “/”."
    hint = "IMPORTS_BUCKET=uploads, IMPORTS_BUCKET_ENDPOINT=https://s3.example.org"
    return [Error(problem, hint=hint, id="backoffice.E115")] if problem else []
