"""`python -m benchmarks.export_server FORMAT …`: exports of libraries from a server.

Starts gunicorn with one worker, signs in as an administrator, and sends the form of the
export page for each format. Prints for each the seconds to the first and to the last byte,
and the worker's peak of resident memory so far.
"""

import http.client
import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import django

PAGE = "/admin/library/library/export/"
COLUMNS = ("name", "address", "state", "phone_number", "zip_code")


def sign_in():
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    call_command("collectstatic", interactive=False, verbosity=0)
    user, _made = User.objects.get_or_create(
        username="bench", defaults={"is_superuser": True, "is_staff": True}
    )
    client = Client()
    logging.disable(logging.INFO)  # nobody is told of this sign-in
    client.force_login(user)
    return client.session.session_key


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def open_when_ready(port):
    for _attempt in range(300):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.connect()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return connection
    raise RuntimeError("the server did not come up")


def worker_of(master):
    (pid, *_others) = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return int(pid)


def peak_of(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def export(connection, session, number):
    cookie = f"sessionid={session}"
    connection.request("GET", PAGE, headers={"Cookie": cookie})
    response = connection.getresponse()
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', response.read().decode())[1]
    csrf = response.getheader("Set-Cookie").partition(";")[0]
    data = {"csrfmiddlewaretoken": token, "resource": "0", "format": number}
    data |= {f"libraryresource_{name}": "on" for name in COLUMNS}
    headers = {
        "Cookie": f"{cookie}; {csrf}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    started = time.perf_counter()
    connection.request("POST", PAGE, urllib.parse.urlencode(data), headers)
    response = connection.getresponse()
    size = len(response.read(1))
    first = time.perf_counter() - started
    while block := response.read(1 << 16):
        size += len(block)
    if response.status != 200 or not response.getheader("Content-Disposition"):
        raise RuntimeError(f"{response.status}, {size} bytes and no file")
    return {"first": first, "seconds": time.perf_counter() - started, "bytes": size}


def main(*names):
    session, port = sign_in(), free_port()
    from backoffice.exports.formats import FORMATS

    numbers = {format_class.name: n for n, format_class in enumerate(FORMATS)}
    environment = os.environ | {"PORT": str(port), "WEB_CONCURRENCY": "1", "HTTPS": "off"}
    command = [sys.executable, "-m", "gunicorn", "--log-level", "error", "backoffice.wsgi"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            connection = open_when_ready(port)
            said = []
            for name in names:
                said.append(export(connection, session, numbers[name]))
                said[-1]["peak"] = peak_of(worker_of(server.pid))
            print(json.dumps({"exports": said}))
        finally:
            server.terminate()


if __name__ == "__main__":
    main(*sys.argv[1:])
