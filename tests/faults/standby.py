"""A primary of a test's own, with a replica that streams from it."""

import os
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.browser.server import free_port
from tests.faults.house import ROOT
from tests.faults.test_restart import Cluster


class Standby:
    """Beside the cluster's folder; what it is asked is in its log."""

    def __init__(self, cluster):
        crash = cluster.crash_command
        self.before = crash[: crash.index("pg_ctl")]  # as whom, with which PATH
        self.folder = cluster.folder.parent
        self.port, parts = free_port(), urlsplit(cluster.url)
        self.url = f"postgres://postgres@127.0.0.1:{self.port}{parts.path}"
        self._run(
            "pg_basebackup", "-D", str(self.data), "-R", "-c", "fast", "--no-sync",
            "-h", parts.hostname, "-p", str(parts.port), "-U", parts.username,
        )  # fmt: skip
        self.start()

    @property
    def data(self):
        return self.folder / "standby"

    def start(self):
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder} -c fsync=off"
            " -c log_statement=all -c max_standby_streaming_delay=0"
        )
        self._control("start", "-l", str(self.log), "-o", options)

    def stop(self):
        self._control("stop", "--mode", "fast")

    def promote(self):
        self._control("promote")

    def _control(self, what, *options):
        self._run("pg_ctl", what, "--silent", "--wait", "-D", str(self.data), *options)

    def _run(self, *command):
        done = subprocess.run(
            [*self.before, *command], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert done.returncode == 0, done.stderr.decode()

    # Its log ------------------------------------------------------------------------

    @property
    def log(self):
        return self.folder / "standby.log"

    def statements(self):
        """What was asked of it."""
        return statements(self.log)


def statements(log: Path):
    """The statements in a log of PostgreSQL with log_statement=all, each in one line."""
    found, text = [], log.read_text(errors="replace") if log.exists() else ""
    for line in text.splitlines():
        if said := re.search(r" LOG:  (?:statement|execute [^:]+): (.*)", line):
            found.append(said[1])
        elif line.startswith("\t") and found:
            found[-1] += " " + line.strip()
    return found


class Pair:
    """A primary and its replica."""

    def __init__(self):
        self.primary = Cluster()
        self.standby = None

    def copy(self):
        self.standby = Standby(self.primary)

    def on_primary(self, sql):
        return ask(self.primary.url, sql)

    def on_standby(self, sql):
        return ask(self.standby.url, sql)

    def pause(self):
        """From now on the replica takes in nothing."""
        self.on_standby("SELECT pg_wal_replay_pause()")
        wait_for(
            lambda: self.on_standby("SELECT pg_get_wal_replay_pause_state()") == [("paused",)]
        )

    def resume(self):
        self.on_standby("SELECT pg_wal_replay_resume()")

    def remove(self):
        if self.standby:
            self.standby.stop()
        self.primary.remove()


@contextmanager
def pooled(url):
    """The URL of a PgBouncer before the server, that lends connections for a transaction."""
    process = subprocess.Popen(
        [".ci/with-pgbouncer", "sh", "-c", 'echo "$DATABASE_URL"; cat'],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


def ask(url, sql):
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else None


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "It did not come to that."
        time.sleep(0.05)
