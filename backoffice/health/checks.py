"""What a server needs to answer pages; each check says what is wrong, and the remedy.

They are made beside requests, each with a connection of its own that is closed again: what
hangs keeps no request, and a pool whose connections are all taken is no broken database.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from backoffice import machines
from backoffice.changes import files
from backoffice.jobs import tasks, workers
from backoffice.outages import demand_room, free_bytes
from backoffice.tables.replica import REPLICA, Outcome, look

CONNECT = 2  # seconds; PostgreSQL's least
NAMED = 3  # migrations that a sentence names
BEHIND = 1.0  # seconds for which a replica may lag
#: What is wrong with a replica.
REPLICA_PROBLEMS = {
    Outcome.BEHIND: (
        "It is more than a second behind. Look whether it receives from the primary, and what"
        " it waits for (docs/how-to/several-machines.md)."
    ),
    Outcome.WRITABLE: (
        "DATABASE_REPLICA_URL names a database that takes writes: it was promoted, or never"
        " was a replica. Name a replica, or leave the setting out."
    ),
    Outcome.ANOTHER: (
        "DATABASE_REPLICA_URL names no copy of the database of DATABASE_URL. Name one, or"
        " leave the setting out."
    ),
}


@dataclass(frozen=True)
class Found:
    """problem: what is wrong, and the remedy, in sentences; "" if nothing is.

    age: seconds since the last sign of life, of what gives one.
    """

    problem: str = ""
    age: float | None = None


FINE = Found()


@dataclass(frozen=True)
class Check:
    """look may raise. needed: whether a server is not ready without it."""

    name: str
    look: Callable[[], Found]
    needed: bool = True


@contextmanager
def new_connection(alias: str = DEFAULT_DB_ALIAS) -> Iterator[BaseDatabaseWrapper]:
    """A connection to the database that is nobody else's."""
    connection = connections[alias].copy()
    if connection.vendor == "postgresql":
        options = connection.settings_dict["OPTIONS"]
        options.pop("pool", None)
        options["connect_timeout"] = CONNECT
    try:
        if missing := missing_file(connection):  # to connect would make an empty one
            raise DatabaseError(f"there is no {missing}: run manage.py migrate, or restore it")
        yield connection
    finally:
        connection.close()


def missing_file(connection: Any) -> str:
    """SQLite's file if that is not there, else ""."""
    name = str(connection.settings_dict["NAME"])
    is_file = connection.vendor == "sqlite" and not connection.is_in_memory_db()
    return name if is_file and not Path(name).exists() else ""


def database() -> Found:
    try:
        with new_connection() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        said = " ".join(str(error).split())
        return Found(f"It can't be used: {said}. Start it, or correct DATABASE_URL.")
    return FINE


def migrations() -> Found:
    with new_connection() as connection:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return FINE
    names = ", ".join(str(migration) for migration, _backwards in plan[:NAMED])
    more = f" and {len(plan) - NAMED} more" if len(plan) > NAMED else ""
    return Found(f"Some are not applied: {names}{more}. Run manage.py migrate.")


def data() -> Found:
    folder = Path(settings.DATA_DIR)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
        demand_room(folder)
    except OSError as error:
        said = f"{error.strerror or error}"
        try:
            free, least = free_bytes(folder), settings.DATA_MIN_FREE
        except OSError:
            free, least = 0, 0
        if free < 0:
            left = (free + least) / 1e6
            said = f"{left:,.0f} MB are free, and {least / 1e6:,.0f} (DATA_MIN_FREE) are to be"
        return Found(
            f"Nothing can be kept in {folder}: {said}. Make room, or give the user of the site"
            " the right to write there, or mount it again."
        )
    return FINE


def uploads() -> Found:
    """No reason to send nobody to a server: what is not an import needs none."""
    try:
        if files.are_shared():
            files.reach()
    except OSError as error:
        return Found(
            f"The storage of uploads can't be used: {error.strerror or error}. Start it, or"
            " correct IMPORTS_BUCKET… and its credentials."
        )
    return FINE


def worker() -> Found:
    """No worker is no reason to send nobody to a server: pages and small imports need none."""
    if not tasks.has_queue():
        return FINE
    if tasks.queue_is_away():
        return Found(
            "The queue of TASKS_URL can't be reached: large imports wait. Start Redis, or"
            " correct TASKS_URL."
        )
    with new_connection() as connection:
        age = next(iter(workers.ages(connection)), None)
        if not workers.is_missing(connection):
            return Found(age=age)
    seen = "ever" if age is None else f"in the last {age:.0f} seconds"
    problem = (
        f"No worker has been seen {seen}: large imports wait, and nothing is removed when its"
        " time has come. Start the service, or manage.py worker."
    )
    return Found(problem, age)


def machine() -> Found:
    """Told alone: who runs serves on while a key is changed, one machine after the other."""
    with new_connection() as connection:
        return Found(machines.problem(machines.known_by(connection)))


def replica() -> Found:
    """No reason to send nobody to a server: lists are then read from the primary."""
    with new_connection() as primary, new_connection(REPLICA) as copy:
        try:
            problem = REPLICA_PROBLEMS.get(look(primary, copy, BEHIND), "")
        except DatabaseError as error:
            said = " ".join(str(error).split())
            problem = f"It can't be used: {said}. Start it, or correct DATABASE_REPLICA_URL."
    if problem:
        problem += " Meanwhile lists and exports are read from the primary."
    return Found(problem)


CHECKS = (
    Check("database", database),
    Check("migrations", migrations),
    Check("data", data),
    Check("uploads", uploads, needed=False),
    Check("worker", worker, needed=False),
    Check("machine", machine, needed=False),
    *([Check(REPLICA, replica, needed=False)] if REPLICA in settings.DATABASES else []),
)
