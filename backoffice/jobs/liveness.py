"""Whether a run moves: what its own connection gets done, and not that some thread is alive.

A connection can stand still, on a network that drops packets or in a process that is stopped.
Then the thread of the job waits in it for ever, whatever other threads of the process do.
"""

import contextlib
import datetime
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

logger = logging.getLogger(__name__)

STILL = 20  # seconds without anything done, after which a run is cut off
REPLICA = "backoffice.postgresql.replica.base"  # is imported only where there is one
SIGNED = 1_667_458  # the first key of our advisory locks; the second is that of the job
#: PostgreSQL works for the connection, and does not wait for its client.
WORKS = "state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'"
#: Of connections that have signed these jobs, and for which nothing was done for so long.
STANDING = f"""
    SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND objsubid = 2 AND granted
    AND classid = %s AND objid = ANY(%s) AND datname = current_database()
    AND NOT ({WORKS}) AND state_change < clock_timestamp() - make_interval(secs => %s)
"""  # noqa: S608 -- of constants
ACTIVITY = f"""
    SELECT {WORKS}, query_start, state_change FROM pg_stat_activity
    WHERE pid = %s AND datname = current_database()
"""  # noqa: S608 -- of constants


def ago(seconds: float) -> CombinedExpression:
    """SQL for a moment by the database's clock: machines need not agree on the time."""
    return Now() - datetime.timedelta(seconds=seconds)


# From outside ---------------------------------------------------------------------------


def sign(job: int) -> None:
    """Tell PostgreSQL which connection writes the job, until the transaction ends.

    Another run that comes to write it waits for that.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [SIGNED, job])


def end_from_outside(jobs: Iterable[int]) -> int:
    """End the connections that are about to write these jobs and stand still; how many.

    What they wrote is undone, and their locks are free. A role may do so with its own
    connections, with others' only if it has `pg_signal_backend`.
    """
    ended = 0
    if connection.vendor != "postgresql" or not (jobs := list(jobs)):
        return ended
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [SIGNED, jobs, STILL])
        for (pid,) in cursor.fetchall():
            logger.warning("Connection %s writes a job and stands still: it is ended", pid)
            try:
                cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
                ended += 1
            except DatabaseError:
                logger.exception("This role may not end connection %s", pid)
    return ended


# From another thread of the process -----------------------------------------------------


class Run:
    """A job that the present thread works on, over this connection."""

    def __init__(self, job: int, connection: BaseDatabaseWrapper) -> None:
        self.job, self.connection = job, connection
        self.thread = threading.get_ident()
        self.activity: Any = None  # of the connection, as it was seen last
        self.moved_at = time.monotonic()

    def moves(self) -> bool:
        """Whether it got something done since this was asked last, or is busy by itself."""
        if self._waits_for_the_database() and not self._is_served():
            return False
        self.moved_at = time.monotonic()
        return True

    def stands_still(self) -> bool:
        return time.monotonic() - self.moved_at > STILL

    def cut(self) -> None:
        """Close the connection under the thread that waits in it, which gets an error."""
        with contextlib.suppress(OSError, DatabaseError):
            descriptor = os.dup(self._raw.fileno())
            with socket.socket(fileno=descriptor) as end:
                end.shutdown(socket.SHUT_RDWR)

    @property
    def _raw(self) -> Any:
        """psycopg's connection."""
        return self.connection.connection

    def _waits_for_the_database(self) -> bool:
        """Whether the thread is inside psycopg: in a statement, a COPY, or fetching rows.

        Not where it waits for the replica, which ends by itself.
        """
        frame, names = sys._current_frames().get(self.thread), set()
        while frame is not None:
            names.add(frame.f_globals.get("__name__", ""))
            frame = frame.f_back
        is_inside = any(name.partition(".")[0] == "psycopg" for name in names)
        return is_inside and REPLICA not in names

    def _is_served(self) -> bool:
        """Whether PostgreSQL works for it, or was asked something since this was asked last.

        Where a pool hides the connection, the thread is believed.
        """
        pid = self._raw.info.backend_pid if self._raw and not self._raw.closed else 0
        with connection.cursor() as cursor:
            cursor.execute(ACTIVITY, [pid])
            found = cursor.fetchone()
        if found is None or found[0] is not False:
            return True
        before, self.activity = self.activity, found
        return bool(found != before)
