"""The settings of the queue of what workers do: in the database, or on Redis by TASKS_URL."""

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from backoffice import addresses
from backoffice.optional import is_installed

SCHEMES = ("redis://", "rediss://", "unix://")


def queue_settings(url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """`TASKS` and `RQ_QUEUES`; without the package, a system check says so."""
    if not url or (url.startswith(SCHEMES) and not is_installed("TASKS_URL")):
        return {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}, {}
    if not url.startswith(SCHEMES):
        raise ImproperlyConfigured(
            "TASKS_URL: leave it empty, or set redis://:PASSWORD@HOST:PORT/NUMBER, rediss://…"
            " with TLS, or unix://PATH."
        )
    addresses.read("TASKS_URL", url, lambda url: urlsplit(url).port)
    queue = {
        "URL": url,
        "QUEUE_CLASS": "backoffice.jobs.redis_queue.Queue",
        "SERIALIZER": "rq.serializers.JSONSerializer",  # pickle would run what it reads
        "DEFAULT_TIMEOUT": -1,  # none: whether a job lives, the database knows
    }
    tasks = {"default": {"BACKEND": "backoffice.jobs.redis_queue.Backend"}}
    return tasks, {"default": queue}
