"""The settings of databases: what every connection is told, whichever URL it was named by."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

POSTGRESQL, POOLED = "django.db.backends.postgresql", "backoffice.postgresql"


def tuned(database: dict[str, Any], *, pool: str, silent_seconds: int) -> dict[str, Any]:
    """An entry of DATABASES, as it was read from a URL, with what this site needs of it.

    pool: DATABASE_POOL · silent_seconds: DATABASE_SILENT_SECONDS, of our own side;
    backoffice/tables/waits.py tells PostgreSQL.
    """
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database["OPTIONS"] = {
            # Writers wait at BEGIN instead of failing later with "database is locked".
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,  # seconds
            # With WAL, readers and the one writer don't block each other. NORMAL survives a
            # crash of the process; a power failure may lose the last commits.
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                " PRAGMA cache_size=-32000; PRAGMA temp_store=FILE;"
            ),
        }
        return database
    database.setdefault("CONN_MAX_AGE", 60)  # seconds
    database["CONN_HEALTH_CHECKS"] = True
    options = database.setdefault("OPTIONS", {})
    if pool in ("", "psycopg"):  # other pools refuse `options`
        # Compiling a plan takes longer than fetching the first page of any list.
        options.setdefault("options", "-c jit=off")
    if database["ENGINE"] != POSTGRESQL:
        return database
    if silent_seconds:
        database["OPTIONS"] = options = {
            "connect_timeout": max(silent_seconds // 2, 2),
            "keepalives_idle": max(silent_seconds // 2, 1),
            "keepalives_interval": max(silent_seconds // 4, 1),
            "keepalives_count": 2,
            "tcp_user_timeout": silent_seconds * 1000,  # milliseconds
            **options,
        }
    if pool == "transaction":
        database["ENGINE"] = POOLED
    if pool == "psycopg":
        database["CONN_MAX_AGE"] = 0  # the pool keeps them
        # A web process has four threads; a worker its jobs', the caretaker's and the feeds'.
        options["pool"] = {"min_size": 1, "max_size": 8, "timeout": 10}
    return database


def replica_of(
    primary: dict[str, Any], database: dict[str, Any], *, pool: str, silent_seconds: int
) -> dict[str, Any]:
    """As `tuned`, for DATABASE_REPLICA_URL: without it, lists are read from the primary."""
    if {primary["ENGINE"], database["ENGINE"]} - {POSTGRESQL, POOLED}:
        raise ImproperlyConfigured(
            "DATABASE_REPLICA_URL and DATABASE_URL must both name PostgreSQL: leave the first"
            " out, or set postgres://USER:PASSWORD@HOST:PORT/NAME."
        )
    database = tuned(database, pool=pool, silent_seconds=silent_seconds)
    database["ENGINE"] = "backoffice.postgresql.replica"
    database["CONN_HEALTH_CHECKS"] = False  # it is asked before each use how far it is
    database["TEST"] = {"MIRROR": "default"}
    # Whoever waits for it could be reading from the primary.
    database["OPTIONS"]["connect_timeout"] = 2  # seconds; libpq's least
    if silent_seconds:
        database["OPTIONS"]["tcp_user_timeout"] = 2000  # milliseconds
    if pool == "psycopg":
        database["OPTIONS"]["pool"]["timeout"] = 1
    return database
