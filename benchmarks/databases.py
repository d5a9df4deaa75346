"""Fresh databases: copies of a migrated one, empty or with libraries."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]


def manage(environment, *arguments):
    command = [sys.executable, "manage.py", *map(str, arguments)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


class Databases:
    """`fresh(name)` returns the environment for a process on a new database."""

    def __init__(self, folder):
        self.folder, self.templates = folder / self.name, {}
        self.folder.mkdir()

    def environment(self, name):
        return os.environ | {
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": self.url(name),
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
            "IMPORT_MAX_ROWS": "20000000",  # ten times as many rows as are measured by default
            "SECRET_KEY": "benchmarks",
        }

    def template(self, name, *libraries, books=None):
        """Make a migrated database with these files imported, as a template."""
        if not libraries:
            self.make(name)
            manage(self.environment(name), "migrate", "--verbosity", 0)
            return
        self.copy("empty", name)
        for file in libraries:
            manage(self.environment(name), "import", "library.Library", file, "--json")
        if books:
            manage(self.environment(name), "import", "library.Book", books, "--json")

    def fresh(self, template="empty"):
        self.copy(template, "run")
        return self.environment("run")


class SQLite(Databases):
    name = "SQLite"

    def path(self, name):
        return self.folder / f"{name}.sqlite3"

    def url(self, name):
        return f"sqlite:///{self.path(name)}"

    def make(self, name):
        """Django creates the file."""

    def drop(self, name):
        for path in self.folder.glob(f"{name}.sqlite3*"):
            path.unlink()

    def copy(self, source, name):
        self.drop(name)
        with contextlib.closing(sqlite3.connect(self.path(source))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(self.path(source), self.path(name))

    def describe(self):
        return (
            f"SQLite {sqlite3.sqlite_version}, journal_mode=WAL, synchronous=NORMAL, on"
            " disk, for ours, for stock and for the floor alike"
        )


class PostgreSQL(Databases):
    """Databases called `bench_…`, in the cluster of DATABASE_URL."""

    name = "PostgreSQL"

    def __init__(self, folder, url):
        self.server = urlsplit(url)
        super().__init__(folder)

    def url(self, name):
        return self.server._replace(path=f"/bench_{name}").geturl()

    def execute(self, sql):
        import psycopg

        with psycopg.connect(self.server.geturl(), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchone() if cursor.description else None

    def make(self, name):
        self.drop(name)
        self.execute(f"CREATE DATABASE bench_{name}")

    def drop(self, name):
        self.execute(f"DROP DATABASE IF EXISTS bench_{name} WITH (FORCE)")

    def copy(self, source, name):
        self.drop(name)
        self.execute(f"CREATE DATABASE bench_{name} TEMPLATE bench_{source}")
        self.execute("CHECKPOINT")

    def describe(self):
        names = ["server_version", "fsync", "synchronous_commit", "shared_buffers"]
        names += ["work_mem", "random_page_cost"]
        version, *settings = [self.execute(f"SHOW {name}")[0] for name in names]
        pairs = (f"{name}={value}" for name, value in zip(names[1:], settings, strict=True))
        return f"PostgreSQL {version}, {', '.join(pairs)}"
