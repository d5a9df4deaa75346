"""The database in a backup: copied while others write, put back as a whole or not at all."""

import os
import secrets
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.backups.archive import BackupError
from backoffice.jobs import workers
from backoffice.outages import removed_if_it_fails
from backoffice.tables.scratch import PREFIX
from backoffice.tables.waits import let_idle

Rows = dict[str, int]
QUIET = 2  # seconds for which others that use the database are waited for


def tables() -> list[str]:
    """The tables of Django's models that are there."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted({*names, "django_migrations"})


class SQLite:
    """Copied by SQLite's own online backup: https://www.sqlite.org/backup.html"""

    vendor = "sqlite"

    @property
    def path(self) -> Path:
        """The file itself: where a link leads to it, what is put back lies there too."""
        return Path(str(connection.settings_dict["NAME"])).resolve()

    def size(self) -> int:
        return self.path.stat().st_size

    def copy(self, target: Path) -> Rows:
        connection.ensure_connection()
        live: Any = connection.connection
        with closing(sqlite3.connect(target)) as copy:
            target.chmod(0o600)
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file
            return _count(copy, tables())

    def verify(self, source: Path, scratch: Path, names: Sequence[str]) -> Rows:
        """Its rows, counted in the file itself. Raises BackupError if it is damaged."""
        try:
            with closing(sqlite3.connect(source)) as copy:
                (said,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
                if said != "ok":
                    raise BackupError(_("The database in the backup is damaged: %s") % said)
                return _count(copy, names)
        except sqlite3.Error as error:
            raise BackupError(_("The database in the backup is damaged: %s") % error) from error

    def demand_quiet(self) -> None:
        """Raises BackupError while another process has the database open."""
        connection.close()
        if not self.path.exists():
            return
        try:
            # Leaving WAL takes the database for itself, and empties and removes `-wal`.
            with closing(sqlite3.connect(self.path, timeout=QUIET)) as own:
                own.execute("PRAGMA journal_mode=DELETE").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise BackupError(_("The database is in use. Stop the site first.")) from error
        except sqlite3.DatabaseError:
            pass  # it is damaged: that is why it is replaced

    def replace(self, source: Path) -> Path | None:
        """Put the file in the database's place; returns where the old one lies.

        `-wal` and `-shm` go aside with it: beside another file they would damage that.
        """
        connection.close()  # else it stays with the old file
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.restored")
        with removed_if_it_fails(draft):
            shutil.move(source, draft)  # maybe from another disk
        aside = None
        if self.path.exists():
            aside = self.path.with_name(f"{self.path.name}.replaced-{stamp()}")
            for suffix in ("-wal", "-shm", ""):
                part = Path(f"{self.path}{suffix}")
                if part.exists():
                    part.rename(f"{aside}{suffix}")
        draft.rename(self.path)
        return aside


def _count(database: sqlite3.Connection, names: Sequence[str]) -> Rows:
    quoted = {name: name.replace('"', '""') for name in names}
    return {
        name: database.execute(f'SELECT count(*) FROM "{quote}"').fetchone()[0]  # noqa: S608
        for name, quote in quoted.items()
    }


class PostgreSQL:
    """Copied by pg_dump, put back by pg_restore and psql in one transaction."""

    vendor = "postgresql"

    def size(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])

    def copy(self, target: Path) -> Rows:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            let_idle(connection, "0")  # it waits for pg_dump
            cursor.execute("SELECT pg_export_snapshot()")
            (snapshot,) = cursor.fetchone()
            # What is counted is what is dumped: both see the database at one moment.
            rows = _count_by(connection, tables())
            with target.open("xb") as file:
                target.chmod(0o600)
                options = ["-Fc", "--no-owner", "--no-privileges", "--no-comments"]
                # What else is in the database is not the site's, and stays as it is.
                options += [f"--table={self._schema()}.*"]
                options += [f'--extension="{name}"' for name in self._extensions()]
                # Else imports that go on would wait for it, to drop their own tables.
                options += [f"--exclude-table=*.{PREFIX}*"]
                _run("pg_dump", [*options, f"--snapshot={snapshot}"], stdout=file)
        return rows

    def verify(self, source: Path, scratch: Path, names: Sequence[str]) -> Rows:
        """Its rows, counted in a database that is made for it and dropped."""
        name = f"verify_{secrets.token_hex(6)}"
        try:
            with self._other("postgres") as server:
                server.cursor().execute(f"CREATE DATABASE {name}")
        except Exception as error:
            raise BackupError(
                _("No database could be made to verify the backup in: %s") % str(error).strip()
            ) from error
        schema = self._schema()
        try:
            with self._other(name) as copy:
                for each in {schema, *self._extensions().values()}:
                    copy.cursor().execute(f"CREATE SCHEMA IF NOT EXISTS {each}")
            self._load(source, scratch, database=name)
            with self._other(name) as copy:
                copy.cursor().execute(f"SET search_path TO {schema}")
                return _count_by(copy, names)
        finally:
            with self._other("postgres") as server:
                server.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _schema(self) -> str:
        """In which the site's tables are; quoted."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT quote_ident(current_schema())")
            return str(cursor.fetchone()[0])

    def _extensions(self) -> dict[str, str]:
        """Those that its role could make in another database, with their schemas, quoted."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT e.extname, e.extnamespace::regnamespace::text FROM pg_extension e"
                " JOIN pg_available_extension_versions v ON v.name = e.extname"
                " JOIN pg_roles r ON r.rolname = current_user WHERE e.extname <> 'plpgsql'"
                " AND (v.trusted OR r.rolsuper OR NOT v.superuser)"
            )
            return dict(cursor.fetchall())

    @contextmanager
    def _other(self, name: str) -> Iterator[BaseDatabaseWrapper]:
        other = connection.copy()
        other.settings_dict["NAME"] = name
        # Else it is one of the pool's, to the database of the site.
        other.settings_dict["OPTIONS"].pop("pool", None)
        try:
            yield other
        finally:
            other.close()

    def demand_quiet(self) -> None:
        pooled: Any = connection
        if pooled.settings_dict["OPTIONS"].get("pool"):  # its connections would be counted
            pooled.close()
            pooled.close_pool()
            del pooled.settings_dict["OPTIONS"]["pool"]
        end = time.monotonic() + QUIET
        while number := self._others():
            if time.monotonic() > end:
                raise BackupError(
                    _("The database is in use, by %d connections. Stop the site first.")
                    % number
                )
            time.sleep(0.1)  # PostgreSQL ends a moment after its client

    def _others(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                # Of another role's connections, nobody but it sees what they are.
                " AND pid <> pg_backend_pid() AND usesysid IS NOT NULL"
                " AND coalesce(backend_type, 'client backend') = 'client backend'"
            )
            return int(cursor.fetchone()[0])

    def replace(self, source: Path) -> Path | None:
        connection.close()
        self._load(source, source.parent)
        return None

    def _load(self, source: Path, scratch: Path, database: str | None = None) -> None:
        """Drop all tables of the schema, and make those of the dump; all or nothing."""
        script = scratch / "restore.sql"
        with script.open("xb") as file:
            script.chmod(0o600)
            file.write(((OURS if database is None else "") + EMPTY).encode())
            file.flush()
            options = ["--no-owner", "--no-privileges", "--file=-"]
            _run("pg_restore", [*options, str(source)], stdout=file, connects=False)
            if database is None:
                file.write(FOUND.encode())
        options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        try:
            _run(
                "psql", [*options, "--output", os.devnull, "--file", str(script)], name=database
            )
        finally:
            script.unlink()


