"""A server for the browser tests: gunicorn with its own port and database."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MADE = "made.json"  # in the folder: what `data.py` printed


class Server:
    """`url` without a slash at its end; `sessions` and `pages` as `data.py` made them."""

    def __init__(self, url, sessions, pages):
        self.url, self.sessions, self.pages = url, sessions, pages


def prepare(folder):
    """Make in `folder` what a server starts from: the database and files of `data.py`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.browser.data"],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (folder / MADE).write_text(done.stdout)


@contextmanager
def serve(folder, **variables):
    """A server over what `prepare` made in `folder`, until the block ends.

    variables: of its environment, beside those that all have.
    """
    port = free_port()
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "backoffice.wsgi"],
            cwd=ROOT,
            env=environment(folder, PORT=str(port), WEB_CONCURRENCY="1", **variables),
            stdout=log,
            stderr=log,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/admin/login/", process, folder / "server.log")
            yield Server(url, **json.loads((folder / MADE).read_text()))
        finally:
            process.terminate()
            process.wait(20)


def environment(folder, **variables):
    return os.environ | {
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "EXTRA_APPS": "",
        # A slow machine signs nobody out, and is asked for no password.
        "SESSION_IDLE_MINUTES": "600",
        "SESSION_PROOF_MINUTES": "600",
        **variables,
    }


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, process, log, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5)  # noqa: S310 -- our own, on loopback
        except OSError:  # not there yet, or slow to answer
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())
