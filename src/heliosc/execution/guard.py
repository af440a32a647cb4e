"""A small process that outlives the driver by a moment and ends everything its workers left.

Started as ``python -m heliosc.execution.guard DRIVER_PID TOKEN_PREFIX FOLDER`` by ``guarding``, which tells it the
workers on standard input, a line each: ``+PID`` for a new one, ``-PID`` for one that is gone, ``q`` when all is in
order. The kernel kills the workers with the driver, but not the programs that they had started: this does.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

from heliosc.execution.process_tree import ProcessTree
from heliosc.execution.processes import kill_all
from heliosc.execution.protocol import GUARD_DISMISSED

_POLL_S = 0.25
_SETTLE_S = 0.3  # a worker that was just being started shows its token only after exec


def main(arguments: list[str]) -> None:
    """Wait for the driver's end or for being dismissed."""
    driver_pid, token_prefix, folder = int(arguments[0]), arguments[1], arguments[2]
    for number in (signal.SIGTERM, signal.SIGHUP):  # a scheduler that ends a job sends them to all of it, us included
        signal.signal(number, signal.SIG_IGN)
    tree = ProcessTree()
    if _is_dismissed(driver_pid, tree):
        return
    for _ in range(2):
        kill_all(token_prefix, grace_s=0.0)
        tree.kill()
        time.sleep(_SETTLE_S)
    if folder:
        shutil.rmtree(Path(folder), ignore_errors=True)


def _is_dismissed(driver_pid: int, tree: ProcessTree) -> bool:
    unread = b""
    while os.getppid() == driver_pid:
        if select.select([0], [], [], _POLL_S)[0]:
            heard = os.read(0, 4_096)
            if not heard:  # the driver has closed its end: it is dying
                return False
            *lines, unread = (unread + heard).split(b"\n")
            if GUARD_DISMISSED in lines:
                return True
            for line in lines:
                (tree.add if line.startswith(b"+") else tree.remove)(int(line[1:]))
        tree.look()
    return False


if __name__ == "__main__":
    main(sys.argv[1:])
