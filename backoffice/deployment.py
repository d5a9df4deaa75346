"""System checks of a deployment: what leaves the door open though each part works.

`manage.py check --deploy` runs them beside Django's own, and every command the one about DEBUG.
docs/reference/errors.md lists them.
"""

import os
from contextlib import suppress
from pathlib import Path
from stat import S_IRWXO
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connection
from django.utils.module_loading import import_string

from backoffice.signin import second_factor

PROCESSES = 2  # of gunicorn, if nothing is said: as in gunicorn.conf.py
MOST_FAILURES = 100  # wrong passwords for an account in an hour: more is no limit
LONGEST_SESSION = 24  # hours
#: Which accounts have a permission, with those of their groups.
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
#: What says for how long something is kept, and how often that is looked at.
KEPT = (
    "HISTORY_KEEP_DAYS",
    "ACTIVITY_KEEP_DAYS",
    "JOBS_KEEP_DAYS",
    "TASKS_KEEP_DAYS",
    "FORMS_KEEP_DAYS",
    "SESSIONS_KEEP_DAYS",
    "IMPORT_KEEP_DAYS",
    "IMPORT_ABANDONED_DAYS",
    "EXPORT_KEEP_DAYS",
    "RETENTION_MINUTES",
)
MOST_KEPT = 365_000  # days, a thousand years: Python's dates end at the year 1
#: Settings that a proxy with TLS needs.
BEHIND_TLS = (
    "BEHIND_PROXY",
    "SECURE_SSL_REDIRECT",
    "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_SECURE",
    "SECURE_HSTS_SECONDS",
)


