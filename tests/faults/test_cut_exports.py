"""An export that a stop, or a database that goes away, cuts is known to be cut."""

import csv
import io
import json
import os
import re
import shutil
import signal
import socket
import time
import zipfile
from contextlib import contextmanager

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.faults.house import House, servers
from tests.faults.test_containers import proxy, wait_until
from tests.faults.test_database_gone import Staff
from tests.faults.test_restart import Cluster

pytestmark = pytest.mark.slow

ROWS = 60_000
#: Text that is not compressed to less than what buffers on the way hold.
FILL = f"""
import secrets
from django.contrib.auth.models import User
from django.test import Client
from library.models import Library
Library.objects.bulk_create(
    (
        Library(
            name=f"L {{n}}", address=secrets.token_hex(100), state="NY",
            phone_number="212-222-6559", zip_code="10001",
        )
        for n in range({ROWS})
    ),
    batch_size=5000,
)
client = Client()
client.force_login(User.objects.create_superuser("ann"))
print(client.session.session_key)
"""
NUMBERS = {"csv": "0", "xlsx": "1", "json": "3", "jsonl": "5"}
EXPORT = "/admin/library/library/export/"
TRAIL = """
from backoffice.trail.models import Entry
print(Entry.objects.filter(action="export").latest("pk").message)
"""


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster() if os.environ.get("POSTGRES_CRASH") else None
    yield cluster
    if cluster:
        cluster.remove()


@pytest.fixture(scope="module")
def full(cluster, tmp_path_factory):
    """A house with many libraries, and the session of somebody who may export them."""
    house = House(tmp_path_factory.mktemp("full"), cluster and cluster.url)
    return house, house.shell(FILL)


class LittleRoom(HTTPAdapter):
    """What the client does not read, the server can't send."""

    def init_poolmanager(self, *args, **options):
        options["socket_options"] = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)]
        super().init_poolmanager(*args, **options)


@contextmanager
def begun(server, session, name):
    """The response of an export, of which nothing was read yet."""
    staff = Staff(server, session)
    staff.browser.mount("http://", LittleRoom())
    staff.browser.headers["Referer"] = f"{server.replace('http:', 'https:')}/"  # by the proxy
    page = staff.ask("GET", EXPORT)
    columns = re.findall(r'<input type="checkbox" name="(libraryresource_\w+)"', page.text)
    data = staff.form_of(page, 'id="export-form"') | dict.fromkeys(columns, "on")
    data |= {"resource": "0", "format": NUMBERS[name], "encoding": "utf-8"}
    with staff.browser.post(server + EXPORT, data=data, stream=True, timeout=60) as response:
        assert response.status_code == 200
        assert "attachment" in response.headers["Content-Disposition"]
        yield response


def read_to_the_end(response):
    """`(what came, whether the client was told that it is all)`."""
    got = bytearray()
    try:
        for block in response.iter_content(1 << 16):
            got += block
    except requests.exceptions.ChunkedEncodingError:
        return bytes(got), False
    return bytes(got), True


def looks_whole(name, data):
    """As a program finds that is given the file alone."""
    if name == "xlsx":
        return zipfile.is_zipfile(io.BytesIO(data))
    text = data.decode()
    if name == "csv":
        *_, last = csv.reader(io.StringIO(text, newline=""))
        return len(last) >= 5 and text.endswith("\n")
    try:
        return bool(list(map(json.loads, text.splitlines() if name == "jsonl" else [text])))
    except ValueError:
        return False


@pytest.mark.parametrize("name", NUMBERS)
def test_an_export_that_a_stop_cuts_breaks_its_connection(full, name):
    house, session = full
    pid = house.folder / "pid"
    started = {"GUNICORN_CMD_ARGS": f"--pid {pid}", "STOP_SECONDS": "1"}
    with servers(house, **started) as server, begun(server, session, name) as response:
        process = int(pid.read_text())
        os.kill(process, signal.SIGTERM)
        wait_until(lambda: not os.path.exists(f"/proc/{process}/fd/0"), seconds=20)
        got, is_all = read_to_the_end(response)
    assert got
    assert not is_all
    assert not looks_whole(name, got)
    assert house.shell(TRAIL).startswith("Began to export")


def test_an_export_whose_reader_comes_in_time_outlives_a_stop(full):
    house, session = full
    pid = house.folder / "pid"
    started = {"GUNICORN_CMD_ARGS": f"--pid {pid}", "STOP_SECONDS": "30"}
    with servers(house, **started) as server, begun(server, session, "csv") as response:
        os.kill(int(pid.read_text()), signal.SIGTERM)
        time.sleep(2)
        got, is_all = read_to_the_end(response)
    assert is_all
    assert looks_whole("csv", got)
    assert got.count(b"\n") == ROWS + 1


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")
def test_the_proxy_hands_on_that_an_export_was_cut(full, tmp_path):
    house, session = full
    pid = house.folder / "pid"
    started = {"GUNICORN_CMD_ARGS": f"--pid {pid}", "STOP_SECONDS": "1"}
    with (
        servers(house, **started) as server,
        # It does not read ahead.
        proxy(
            tmp_path, [server.rpartition(":")[2]], more="proxy_max_temp_file_size 0;"
        ) as address,
    ):
        wait_until(lambda: (tmp_path / "nginx.pid").exists())
        with begun(address, session, "csv") as response:
            os.kill(int(pid.read_text()), signal.SIGTERM)
            time.sleep(3)
            got, is_all = read_to_the_end(response)
    assert got
    assert not is_all


@contextmanager
def gone(house, cluster):
    """The database goes away in the block, and is back after it."""
    if cluster:
        cluster.stop()
        yield
        cluster.start()
        return
    path, kept = house.folder / "db.sqlite3", house.folder / "kept.sqlite3"
    shutil.copy(path, kept)
    os.truncate(path, 8192)  # for those who have opened it
    path.unlink()
    path.mkdir()
    yield
    path.rmdir()
    for each in house.folder.glob("db.sqlite3-*"):
        each.unlink()
    kept.rename(path)


@pytest.mark.parametrize("name", NUMBERS)
def test_an_export_whose_database_goes_away_breaks_its_connection(full, cluster, name):
    house, session = full
    with (
        servers(house) as server,
        begun(server, session, name) as response,
        gone(house, cluster),
    ):
        got, is_all = read_to_the_end(response)
    assert got
    assert not is_all
    assert not looks_whole(name, got)


@pytest.mark.parametrize("name", ["csv", "xlsx"])
def test_the_command_leaves_the_file_that_was_there(full, cluster, tmp_path, name):
    house, _session = full
    path = tmp_path / "libraries"
    path.write_text("of yesterday")
    with gone(house, cluster):
        done = house.attempt("export", name, "library.Library", "-o", str(path))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "no file was made" in done.stderr
    assert path.read_text() == "of yesterday"
    assert list(tmp_path.iterdir()) == [path]
