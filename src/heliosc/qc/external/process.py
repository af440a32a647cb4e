"""Running a program in its own process group, so that a time limit ends its children too."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from heliosc.errors import CalculationTimeoutError, MissingDependencyError

TERMINATION_GRACE_S = 3.0


@dataclass(frozen=True, slots=True)
class ProcessOutcome:
    """How a program ended; a negative exit code is the signal that ended it."""

    exit_code: int
    wall_time_s: float


def run_program(
    argv: Sequence[str],
    *,
    folder: Path,
    stdout: Path,
    stderr: Path,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    stdin: Path | None = None,
) -> ProcessOutcome:
    """Run a program to its end, without a shell.

    Parameters
    ----------
    environment : added to the present environment

    Raises
    ------
    CalculationTimeoutError : the time limit passed; the whole process group has been killed
    MissingDependencyError : the program cannot be started
    """
    start = time.monotonic()
    with (
        stdout.open("wb") as out,
        stderr.open("wb") as err,
        (stdin or Path(os.devnull)).open("rb") as source,
    ):
        try:
            process = subprocess.Popen(
                list(argv),
                cwd=folder,
                stdin=source,
                stdout=out,
                stderr=err,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except OSError as error:
            raise MissingDependencyError(f"cannot start {argv[0]}: {error}") from error
        try:
            exit_code = process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            raise CalculationTimeoutError(
                f"{Path(argv[0]).name} ran past its limit of {timeout_s:g} s and was killed; raise timeout_s"
            ) from error
        finally:
            end_group(process)
    return ProcessOutcome(exit_code, time.monotonic() - start)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a program's process group: first asked, then forced."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:  # the usual case: nothing is left
        process.wait()
        return
    with suppress(subprocess.TimeoutExpired):  # it ignored the request, the next signal cannot be ignored
        process.wait(timeout=TERMINATION_GRACE_S)
    with suppress(ProcessLookupError):  # all of them took the first signal
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def probe_program(argv: Sequence[str], *, timeout_s: float, stdin_text: str = "") -> str:
    """What a program says about itself, stdout and stderr together.

    Run in an empty folder with a time limit: on some systems the name belongs to another program.

    Raises
    ------
    CalculationTimeoutError : it did not end in time
    MissingDependencyError : it cannot be started
    """
    with tempfile.TemporaryDirectory(prefix="heliosc-probe-") as name:
        folder = Path(name)
        stdin = folder / "stdin"
        stdin.write_text(stdin_text)
        out, err = folder / "stdout", folder / "stderr"
        run_program(argv, folder=folder, stdout=out, stderr=err, timeout_s=timeout_s, stdin=stdin)
        return "\n".join(path.read_text(errors="replace") for path in (out, err))
