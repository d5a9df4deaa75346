"""A Redis of a test's own, on a free port of this machine, that keeps nothing on disk."""

import shutil
import subprocess
import time

import pytest
import redis

from tests.browser.server import free_port


class RedisServer:
    def __init__(self):
        if shutil.which("redis-server") is None:
            pytest.skip("no redis-server here: apt-get install redis-server")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process = None
        self.start()

    def start(self):
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        self.process = subprocess.Popen(
            [*command, "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL
        )
        for _ in range(200):
            try:
                with redis.Redis.from_url(self.url) as client:
                    client.ping()
                return
            except redis.RedisError:
                time.sleep(0.02)
        raise AssertionError("Redis does not answer.")

    def stop(self):
        """It is gone, with all that it knew."""
        self.process.kill()
        self.process.wait(10)

    def flush(self):
        with redis.Redis.from_url(self.url) as client:
            client.flushall()
