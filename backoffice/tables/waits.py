"""How long PostgreSQL waits: for locks, and for clients that have gone silent.

What a connection is told when it begins lasts as long as it does. Behind a pooler that hands
connections from one transaction to the next, the role has to be told instead, by `ALTER ROLE`;
what must hold in any case is told to the transaction.
"""

import logging
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

logger = logging.getLogger(__name__)

READER = "1h"  # for which somebody who fetches an export may take nothing of it
#: SQLSTATE of what somebody else's lock ends: lock_not_available, deadlock_detected.
LOCKED = ("55P03", "40P01")
BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
#: The same of what ends a connection: broken, idle in a transaction, ended by an operator.
CUT = ("08", "25P03", "57P")


def connect() -> None:
    """For the AppConfig."""
    connection_created.connect(tell, dispatch_uid="backoffice.tables.waits")


def tell(connection: Any, **kwargs: Any) -> None:
    """Tell a new connection when PostgreSQL ends it, whose client would block others.

    A pool gives the connection to others: there the role is told.
    """
    if connection.vendor != "postgresql" or settings.DATABASE_POOL == "transaction":
        return
    try:
        _set(connection, is_local=False, **_idle(), **_silent())
    except DatabaseError as error:
        if was_cut(error):
            raise
        # Not each platform of a server can see that a client is gone: Windows can't.
        _set(connection, is_local=False, **_idle())
        for name, value in _silent().items():
            try:
                _set(connection, is_local=False, **{name: value})
            except DatabaseError:
                logger.info("This PostgreSQL refuses %s", name, exc_info=True)


def _idle() -> dict[str, str]:
    return {"idle_in_transaction_session_timeout": f"{settings.DATABASE_IDLE_SECONDS}s"}


def _silent() -> dict[str, str]:
    """A client that is gone is noticed, while it is waited for and while a statement runs."""
    seconds = settings.DATABASE_SILENT_SECONDS
    if not seconds:
        return {}
    return {
        "tcp_keepalives_idle": f"{max(seconds // 2, 1)}",
        "tcp_keepalives_interval": f"{max(seconds // 4, 1)}",
        "tcp_keepalives_count": "2",
        "tcp_user_timeout": f"{seconds}s",
        "client_connection_check_interval": f"{max(seconds // 4, 1)}s",
    }


def limit_waits(connection: BaseDatabaseWrapper, seconds: float) -> None:
    """Until the transaction ends, wait at most so many seconds for a lock, without end for 0.

    A statement that waits longer raises an OperationalError that `met_lock` knows. A client
    that goes silent meanwhile keeps its locks for DATABASE_IDLE_SECONDS. SQLite has the
    `timeout` of its connection.
    """
    if connection.vendor == "postgresql":
        _set(connection, is_local=True, lock_timeout=f"{int(seconds * 1000)}ms", **_idle())


def let_idle(connection: BaseDatabaseWrapper, longest: str = READER) -> None:
    """Until the transaction ends, let its client do nothing for as long; "0" is for ever.

    For a transaction that reads, and blocks nobody.
    """
    if connection.vendor == "postgresql":
        _set(connection, is_local=True, idle_in_transaction_session_timeout=longest)


def met_lock(error: OperationalError) -> bool:
    """Whether somebody else's lock caused it: the same succeeds once they have ended."""
    cause: Any = error.__cause__
    return getattr(cause, "sqlstate", None) in LOCKED or getattr(
        cause, "sqlite_errorname", ""
    ).startswith(BUSY)


def was_cut(error: BaseException) -> bool:
    """Whether PostgreSQL's connection was lost, so that nothing more can be done over it."""
    cause: Any = error.__cause__
    if not isinstance(error, DatabaseError | InterfaceError) or not hasattr(cause, "sqlstate"):
        return False
    if cause.sqlstate is None:  # nobody answered
        return isinstance(error, OperationalError | InterfaceError)
    return bool(cause.sqlstate.startswith(CUT))


def _set(connection: BaseDatabaseWrapper, *, is_local: bool, **values: str) -> None:
    calls = ", ".join(f"set_config('{name}', %s, {is_local})" for name in values)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {calls}", list(values.values()))
