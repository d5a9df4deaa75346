"""How gunicorn serves the back office; gunicorn reads this file from the current folder.

PORT and WEB_CONCURRENCY come from the environment.
"""

import gc
import os
import socket
import struct

bind = "127.0.0.1:" + os.environ.get("PORT", "8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# With threads, a long upload or export delays neither other requests nor the heartbeat, so
# `timeout` ends only a worker that hangs.
threads = 4
# Whoever turns the access log on gets it without queries: they name whom staff looked for.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s'
# No client says by a header what the path is. By default whoever connects from this machine
# may, as the proxy does for all clients.
forwarder_headers = ""
control_socket_disable = True  # it would be in the home folder, shared by all servers


SILENCE = 10  # seconds that a request may stop in its middle; then its thread has another


def when_ready(server):
    for listener in server.LISTENERS:  # what they accept inherits it
        timeout = struct.pack("ll", SILENCE, 0)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
    host, port = server.LISTENERS[0].sock.getsockname()
    server.log.info("Open http://%s:%s/admin/ (Ctrl-C stops)", host, port)


def post_worker_init(worker):
    # The application is loaded and stays: not to look for garbage in it again and again takes a
    # twentieth off the time of a page.
    gc.freeze()
