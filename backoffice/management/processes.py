"""Run several processes as one: they start together and stop together."""

import signal
import subprocess
from functools import partial

STOP = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def run_together(commands, **options):
    """Run the commands (lists of strings) until a signal comes or one of them ends.

    Then the others get SIGTERM, and SIGKILL at a further SIGINT; SIGTERM may come twice, as
    make passes on what the group got already. `options` go to `subprocess.Popen`.
    Returns 0 after a signal, 1 where a command ended by itself.

    The commands stay in our process group, but with SIGINT and SIGHUP blocked: a terminal
    sends those to the whole group, and gunicorn reloads at SIGHUP and hangs when a worker
    gets SIGINT from two sides.
    """
    signal.signal(signal.SIGCHLD, lambda *_: None)  # by default it would be discarded
    signal.pthread_sigmask(signal.SIG_BLOCK, {*STOP, signal.SIGCHLD})
    block_in_child = partial(
        signal.pthread_sigmask, signal.SIG_SETMASK, {signal.SIGINT, signal.SIGHUP}
    )
    children = [
        subprocess.Popen(command, preexec_fn=block_in_child, **options)  # noqa: S603
        for command in commands
    ]
    received = signal.SIGCHLD
    while received not in STOP and all(child.poll() is None for child in children):
        received = signal.sigwait({*STOP, signal.SIGCHLD})
    for child in children:
        child.terminate()
    while any([child.poll() is None for child in children]):  # noqa: C419 - poll them all
        if signal.sigwait({*STOP, signal.SIGCHLD}) == signal.SIGINT:
            for child in children:
                child.kill()
    return 0 if received in STOP else 1
