"""The driver's end of its guard processes; see ``guard``."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from heliosc.errors import ResourceError
from heliosc.execution.protocol import GUARD_DISMISSED, GUARD_MODULE, child_environment, module_command

_N_PROCESSES = 2  # one may be killed a moment before the driver


class Guard:
    """Processes that end everything marked with a token, and remove a folder, once the driver has died.

    Parameters
    ----------
    token_prefix : of the marked processes
    folder : to remove; None for none

    Raises
    ------
    ResourceError : no process can be started
    """

    def __init__(self, token_prefix: str, folder: Path | None) -> None:
        self._arguments = (token_prefix, str(folder) if folder else "")
        self._watched: set[int] = set()
        self._processes = [self._start() for _ in range(_N_PROCESSES)]

    def watch(self, pid: int) -> None:
        """A worker has been started: what is below it ends with the driver too, whatever its environment."""
        self._watched.add(pid)
        for process in self._processes:
            _tell(process, b"+%d\n" % pid)

    def forget(self, pid: int) -> None:
        """A worker is gone, with all that was below it."""
        self._watched.discard(pid)
        for process in self._processes:
            _tell(process, b"-%d\n" % pid)

    def keep(self) -> None:
        """Start another where someone has killed one."""
        for index, process in enumerate(self._processes):
            if process.poll() is not None:
                _dismiss(process)
                self._processes[index] = self._start()
                for pid in self._watched:
                    _tell(self._processes[index], b"+%d\n" % pid)

    def dismiss(self) -> None:
        """Let them go: everything is in order."""
        for process in self._processes:
            _dismiss(process)

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                module_command(GUARD_MODULE, str(os.getpid()), *self._arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=child_environment(),
                start_new_session=True,  # a Ctrl-C in the terminal is for the driver
            )
        except OSError as error:
            raise ResourceError(f"cannot start a process: {error.strerror}; end other programs first") from error


def _tell(process: subprocess.Popen[bytes], message: bytes) -> None:
    with suppress(BrokenPipeError):  # killed a moment ago; ``keep`` starts another and tells it
        os.write(_input_of(process), message)


def _input_of(process: subprocess.Popen[bytes]) -> int:
    if process.stdin is None:
        raise ResourceError("the guard process has no standard input; this is a fault of heliosc")
    return process.stdin.fileno()


def _dismiss(process: subprocess.Popen[bytes]) -> None:
    with suppress(BrokenPipeError):
        process.communicate(GUARD_DISMISSED + b"\n")
