"""System checks of a deployment: what leaves the door open though each part works.

`manage.py check --deploy` runs them beside Django's own, and every command the one about DEBUG.
docs/reference/errors.md lists them.
"""

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connection
from django_tasks import task_backends

PROCESSES = 2  # of gunicorn, if nothing is said: as in gunicorn.conf.py
#: Settings that a proxy with TLS needs.
BEHIND_TLS = (
    "SECURE_SSL_REDIRECT",
    "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_SECURE",
    "SECURE_HSTS_SECONDS",
)


def register_checks() -> None:
    """For the AppConfig."""
    register(check_debug, Tags.security)
    for check in (
        check_proxy,
        check_workers,
        check_sqlite,
    ):
        register(check, Tags.security, deploy=True)


def public_hosts() -> list[str]:
    """The hosts of ALLOWED_HOSTS that are not this machine itself."""
    return [
        host
        for host in settings.ALLOWED_HOSTS
        if host not in ("localhost", ".localhost", "[::1]") and not host.startswith("127.")
    ]


def check_debug(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    hosts = public_hosts()
    if not (settings.DEBUG and hosts):
        return []
    return [
        Warning(
            f"DEBUG is on, and the site answers as {', '.join(hosts)}: a page of an error shows"
            " its source code, settings and data to whoever causes one.",
            hint="Leave DEBUG off, or serve only localhost.",
            id="backoffice.W100",
        )
    ]


def check_proxy(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    if settings.SECURE_PROXY_SSL_HEADER:
        off = [name for name in BEHIND_TLS if not getattr(settings, name)]
        if not off:
            return []
        return [
            Warning(
                f"The site is behind a proxy, and not all is set that keeps passwords and"
                f" sessions within TLS: {', '.join(off)}.",
                hint="Set HTTPS=on and BEHIND_PROXY=on.",
                id="backoffice.W103",
            )
        ]
    if not public_hosts():
        return []
    return [
        Warning(
            f"The site answers as {', '.join(public_hosts())}, and BEHIND_PROXY is off: all who"
            " come by a proxy have its address, so that one who guesses passwords locks all of"
            " them out, and redirects to HTTPS have no end.",
            hint="Set BEHIND_PROXY=on if a proxy sets X-Forwarded-Proto and X-Forwarded-For by"
            " itself. If no proxy is before this server, silence this check.",
            id="backoffice.W104",
        )
    ]


def check_workers(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    from backoffice.jobs.tasks import worker_is_missing

    in_database = type(task_backends["default"]).__module__.startswith("django_tasks_db.")
    if not in_database or not worker_is_missing():
        return []
    return [
        Warning(
            "No worker has been seen in the last minute: large imports wait, and nothing is"
            " removed when its time has come.",
            hint="Start the service, or manage.py worker. All machines need the same DATA_DIR.",
            id="backoffice.W106",
        )
    ]


def check_sqlite(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    from backoffice.jobs.tasks import workers_alive

    if connection.vendor != "sqlite":
        return []
    servers, workers = int(os.environ.get("WEB_CONCURRENCY", PROCESSES)), workers_alive()
    if servers <= PROCESSES and workers <= 1:
        return []
    return [
        Warning(
            f"{servers} processes of gunicorn and {workers} workers share one SQLite file: one"
            " of them writes at a time, the others wait, and give up after a while.",
            hint=f"Use PostgreSQL; or set WEB_CONCURRENCY to at most {PROCESSES}, and run one"
            " worker, on one machine.",
            id="backoffice.W107",
        )
    ]
