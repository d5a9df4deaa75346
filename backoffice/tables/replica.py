"""Reading lists and exports from a replica of PostgreSQL, where that has all that is committed.

The primary is asked how far it is, and the replica waited for until it has come so far; if it
takes longer than REPLICA_WAIT_SECONDS, or the replica fails, the primary is read. So whoever
was just limited to some rows sees no others, and whoever saved sees what was saved. Nothing is
written there: it can't be, and what was read there is saved on the primary.
"""

import logging
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.dispatch import Signal

from backoffice.tables.waits import was_cut

logger = logging.getLogger(__name__)

REPLICA = "replica"
REST = 5.0  # seconds for which a process leaves a replica alone that was behind, or failed
ANSWER = 0.5  # seconds, beside those that are waited for it, in which it has to answer
FIRST_PAUSE = 0.002  # seconds; each is twice the one before
#: SQLSTATE of what a replica ends so that it can go on: serialization_failure and, where the
#: two waited for each other, deadlock_detected.
CONFLICT = ("40001", "40P01")

#: What a commit has answered lies before the end of what was flushed; but with
#: synchronous_commit off, nobody waits for that. What was only inserted can be anybody's
#: unfinished work, which no replica has yet.
COMMITTED = """
    SELECT system_identifier, current_database(),
        CASE current_setting('synchronous_commit')
            WHEN 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn()
        END
    FROM pg_control_system()
"""
REPLAYED = """
    SELECT pg_is_in_recovery(), system_identifier = $1 AND current_database() = $2,
        coalesce(pg_last_wal_replay_lsn() >= CAST($3 AS pg_lsn), false)
    FROM pg_control_system()
"""


class Outcome(StrEnum):
    """What came of asking the replica."""

    READ = "replica"  #: it has everything, and is read
    BEHIND = "behind"
    FAILED = "failed"  #: it is not there, or ended what it was asked
    WRITABLE = "writable"  #: it is a primary: one that was promoted, or was never a replica
    ANOTHER = "another"  #: it is no copy of this database


class Ended(OperationalError):
    """The replica ended what some rows were taken from: all are to be read anew."""


#: Sent for each list and export of a site with a replica, with its `outcome`.
asked = Signal()

_app: ContextVar[str | None] = ContextVar("backoffice_replica_app", default=None)


@dataclass
class _State:
    """What this process knows of the replica: threads share it, and may overwrite it."""

    outcome: Outcome = Outcome.READ
    rests_until: float = 0.0

    def may_ask(self) -> bool:
        """Whether this thread may: after a rest one of them tries, which may take a while."""
        now = time.monotonic()
        if now < self.rests_until:
            return False
        if self.outcome is not Outcome.READ:
            self.rests_until = now + REST
        return True

    def note(self, outcome: Outcome, error: Error | None = None) -> None:
        rests = outcome is not Outcome.READ
        self.rests_until = time.monotonic() + REST if rests else 0.0
        if outcome is not self.outcome:
            said = f": {' '.join(str(error).split())}" if error else ""
            where = "the replica again" if outcome is Outcome.READ else "the primary"
            logger.warning("Lists and exports are read from %s (%s%s)", where, outcome, said)
        self.outcome = outcome


_state = _State()


def is_set() -> bool:
    """Whether the site has a replica."""
    return REPLICA in connections.settings


def alias_now() -> str:
    """The database from which a list is to be read that is asked for now.

    Where it is asked for in a transaction, that may have written: the primary has it alone.
    """
    if not is_set() or connections[DEFAULT_DB_ALIAS].in_atomic_block:
        return DEFAULT_DB_ALIAS
    if _state.may_ask():
        try:
            outcome, error = _look(), None
        except Error as raised:
            connections[REPLICA].close()
            outcome, error = Outcome.FAILED, raised
        _state.note(outcome, error)
    asked.send(sender=None, outcome=_state.outcome)
    return REPLICA if _state.outcome is Outcome.READ else DEFAULT_DB_ALIAS


