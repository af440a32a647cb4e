"""The driver's end of one worker process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from heliosc.errors import ResourceError
from heliosc.execution.process_tree import ProcessTree
from heliosc.execution.processes import kill_all
from heliosc.execution.protocol import WORKER_MODULE, child_environment, module_command

_GRACE_S = 1.0
_READ_BYTES = 1 << 20
_TAIL_BYTES = 2_000


class WorkerProcess:
    """One process, its channel and its log.

    Parameters
    ----------
    token : marks the process and its descendants
    home : folder for the log and as first working folder
    n_threads : OpenMP and BLAS threads
    memory_limit_bytes : address space; 0 for no limit

    Raises
    ------
    ResourceError : no process can be started
    """

    def __init__(self, token: str, *, home: Path, n_threads: int, memory_limit_bytes: int) -> None:
        self.is_ready = False
        self._token = token
        self._log = home / f"{token}.log"
        self._unread = b""
        child_input, self._input = os.pipe()
        self._output, child_output = os.pipe()
        os.set_blocking(self._output, False)
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    module_command(WORKER_MODULE, str(os.getpid()), str(memory_limit_bytes)),
                    stdin=child_input,
                    stdout=child_output,
                    stderr=log,
                    cwd=home,
                    env=child_environment(token=token, n_threads=n_threads),
                    start_new_session=True,
                )
        except OSError as error:
            os.close(self._input)
            os.close(self._output)
            raise ResourceError(f"cannot start a worker process: {error.strerror}; use fewer workers") from error
        finally:
            os.close(child_input)
            os.close(child_output)

    def fileno(self) -> int:
        """Descriptor that is readable when the worker has said something or ended."""
        return self._output

    def has_ended(self) -> bool:
        if self._process.returncode is not None:
            return True
        peek = os.WEXITED | os.WNOHANG | os.WNOWAIT  # while it is not reaped, nothing else can have its group
        return os.waitid(os.P_PID, self._process.pid, peek) is not None

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int:
        """Exit code, negative for a signal; waits for the end."""
        return self._process.wait()

    def send(self, folder: Path) -> None:
        """Have the task in this folder run; a worker that has just died is noticed by ``has_ended``."""
        with suppress(BrokenPipeError):
            os.write(self._input, f"{folder}\n".encode())  # shorter than what a pipe takes at once

    def messages(self) -> list[dict[str, Any]]:
        """What the worker has said since the last call."""
        with suppress(BlockingIOError):
            while chunk := os.read(self._output, _READ_BYTES):
                self._unread += chunk
        *lines, self._unread = self._unread.split(b"\n")
        return [json.loads(line) for line in lines]

    def log_tail(self) -> str:
        """Last lines that the process wrote outside any task."""
        return self._log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()

    def kill(self) -> None:
        """End the process and everything it started."""
        tree = ProcessTree()
        tree.add(self.pid)
        tree.look()  # now: what is below a dead process cannot be told
        kill_all(self._token, grace_s=_GRACE_S)
        if self._process.returncode is None:  # what has lost the token by emptying its environment is in the group
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        tree.kill()
        self._process.kill()  # in case it could not be found by its token
        self._process.wait()
        os.close(self._input)
        os.close(self._output)
