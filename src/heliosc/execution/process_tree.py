"""Descendants of a process, remembered, so that they can be ended after it is gone (Linux).

The token in the environment finds most of them. A program that was started with an emptied environment has lost it; it
is found as a descendant while its ancestor lives, and afterwards as one that was seen then, or by its session.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from heliosc.execution.processes import start_time

_PROC = Path("/proc")


class ProcessTree:
    """Everything below some processes, each of which leads a session of its own."""

    def __init__(self) -> None:
        self._roots: dict[int, int] = {}  # pid -> start
        self._seen: dict[int, int] = {}

    def add(self, pid: int) -> None:
        """Watch a living process."""
        start = start_time(pid)
        if start is not None:
            self._roots[pid] = start

    def remove(self, pid: int) -> None:
        """Forget a process; its number may soon be another's."""
        self._roots.pop(pid, None)
        self.look()

    def look(self) -> None:
        """Remember the descendants of now and forget those that have ended."""
        below = [pid for root, start in self._roots.items() if start_time(root) == start for pid in _descendants(root)]
        alive = {pid: start for pid, start in self._seen.items() if start_time(pid) == start}
        self._seen = alive | {pid: start for pid in below if (start := start_time(pid)) is not None}

    def kill(self) -> None:
        """End all that was seen, what is below it now, and what is left of the sessions."""
        self.look()
        while alive := self._killed():
            self._seen = alive

    def _killed(self) -> dict[int, int]:
        """Those killed just now, with what they had started in the meantime."""
        chosen = dict(self._seen)
        below = [pid for ancestor in self._seen for pid in _descendants(ancestor)]
        for pid in [*_sessions_of(set(self._roots)), *below]:
            start = start_time(pid)
            if start is not None:
                chosen[pid] = start
        return {pid: start for pid, start in chosen.items() if _kill(pid, start)}


def _kill(pid: int, start: int) -> bool:
    """Kill a process unless its number is another's by now; returns whether there was one to kill."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            if start_time(pid) == start:  # the descriptor pins it
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                return True
        finally:
            os.close(descriptor)
    return False


def _descendants(pid: int) -> Iterator[int]:
    for thread in _threads(pid):
        for child in _read(thread / "children").split():
            yield int(child)
            yield from _descendants(int(child))


def _threads(pid: int) -> list[Path]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return list((_PROC / str(pid) / "task").iterdir())
    return []


def _sessions_of(leaders: set[int]) -> list[int]:
    """Members of the sessions, the leaders excepted."""
    members = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) not in leaders:
            _, _, rest = _read(entry / "stat").rpartition(")")
            fields = rest.split()
            if len(fields) > 3 and fields[0] not in "ZX" and int(fields[3]) in leaders:
                members.append(int(entry.name))
    return members


def _read(path: Path) -> str:
    with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
        return path.read_text(errors="replace")
    return ""
