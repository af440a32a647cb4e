"""The driver's end of its guard process; see ``guard``."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from heliosc.errors import ResourceError
from heliosc.execution.protocol import GUARD_DISMISSED, GUARD_MODULE, child_environment, module_command


class Guard:
    """A process that ends everything marked with a token, and removes a folder, once the driver has died.

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
        self._process = self._start()

    def keep(self) -> None:
        """Start another where someone has killed it."""
        if self._process.poll() is not None:
            self.dismiss()
            self._process = self._start()

    def dismiss(self) -> None:
        """Let it go: everything is in order."""
        with suppress(BrokenPipeError):
            self._process.communicate(GUARD_DISMISSED)

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
