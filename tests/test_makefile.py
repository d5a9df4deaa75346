"""`make` and its environment. Some tests run only in the environment that `make` made."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

ROOT = Path(__file__).resolve().parent.parent
# One that is linked is another checkout's: `make` must not make it anew.
in_our_environment = pytest.mark.skipif(
    Path(sys.prefix) != ROOT / ".venv" or (ROOT / ".venv").is_symlink(),
    reason="these run in .venv: `make test`",
)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def make(*arguments, cwd=ROOT, **environment):
    return subprocess.run(
        ["make", *arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def copy_makefile(folder):
    for path in (ROOT / "Makefile", *ROOT.glob("requirements*.txt")):
        shutil.copy(path, folder)


class Server:
    """`make run` in a process group of its own, as a terminal would start it."""

    def __init__(self, data_dir):
        self.port = free_port()
        self.process = subprocess.Popen(
            ["make", "run"],
            cwd=ROOT,
            env=os.environ
            | {
                "PORT": str(self.port),
                "DATA_DIR": str(data_dir),
                "DATABASE_URL": f"sqlite:///{data_dir}/db.sqlite3",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = ""
        for line in self.process.stdout:
            self.output += line
            if "Ctrl-C stops" in line:
                break

    def stop(self, number=signal.SIGINT):
        os.killpg(self.process.pid, number)
        self.output += self.process.communicate(timeout=20)[0]

    def group_is_gone(self):
        for _ in range(50):  # the last may wait a moment for init to collect it
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return True
            time.sleep(0.1)
        return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.group_is_gone():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


def sign_in(server, password):
    """The index page that `demo` sees, and an opener that is signed in."""
    opener = build_opener(HTTPCookieProcessor())
    address = f"http://127.0.0.1:{server.port}/admin/login/?next=/admin/"
    page = opener.open(address, timeout=10).read().decode()
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', page)[1]
    form = {"csrfmiddlewaretoken": token, "username": "demo", "password": password}
    return opener.open(address, urlencode(form).encode(), timeout=10).read().decode(), opener


@pytest.mark.slow
@in_our_environment
def test_a_newcomer_runs_signs_in_stops_and_finds_the_data_again(tmp_path):
    with Server(tmp_path) as server:
        password = re.search(r"Sign in as demo with the password (\S+)", server.output)[1]
        page, opener = sign_in(server, password)
        assert "/admin/library/library/" in page

        style = re.search(r'href="(/static/[^"]+\.css)"', page)[1]
        answer = opener.open(f"http://127.0.0.1:{server.port}{style}", timeout=10)
        assert answer.status == 200
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]

        server.stop()
        assert server.group_is_gone()
        assert "SIGKILL" not in server.output

    with Server(tmp_path) as server:
        assert "holds data already" in server.output
        assert "with the password" not in server.output
        page, _ = sign_in(server, password)
        assert "/admin/library/library/" in page
        server.stop(signal.SIGTERM)
        assert server.group_is_gone()
        assert "Shutting down: Master" in server.output


@in_our_environment
def test_a_taken_port_is_told_before_anything_is_done(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        run = make("run", f"PORT={port}", DATA_DIR=str(tmp_path / "data"))
    assert run.returncode
    assert f"Port {port} of 127.0.0.1 is taken" in run.stderr
    assert not (tmp_path / "data").exists()


def test_an_old_python_is_refused_by_name(tmp_path):
    copy_makefile(tmp_path)
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    run = make("run", f"PYTHON={old}", cwd=tmp_path)
    assert run.returncode
    assert f"Python 3.11 or newer is needed; none of these is: {old}" in run.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_environment_of_another_checkout_is_left_alone(tmp_path):
    copy_makefile(tmp_path)
    (tmp_path / "another").mkdir()
    (tmp_path / "another" / "kept").touch()
    (tmp_path / ".venv").symlink_to("another")
    run = make("lint", cwd=tmp_path)
    assert run.returncode
    assert ".venv is a link to another checkout's environment" in run.stderr
    assert (tmp_path / "another" / "kept").exists()


def test_make_alone_lists_every_target():
    text = (ROOT / "Makefile").read_text()
    targets = set(" ".join(re.findall(r"^\.PHONY: (.+)$", text, re.M)).split())
    assert set(re.findall(r"^make ([a-z-]+) ", make().stdout, re.M)) == targets
