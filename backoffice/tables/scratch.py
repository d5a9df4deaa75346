"""Tables of one piece of work: nobody else sees them, and they go with it.

They are temporary tables, of the connection. A pool such as PgBouncer's, which lends a
connection for one transaction, gives the next transaction another one, where others' temporary
tables are. There they are unlogged tables in the schema where new tables go, with names that
nobody else has; those that a killed process left behind are dropped a day later.
"""

import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from backoffice.tables.replica import REPLICA

PREFIX = "backoffice_scratch_"
LONGEST = 63  # characters of a name that PostgreSQL keeps
STALE = 24 * 3600  # seconds
#: What a moment of the database's clock is in a name.
STAMP = re.compile(rf"{PREFIX}([0-9a-f]{{8}})_")


class NoScratch(OperationalError):
    """The role may not make such tables. `str()` says what it needs."""


@dataclass(frozen=True)
class Session:
    """What a connection to PostgreSQL allows.

    is_lent: for one transaction, by a pool · schema: where new tables go, "" if there is none ·
    may_create: tables there · may_be_temporary: it may make temporary tables.
    """

    is_lent: bool
    role: str
    database: str
    schema: str
    may_create: bool
    may_be_temporary: bool

    @property
    def refusal(self) -> str:
        """Why no tables can be made, and what would help; "" if they can."""
        if not self.may_be_temporary:
            return _(
                "The database role %(role)s may not make temporary tables. An administrator"
                " of the database can allow it:"
                " GRANT TEMPORARY ON DATABASE %(database)s TO %(role)s"
            ) % {"role": self.role, "database": self.database}
        if self.is_lent and not self.may_create:
            return _(
                "The database is reached through a pool that lends a connection for one"
                " transaction, and the role %(role)s may not make tables there. An"
                " administrator of the database can allow it:"
                " GRANT CREATE ON SCHEMA %(schema)s TO %(role)s"
            ) % {"role": self.role, "schema": self.schema or "public"}
        return ""


#: By psycopg's connection: neither a pool nor a right changes while it is open.
_sessions: WeakKeyDictionary[Any, Session] = WeakKeyDictionary()


def session(connection: BaseDatabaseWrapper) -> Session:
    """Of a connection to PostgreSQL."""
    connection.ensure_connection()
    raw: Any = connection.connection
    if raw not in _sessions:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_backend_pid(), current_user, current_database(),"
                " coalesce(current_schema(), ''),"
                " coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),"
                " has_database_privilege(current_database(), 'TEMPORARY')"
            )
            pid, *rest = cursor.fetchone()
        # A pool seldom tells which of its connections a client has: it may be another soon.
        is_hidden = pid != raw.info.backend_pid and settings.DATABASE_POOL != "session"
        is_lent = is_hidden or settings.DATABASE_POOL == "transaction"
        _sessions[raw] = Session(is_lent, *rest)
    return _sessions[raw]


class Scratch:
    """Raises NoScratch."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.kind, self.schema, self.prefix = "", "temp", ""
        self._made: dict[str, None] = {}  # what `create` made
        if connection.vendor == "postgresql":
            found = session(connection)
            if found.refusal:
                raise NoScratch(found.refusal)
            self.schema = "pg_temp"
            if found.is_lent:
                self.kind = "UNLOGGED "
                self.schema = connection.ops.quote_name(found.schema).replace("%", "%%")
                self.prefix = f"{PREFIX}{_now(connection):08x}_{secrets.token_hex(4)}_"

    def name(self, name: str) -> str:
        """The name in SQL, with the schema: a real table of that name is never hit."""
        name = self.prefix + name
        if len(name) > LONGEST:
            digest = hashlib.sha256(name.encode()).hexdigest()[:8]
            name = f"{name[: LONGEST - 9]}_{digest}"
        return f"{self.schema}.{name}"

    def create(self, name: str, definition: str, params: Sequence[Any] = ()) -> None:
        """Make the table `name(…)` anew; definition: what follows the name in SQL."""
        with self.connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {name}", ())
            cursor.execute(f"CREATE {self.kind}TABLE {name} {definition}", params)
        self._made[name] = None

    def drop(self, *names: str) -> None:
        """Drop the tables; all that were made if none is named."""
        with self.connection.cursor() as cursor:
            for name in names or list(self._made):
                cursor.execute(f"DROP TABLE IF EXISTS {name}", ())
                self._made.pop(name, None)


def _now(connection: BaseDatabaseWrapper) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT CAST(extract(epoch FROM clock_timestamp()) AS bigint)")
        return int(cursor.fetchone()[0])


def stale() -> list[tuple[str, str]]:
    """What killed processes left a day ago, in each database: `(alias, name in SQL)`."""
    return [
        (alias, name)
        for alias in connections
        if alias != REPLICA and connections[alias].vendor == "postgresql"
        for name in _stale(connections[alias])
    ]


def _stale(connection: BaseDatabaseWrapper) -> Iterator[str]:
    before, quote = _now(connection) - STALE, connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nspname, relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE relkind = 'r' AND starts_with(CAST(relname AS text), %s)"
            " AND pg_has_role(relowner, 'USAGE')",
            [PREFIX],
        )
        for schema, name in cursor.fetchall():
            stamp = STAMP.match(name)
            if stamp and int(stamp[1], 16) < before:
                yield f"{quote(schema)}.{quote(name)}"


def drop_stale() -> int:
    """Drop what `stale` finds; how many tables they are."""
    found = stale()
    for alias, name in found:
        with connections[alias].cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {name}", None)
    return len(found)