def register_checks() -> None:
    """For the AppConfig."""
    register(check_debug, Tags.security)
    register(check_retention)
    for check in (
        check_throttling,
        check_second_factor,
        check_proxy,
        check_sessions,
        check_rights,
        check_workers,
        check_queue,
        check_sqlite,
        check_search_indexes,
        check_alike_indexes,
        check_pool,
        check_replica,
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


def check_retention(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    wrong = [(name, getattr(settings, name)) for name in KEPT]
    return [
        Error(
            f"{name} is less than 0: all would be removed."
            if value < 0
            else f"{name} is more than {MOST_KEPT}: there is no date so long ago.",
            hint="Set a whole number; 0 keeps for ever, RETENTION_MINUTES=0 removes nothing.",
            id="backoffice.E112",
        )
        for name, value in wrong
        if not 0 <= value <= MOST_KEPT
    ]


def check_throttling(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    backends = [import_string(name) for name in settings.AUTHENTICATION_BACKENDS]
    first = next((n for n, each in enumerate(backends) if issubclass(each, ModelBackend)), 0)
    # By their names: the classes can't be imported where django-axes is not installed.
    counts = any(
        base.__module__ == "axes.backends" for b in backends[:first] for base in b.mro()
    )
    limit = settings.SIGN_IN_ACCOUNT_FAILURES
    if not counts or not getattr(settings, "AXES_ENABLED", True):
        message = "Nobody counts wrong passwords: they can be guessed without end."
    elif not 0 < limit <= MOST_FAILURES:
        message = f"SIGN_IN_ACCOUNT_FAILURES is {limit}: that stops nobody who guesses, or all."
    else:
        return []
    return [
        Warning(
            message,
            hint="Set backoffice.signin.throttle.Backend before ModelBackend in"
            " AUTHENTICATION_BACKENDS, leave AXES_ENABLED out, and set SIGN_IN_ACCOUNT_FAILURES"
            f" to a number from 1 to {MOST_FAILURES}.",
            id="backoffice.W101",
        )
    ]


def check_second_factor(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.SECOND_FACTOR_ROLES:
        message = "No account has to have a second factor: a password that is known is enough."
    elif number := _without_second_factor():
        message = f"{number} accounts may change accounts, and need no second factor."
    else:
        return []
    return [
        Warning(
            message,
            hint="Name in SECOND_FACTOR_ROLES all roles that may change accounts:"
            " SECOND_FACTOR_ROLES=superusers,Administrator, or * for everybody.",
            id="backoffice.W102",
        )
    ]


def _without_second_factor() -> int:
    """How many may change accounts or roles, have no app, and need none."""
    roles, users = set(settings.SECOND_FACTOR_ROLES), get_user_model()
    with_perm: Any = getattr(users._default_manager, "with_perm", None)
    if second_factor.EVERYBODY in roles or with_perm is None:
        return 0
    if not second_factor.is_installed():  # E095 says so
        return 0
    from django_otp.plugins.otp_totp.models import TOTPDevice

    meta, found = users._meta, set()
    for permission in (f"{meta.app_label}.change_{meta.model_name}", "auth.change_group"):
        accounts = with_perm(permission, backend=MODEL_BACKEND)
        accounts = accounts.exclude(groups__name__in=roles)
        if second_factor.SUPERUSERS in roles:
            accounts = accounts.exclude(is_superuser=True)
        with_app = TOTPDevice.objects.filter(confirmed=True).values("user")
        with suppress(DatabaseError):  # not migrated yet, or not reached: others say so
            found |= set(accounts.exclude(pk__in=with_app).values_list("pk", flat=True))
    return len(found)


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


def check_sessions(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    from backoffice.sessions.engine import is_used

    if is_used():
        idle, hours = settings.SESSION_IDLE_MINUTES, settings.SESSION_HOURS
        if hours <= LONGEST_SESSION and idle <= hours * 60:
            return []
        message = (
            f"Sessions last up to {hours} hours, and {idle} minutes without anybody: whoever"
            " finds the browser open is signed in."
        )
    else:
        message = f"Sessions of {settings.SESSION_ENGINE} do not end when nobody uses them."
    return [
        Warning(
            message,
            hint="Set SESSION_ENGINE to backoffice.sessions.engine, SESSION_HOURS to at most"
            f" {LONGEST_SESSION} and SESSION_IDLE_MINUTES to less than that.",
            id="backoffice.W105",
        )
    ]


def check_rights(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Of what was made by hand: the settings make DATA_DIR its owner's alone."""
    secret = [Path(settings.DATA_DIR), Path(getattr(settings, "BASE_DIR", "")) / ".env"]
    open_ = []
    for path in secret:
        with suppress(OSError):  # it is not there: others say so
            if path.stat().st_mode & S_IRWXO:
                open_.append(str(path))
    if not open_:
        return []
    return [
        Warning(
            "Every user of this machine may look into what has people's data and passwords:"
            f" {', '.join(open_)}.",
            hint=f"chmod o-rwx {' '.join(open_)}",
            id="backoffice.W123",
        )
    ]


def check_workers(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    from backoffice.jobs import workers
    from backoffice.jobs.tasks import has_queue

    is_missing = False
    with suppress(DatabaseError):  # not migrated yet, or not reached: others say so
        is_missing = has_queue() and workers.is_missing()
    if not is_missing:
        return []
    return [
        Warning(
            "No worker has been seen in the last minute: large imports wait, and nothing is"
            " removed when its time has come.",
            hint="Start the service, or manage.py worker.",
            id="backoffice.W106",
        )
    ]


def check_queue(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    from backoffice.jobs.tasks import queue_is_away

    if not queue_is_away():
        return []
    return [
        Warning(
            "The queue can't be reached: large imports wait, links to sign in aren't sent.",
            hint="Start Redis, or correct TASKS_URL.",
            id="backoffice.W120",
        )
    ]


def check_sqlite(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    from backoffice.jobs.workers import alive

    if connection.vendor != "sqlite":
        return []
    text, workers = os.environ.get("WEB_CONCURRENCY", ""), 0
    with suppress(DatabaseError):
        workers = alive()
    servers = int(text) if text.isdecimal() else PROCESSES  # gunicorn says what is no number
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


def check_search_indexes(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    from backoffice.admin.lists.search_indexes import missing_search_indexes

    missing: list[Any] = []
    with suppress(DatabaseError):  # not migrated yet, or not reached: others say so
        missing = missing_search_indexes()
    if not missing:
        return []
    named = "; ".join(f"{m._meta.label} ({', '.join(fields)})" for m, fields in missing)
    return [
        Warning(
            f"A search reads every row, for there is no index of what it reads: {named}.",
            hint="Run manage.py migrate, which makes them anew on SQLite; on PostgreSQL make"
            " them as docs/how-to/deploy.md says, or by AddSearchIndex in a migration.",
            id="backoffice.W108",
        )
    ]


def check_alike_indexes(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    from backoffice.resources.registry import resources
    from backoffice.tables.alike import missing_indexes

    missing: list[str] = []
    models = dict.fromkeys(resource._meta.model for resource in resources.all())
    with suppress(DatabaseError):  # not migrated yet, or not reached: others say so
        there = set(connection.introspection.table_names())
        missing = [
            f"{model._meta.label} ({name})"
            for model in models
            if model._meta.db_table in there
            for name in missing_indexes(model)
        ]
    if not missing:
        return []
    return [
        Warning(
            "An import reads every record for those that look like its rows, for there is no"
            f" index of what they look like: {'; '.join(missing)}.",
            hint="Run manage.py migrate. Where it was run: drop the index, if PostgreSQL calls"
            " it invalid, and make it anew as manage.py sqlmigrate shows it.",
            id="backoffice.W119",
        )
    ]


def check_pool(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Of connections that a pool lends, and of what the role may do with them."""
    from backoffice.tables.scratch import session

    if connection.vendor != "postgresql":
        return []
    try:
        found = session(connection)
    except DatabaseError:  # it is not reached: others say so
        return []
    messages: list[CheckMessage] = []
    if found.is_lent and settings.DATABASE_POOL != "transaction":
        messages.append(
            Warning(
                "The database is reached through a pool, such as PgBouncer, and DATABASE_POOL"
                " doesn't say which: what reads many rows outside a transaction may fail.",
                hint="Set DATABASE_POOL=transaction; or session, if the pool lends a connection"
                " until it is closed.",
                id="backoffice.W110",
            )
        )
    if found.refusal:
        messages.append(Warning(found.refusal, id="backoffice.W111"))
    return messages


def check_replica(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Without a right one all goes on, on the primary, which does more than it was meant to."""
    from backoffice.health.checks import replica
    from backoffice.tables.replica import is_set

    if not is_set():
        return []
    problem = ""
    with suppress(DatabaseError):  # the primary is not reached: others say so
        problem = replica().problem
    return [Warning(f"The replica: {problem}", id="backoffice.W122")] if problem else []
