"""Who a process is, whether it lives, and how to end everything it started (Linux).

Every worker carries a token in its environment and all its descendants inherit it, so that they can be found even
after ``setsid`` or after their parents have gone. Signals go through pidfds: a recycled pid is never hit.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TOKEN_VARIABLE = "HELIOSC_WORKER_TOKEN"  # noqa: S105 - marks processes, opens nothing
_PROC = Path("/proc")
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class ProcessIdentity:
    """One process for all times on one host: start is in clock ticks after boot."""

    host: str
    pid: int
    start: int

    def is_known_dead(self) -> bool:
        """Whether the process ran on this host and has ended; False where that cannot be told from here."""
        return self.host == host_identity() and start_time(self.pid) != self.start


@cache
def host_identity() -> str:
    """Host name, boot and pid namespace: equal only where pids can be compared."""
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{os.uname().nodename}/{boot}/{(_PROC / 'self/ns/pid').readlink()}"


def own_identity() -> ProcessIdentity:
    """Identity of the calling process."""
    return _identity_of(os.getpid())


@cache  # by pid: a child after a fork is another process
def _identity_of(pid: int) -> ProcessIdentity:
    return ProcessIdentity(host=host_identity(), pid=pid, start=start_time(pid) or 0)


def start_time(pid: int) -> int | None:
    """Start of a living process in clock ticks after boot; None for one that has ended (zombies included)."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(")") + 2 :].split()  # the command's name before it may contain spaces
    return None if fields[0] in "ZX" else int(fields[19])


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends; survives ``exec``.

    Raises
    ------
    OSError : the kernel refuses
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Have what descendants of this process leave behind become its children."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def processes_with(token_prefix: str) -> list[int]:
    """Pids of all processes whose token starts so, the caller excepted."""
    needle = f"{TOKEN_VARIABLE}={token_prefix}".encode()
    candidates = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    return [pid for pid in candidates if pid != os.getpid() and _carries(pid, needle)]


def kill_all(token_prefix: str, *, grace_s: float, limit_s: float = 5.0) -> bool:
    """End every process whose token starts so: TERM, then after the grace KILL until none is left.

    Returns
    -------
    bool : whether none is left; False only where one hangs inside the kernel past the limit
    """
    _signal_all(token_prefix, signal.SIGTERM)
    if _wait_gone(token_prefix, grace_s):
        return True
    deadline = time.monotonic() + limit_s
    while _signal_all(token_prefix, signal.SIGKILL):  # again: one of them may just have forked
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _prctl(option: int, argument: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, argument, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def _carries(pid: int, needle: bytes) -> bool:
    try:
        environment = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:  # it has ended, or belongs to someone else
        return False
    return any(entry.startswith(needle) for entry in environment.split(b"\0"))


def _signal_all(token_prefix: str, number: signal.Signals) -> int:
    needle = f"{TOKEN_VARIABLE}={token_prefix}".encode()
    n_found = 0
    for pid in processes_with(token_prefix):
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            try:
                if _carries(pid, needle):  # still the same process now that the descriptor pins it
                    signal.pidfd_send_signal(descriptor, number)
                    n_found += 1
            finally:
                os.close(descriptor)
    return n_found


def _wait_gone(token_prefix: str, grace_s: float) -> bool:
    deadline = time.monotonic() + grace_s
    while processes_with(token_prefix):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