OF_EXTENSION = """EXISTS (
    SELECT 1 FROM pg_depend d
    WHERE d.deptype = 'e' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid)"""
#: Nothing is dropped where DATABASE_URL names the database of something else.
OURS = f"""
DO $$ BEGIN
    IF to_regclass('django_migrations') IS NOT NULL THEN
        IF EXISTS (SELECT 1 FROM django_migrations WHERE app = 'backoffice') THEN
            RETURN;
        END IF;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_class c WHERE relkind IN ('r', 'p') AND NOT {OF_EXTENSION}
        AND relnamespace = quote_ident(current_schema())::regnamespace) THEN
        RAISE 'The database % has tables of something else. Restore into an empty one.',
            current_database();
    END IF;
END $$;
"""  # noqa: S608 -- no text of a user
#: Also what a newer version made, which the dump does not know. What others have made of the
#: site's tables elsewhere, such as views in another schema, is not dropped: PostgreSQL refuses.
EMPTY = f"""
SET client_min_messages = warning;
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT kind, string_agg(c.oid::regclass::text, ', ') AS names
        FROM pg_class c JOIN (VALUES (1, 'm', 'MATERIALIZED VIEW'), (2, 'v', 'VIEW'),
            (3, 'r', 'TABLE'), (3, 'p', 'TABLE')) AS kinds (place, letter, kind)
            ON letter = c.relkind::text
        WHERE relnamespace = quote_ident(current_schema())::regnamespace AND NOT {OF_EXTENSION}
        GROUP BY place, kind ORDER BY place
    LOOP
        EXECUTE format('DROP %s %s', found.kind, found.names);
    END LOOP;
END $$;
"""  # noqa: S608 -- no text of a user
#: The dump names the schema that its tables were in; the site may look for them elsewhere.
FOUND = """
RESET search_path;
DO $$ BEGIN
    IF to_regclass('django_migrations') IS NULL THEN
        RAISE 'The tables of the backup are in a schema where this role does not look for'
            ' them: set its search_path.';
    END IF;
END $$;
"""


