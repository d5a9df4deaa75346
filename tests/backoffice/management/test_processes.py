"""Processes that start together stop together."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest

RUN = """
import sys
from backoffice.management.processes import run_together
sys.exit(run_together([[sys.executable, "-c", code] for code in sys.argv[1:]]))
"""
SLEEPS = "import os, time; os.write(1, b'up\\n'); time.sleep(60)"
# As gunicorn does when two signals come at once: it must hear of a stop only once.
HEARS_TERM_ALONE = """
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: print("SIGINT", flush=True))
signal.signal(signal.SIGHUP, lambda *_: print("SIGHUP", flush=True))
signal.signal(signal.SIGTERM, lambda *_: (print("SIGTERM", flush=True), sys.exit()))
print("up", flush=True)
time.sleep(60)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("deaf", flush=True))
print("up", flush=True)
while True: time.sleep(60)
"""


@contextmanager
def start(*codes):
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *codes],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_of_them(number):
    with start(SLEEPS, SLEEPS) as process:
        assert [process.stdout.readline() for _ in range(2)] == ["up\n"] * 2
        os.kill(process.pid, number)
        assert process.wait(timeout=10) == 0
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)


def test_one_that_ends_by_itself_ends_the_others():
    with start(SLEEPS, "pass") as process:
        assert process.wait(timeout=10) == 1
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_of_the_terminal_to_the_whole_group_is_heard_once(number):
    with start(HEARS_TERM_ALONE) as process:
        assert process.stdout.readline() == "up\n"
        os.killpg(process.pid, number)
        assert process.communicate(timeout=10)[0] == "SIGTERM\n"


def test_a_second_signal_kills_what_does_not_stop():
    with start(DEAF) as process:
        assert process.stdout.readline() == "up\n"
        os.kill(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "deaf\n"
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(timeout=10) == 0