def _look() -> Outcome:
    primary, replica = connections[DEFAULT_DB_ALIAS], connections[REPLICA]
    return look(primary, replica, settings.REPLICA_WAIT_SECONDS)


def look(primary: BaseDatabaseWrapper, replica: BaseDatabaseWrapper, seconds: float) -> Outcome:
    """Whether the replica has all that is committed by now, or gets it in so many seconds.

    Raises an Error of Django's where one of them does not answer.
    """
    end, pause = time.monotonic() + seconds, FIRST_PAUSE
    with primary.cursor() as cursor:
        cursor.execute(COMMITTED)
        committed = cursor.fetchone()
    while True:
        is_replica, is_ours, has_all = _ask(replica, committed, seconds + ANSWER)
        if not is_ours:
            return Outcome.ANOTHER
        if not is_replica:
            return Outcome.WRITABLE
        if has_all:
            return Outcome.READ
        if time.monotonic() + pause > end:
            return Outcome.BEHIND
        time.sleep(pause)
        pause *= 2


def _ask(
    replica: BaseDatabaseWrapper, committed: Sequence[object], seconds: float
) -> list[bool]:
    """What REPLAYED gives. Raises OperationalError if that takes longer.

    psycopg waits for an answer without end: a replica that stands still would in time have
    all threads of all servers.
    """
    end = time.monotonic() + seconds
    replica.ensure_connection()
    connection: Any = replica.connection
    libpq, ready = connection.pgconn, select.poll()
    ready.register(libpq.socket, select.POLLIN)
    with replica.wrap_database_errors:
        libpq.send_query_params(REPLAYED.encode(), [str(each).encode() for each in committed])
        libpq.flush()
        results: list[Any] = []
        while not results or results[-1] is not None:
            while libpq.is_busy():
                if not ready.poll(max(0.0, end - time.monotonic()) * 1000):
                    raise OperationalError(f"it does not answer within {seconds:g} seconds")
                libpq.consume_input()
            results.append(libpq.get_result())
    if results[0].ntuples != 1:
        raise OperationalError(results[0].error_message.decode(errors="replace"))
    return [results[0].get_value(0, column) == b"t" for column in range(3)]


def gave_up(*errors: Error) -> bool:
    """Whether one of them says that the replica ended something: the primary can do it.

    Then it is left alone for a while.
    """
    for error in errors:
        if was_cut(error) or getattr(error.__cause__, "sqlstate", None) in CONFLICT:
            connections[REPLICA].close()
            _state.note(Outcome.FAILED, error)
            asked.send(sender=None, outcome=Outcome.FAILED)
            return True
    return False


@contextmanager
def reading(app_label: str) -> Iterator[list[Error]]:
    """In the block, what is read of an app's models is read from the replica.

    Only for what was asked by `alias_now` before, and writes nothing. It gives a list of the
    errors there, as they happen: a template's `if` would keep one to itself.
    """
    failed: list[Error] = []

    def noting(execute: Callable[..., Any], *args: Any) -> Any:
        try:
            return execute(*args)
        except Error as error:
            failed.append(error)
            raise

    token = _app.set(app_label)
    try:
        with connections[REPLICA].execute_wrapper(noting):
            yield failed
    finally:
        _app.reset(token)


class Router:
    """For DATABASE_ROUTERS. All but what `reading` says is the primary's.

    What is read by way of a record comes from where that was read.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        if hints.get("instance") is None and model._meta.app_label == _app.get():
            return REPLICA
        return None

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        instance = hints.get("instance")
        if instance is not None and instance._state.db == REPLICA:
            return DEFAULT_DB_ALIAS
        return None

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool | None:
        if {one._state.db, other._state.db} <= {DEFAULT_DB_ALIAS, REPLICA}:
            return True
        return None

    def allow_migrate(self, alias: str, *args: Any, **hints: Any) -> bool | None:
        return False if alias == REPLICA else None
