"""A network between a process and its database that can stop to carry anything."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Forwards connections to the server of a DATABASE_URL, until it is frozen."""

    def __init__(self, database_url):
        parts = urlsplit(database_url)
        self.server = (parts.hostname, parts.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=f"{parts.username}@127.0.0.1:{self.port}"))
        self.carries = threading.Event()
        self.carries.set()
        self.sockets = [self.listener]
        threading.Thread(target=self.accept, daemon=True).start()

    def freeze(self):
        """Connections stay open, but nothing comes through."""
        self.carries.clear()

    def thaw(self):
        self.carries.set()

    def close(self):
        for each in self.sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.carries.set()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _address = self.listener.accept()
                server = socket.create_connection(self.server)
                self.sockets += [client, server]
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self.carry, args=ends, daemon=True).start()

    def carry(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self.carries.wait()
                target.sendall(data)
            self.carries.wait()
            target.shutdown(socket.SHUT_WR)
