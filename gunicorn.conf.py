"""How gunicorn serves the back office; gunicorn reads this file from the current folder.

BIND, PORT, WEB_CONCURRENCY, WEB_THREADS, STOP_SECONDS and LOG_FORMAT come from the environment
or `.env`. SIGHUP reads them, and the code, anew: requests that run are finished.
"""

import atexit
import gc
import os
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path

import environ


class Environment(environ.Env):
    ENVIRON = dict(os.environ)  # a copy: what `.env` said before a reload is forgotten


env = Environment()
env.read_env(Path(__file__).resolve().parent / ".env")

bind = env.str("BIND", default="127.0.0.1:" + env.str("PORT", default="8000"))
workers = env.int("WEB_CONCURRENCY", default=2)
# With threads, a long upload or export delays neither other requests nor the heartbeat, so
# `timeout` ends only a worker that hangs.
threads = env.int("WEB_THREADS", default=4)
# So long a stop or a reload waits for requests that run, such as an export to a slow reader.
graceful_timeout = env.int("STOP_SECONDS", default=120)
# Whoever turns the access log on gets it without queries: they name whom staff looked for.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s'
# No client says by a header what the path is. By default whoever connects from this machine
# may, as the proxy does for all clients.
forwarder_headers = ""
if env.str("LOG_FORMAT", default="plain") == "json":
    logconfig_dict = {
        "formatters": {"generic": {"()": "backoffice.logs.JSONFormatter"}},
        # The access log is the site's own: it knows the user and the request.
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": ["error_console"]},
            "gunicorn.access": {"level": "ERROR"},
        },
        "root": {"level": "WARNING", "handlers": ["error_console"]},
    }
control_socket_disable = True  # it would be in the home folder, shared by all servers


COMPARED_EVERY = 5  # seconds, until the database can be asked which machines belong together
SILENCE = 10  # seconds that a request may stop in its middle; then its thread has another


def on_starting(server):
    if env.str("METRICS_TOKEN", default="") and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        # What each process has measured; whoever is asked adds it up.
        folder = tempfile.mkdtemp(prefix="library-metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        atexit.register(remove, folder, os.getpid())


on_reload = on_starting


def remove(folder, pid):
    if os.getpid() == pid:  # the server's end, not that of a process of it
        shutil.rmtree(folder, ignore_errors=True)


def when_ready(server):
    for listener in server.LISTENERS:  # what they accept inherits it
        timeout = struct.pack("ll", SILENCE, 0)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
    address = server.LISTENERS[0].sock.getsockname()
    if isinstance(address, tuple):  # not a socket of a file
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        server.log.info("Open http://%s:%s/admin/ (Ctrl-C stops)", host, address[1])


def post_fork(server, worker):
    # What the server itself has imported for its log would be the code before a reload.
    for name in [each for each in sys.modules if each.partition(".")[0] == "backoffice"]:
        del sys.modules[name]


def refuse_strangers(worker):
    """End the server if this machine does not belong to the others on its database.

    Returns False where nobody can tell.
    """
    from django.db import DatabaseError, InterfaceError, connections

    from backoffice import machines

    try:
        machines.demand_same()
    except machines.Stranger as error:
        worker.log.critical("%s", error)
        sys.exit(3)  # gunicorn's own for a process that could not begin: it ends then
    except (DatabaseError, InterfaceError, OSError) as error:
        # It serves pages that say so, until that is back.
        worker.log.warning("Not compared with other machines: %s", " ".join(str(error).split()))
        return False
    finally:
        connections.close_all()
    return True


def refuse_later(worker):
    """What `refuse_strangers` could not do at the start, as soon as the database is there."""
    try:
        while not refuse_strangers(worker):
            time.sleep(COMPARED_EVERY)
    except SystemExit as end:
        os._exit(end.code)  # of the process: `sys.exit` would end this thread alone


def post_worker_init(worker):
    if not refuse_strangers(worker):
        threading.Thread(target=refuse_later, args=[worker], daemon=True).start()
    # The application is loaded and stays: not to look for garbage in it again and again takes a
    # twentieth off the time of a page.
    gc.freeze()