def _count_by(database: BaseDatabaseWrapper, names: Sequence[str]) -> Rows:
    counts = {}
    with database.cursor() as cursor:
        for name in names:
            quoted = database.ops.quote_name(name)
            cursor.execute(f"SELECT count(*) FROM {quoted}")  # noqa: S608
            counts[name] = int(cursor.fetchone()[0])
    return counts


def _run(
    program: str,
    options: Sequence[str],
    *,
    stdout: Any = None,
    connects: bool = True,
    name: str | None = None,
) -> None:
    """Run one of PostgreSQL's programs. Raises BackupError with what it said."""
    path = shutil.which(program)
    if path is None:
        raise BackupError(
            _("%s is not installed. Install PostgreSQL's client programs.") % program
        )
    where: Sequence[str] = []
    environment: dict[str, str] = {}
    if connects:
        settings = {**connection.settings_dict, **({"NAME": name} if name else {})}
        client: Any = connection.client
        (_psql, *where), more = client.settings_to_cmd_args_env(settings, [])
        environment = more or {}
        if told := settings["OPTIONS"].get("options"):  # such as a search_path
            environment["PGOPTIONS"] = told
    done = subprocess.run(  # noqa: S603 -- no shell, and no text of a user
        [path, *options, *where],
        env=os.environ | environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupError(f"{program}: {done.stderr.strip()}")


def stamp() -> str:
    """The time in the name of a file."""
    return timezone.now().strftime("%Y%m%dT%H%M%SZ")


def database() -> SQLite | PostgreSQL:
    """That of the site. Raises BackupError where it is of another kind."""
    if connection.vendor == "sqlite":
        return SQLite()
    if connection.vendor == "postgresql":
        return PostgreSQL()
    raise BackupError(_("Databases of the kind %s can't be backed up.") % connection.vendor)


def demand_stopped(kind: SQLite | PostgreSQL) -> None:
    """Raises BackupError while a worker is alive, or somebody else uses the database."""
    with suppress(DatabaseError):  # it is not there yet, or damaged
        if workers.alive():
            raise BackupError(
                _("A worker runs. Stop it and the site first, and wait a minute.")
            )
    kind.demand_quiet()
