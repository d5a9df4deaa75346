"""Run several processes as one: they start together and stop together."""

import signal
import subprocess
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

STOP = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def run_together(commands: Iterable[Sequence[str]], **options: Any) -> int:
    """Run the commands side by side until a signal arrives or one of them ends.

    The others then get SIGTERM, and SIGKILL if another SIGINT follows. A second SIGTERM does
    not count as one: make passes on the signal that the whole group got already.
    `options` go to `subprocess.Popen`. Returns 0 after a signal, 1 if a command ended by
    itself.

    The commands stay in our process group, but with SIGINT and SIGHUP blocked: a terminal
    sends these to the whole group, and gunicorn reloads on SIGHUP, and hangs if a worker
    gets SIGINT twice.
    """
    signal.signal(signal.SIGCHLD, lambda *_: None)  # by default it is discarded
    signal.pthread_sigmask(signal.SIG_BLOCK, {*STOP, signal.SIGCHLD})
    block_in_child = partial(
        signal.pthread_sigmask, signal.SIG_SETMASK, {signal.SIGINT, signal.SIGHUP}
    )
    children = [
        subprocess.Popen(command, preexec_fn=block_in_child, **options)  # noqa: S603
        for command in commands
    ]
    received: int = signal.SIGCHLD
    while received not in STOP and all(child.poll() is None for child in children):
        received = signal.sigwait({*STOP, signal.SIGCHLD})
    for child in children:
        child.terminate()
    while any([child.poll() is None for child in children]):  # noqa: C419 - poll them all
        if signal.sigwait({*STOP, signal.SIGCHLD}) == signal.SIGINT:
            for child in children:
                child.kill()
    return 0 if received in STOP else 1
