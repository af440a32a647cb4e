"""Becomes Parsl's interchange: marked, silent, in a session of its own, ended by the kernel with the driver.

Started as ``python -m heliosc.execution.parsl.interchange TOKEN LOG``. Parsl starts its interchange in the terminal's
process group, where a Ctrl-C would end it before the driver has put things in order.
"""

from __future__ import annotations

import os
import sys

from heliosc.execution.processes import TOKEN_VARIABLE, die_with_parent

PARSL_MODULE = "parsl.executors.high_throughput.interchange"


def main(arguments: list[str]) -> None:
    """Become the interchange; its configuration comes on standard input."""
    token, log = arguments
    die_with_parent()
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ[TOKEN_VARIABLE] = token
    os.environ["SPT_NOENV"] = "1"  # else the title that it gives itself overwrites the token
    os.execv(sys.executable, [sys.executable, "-P", "-m", PARSL_MODULE])  # noqa: S606 - an argument list, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
