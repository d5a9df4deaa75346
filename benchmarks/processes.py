"""A measured run: a process of its own, with its wall time, memory and output."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field

from benchmarks.databases import ROOT


@dataclass(frozen=True)
class Run:
    """The wall time of a process in seconds, its peak memory in megabytes, and its JSON."""

    wall: float
    peak: float
    said: dict = field(default_factory=dict)

    @property
    def seconds(self):
        """The seconds of the phase, as the process measures them, without its start."""
        return self.said.get("seconds", self.wall)


def run(environment, module, *arguments) -> Run:
    """Run `python -m MODULE ARGUMENTS`, which prints one JSON object.

    Raises RuntimeError if it fails.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as child:
        output = child.stdout.read()
        _pid, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{command} ended with {child.returncode}")
    return Run(wall, usage.ru_maxrss / 1024, json.loads(output))


def best(runs):
    """The fastest run: other programs on the machine only make runs slower."""
    return min(runs, key=lambda run: run.wall)
