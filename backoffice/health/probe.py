"""Checks whose answer is waited for only so long, however long they hang."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from django.db import connections

from backoffice.health.checks import CHECKS, Check, Found

LIMIT = 2.0  # seconds in which all checks have answered, or have failed
FRESH = 1.0  # seconds for which an answer holds: no number of questions makes more work
GIVEN_UP = 5.0  # seconds after which a check that hangs is begun anew
MOST_HANGING = 5  # so that a day without its database doesn't fill a server with threads


class Probe:
    """A check, in threads of its own."""

    def __init__(self, look: Callable[[], Found]) -> None:
        self.look = look
        self.lock = threading.Lock()
        self.runs: list[Future[Found]] = []  # those that go on, and the last
        self.began = 0.0

    def ask(self) -> Future[Found]:
        """The run that is going on, or the last if it is fresh; else a new one."""
        with self.lock:
            age = time.monotonic() - self.began
            old = not self.runs or age > (FRESH if self.runs[-1].done() else GIVEN_UP)
            self.runs = [run for run in self.runs[:-1] if not run.done()] + self.runs[-1:]
            if old and len(self.runs) < MOST_HANGING:
                self.runs = [run for run in self.runs if not run.done()] + [Future()]
                self.began = time.monotonic()
                run = self.runs[-1]
                threading.Thread(
                    target=self._run, args=[run], name="probe", daemon=True
                ).start()
            return self.runs[-1]

    def _run(self, run: Future[Found]) -> None:
        try:
            found = self.look()
        except Exception as error:
            said = " ".join(str(error).split())
            found = Found(f"It can't be told: {said or type(error).__name__}.")
        finally:
            connections.close_all()  # those of this thread
        run.set_result(found)


class Probes:
    """All checks at once."""

    def __init__(self, checks: Sequence[Check] = CHECKS) -> None:
        self.checks = checks
        self._probes = [Probe(check.look) for check in checks]

    def ask(self) -> dict[str, Found]:
        """By the name of the check."""
        end = time.monotonic() + LIMIT
        runs = [probe.ask() for probe in self._probes]
        return {
            check.name: self._wait(run, end)
            for check, run in zip(self.checks, runs, strict=True)
        }

    @staticmethod
    def _wait(run: Future[Found], end: float) -> Found:
        try:
            return run.result(max(0.0, end - time.monotonic()))
        except TimeoutError:
            return Found(f"It did not answer within {LIMIT:.0f} seconds.")
