"""Cheap callables that stand for calculations; worker processes import them by name."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from heliosc.errors import ConvergenceError, TransientError

STUBBORN = """
import os, signal, sys, time
if os.fork(): os._exit(0)  # leaves its parent
os.setsid()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""


def square(payload: dict[str, Any]) -> dict[str, Any]:
    """Square of ``x``."""
    print("prints what it likes, also to", Path.cwd())
    return {"square": payload["x"] ** 2}


def logged_square(payload: dict[str, Any]) -> dict[str, Any]:
    """Square of ``x`` beside a running program of its own; start and end go to the file that FAKE_LOG names."""
    subprocess.Popen(["sleep", "300"], start_new_session=True)
    _append(f"start {payload['x']}")
    time.sleep(payload["sleep_s"])
    _append(f"end {payload['x']}")
    return {"square": payload["x"] ** 2, "text": "long " * 400}


def wait_for_file(payload: dict[str, Any]) -> dict[str, Any]:
    """Wait until a file exists."""
    while not Path(payload["path"]).exists():
        time.sleep(0.02)
    return {"found": payload["path"]}


def fails(payload: dict[str, Any]) -> None:
    """Fail in the way asked for."""
    errors = {"convergence": ConvergenceError("no SCF"), "transient": TransientError("busy"), "bug": ValueError("bug")}
    raise errors[payload["how"]]


def fails_once(payload: dict[str, Any]) -> dict[str, Any]:
    """Fail transiently until a file exists, which the first call makes."""
    marker = Path(payload["marker"])
    if not marker.exists():
        marker.touch()
        raise TransientError("first time")
    return {"second": True}


def exits(payload: dict[str, Any]) -> None:
    """Call sys.exit, as scripts do."""
    sys.exit("leaving")


def segfaults(payload: dict[str, Any]) -> None:
    """Crash the process after a last word."""
    os.write(1, b"last word\n")
    os.kill(os.getpid(), signal.SIGSEGV)


def returns_nan(payload: dict[str, Any]) -> float:
    """Return what JSON cannot hold."""
    return float("nan")


def reports_environment(payload: dict[str, Any]) -> dict[str, Any]:
    """What a calculation sees of its surroundings."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_STACKSIZE", "PYTHONPATH")
    Path("left_behind.txt").write_text("large")
    return {
        "cwd": str(Path.cwd()),
        "pid": os.getpid(),
        "stdin": sys.stdin.read(),
        **{n: os.environ.get(n) for n in names},
    }


def starts_stubborn_program(payload: dict[str, Any]) -> None:
    """Start a program that left its parent, its session, and ignores SIGTERM; then hang in C code."""
    subprocess.run([sys.executable, "-c", STUBBORN, payload["pid_file"]], check=True)
    ctypes.CDLL(None).sleep(600)


def starts_program_without_environment(payload: dict[str, Any]) -> None:
    """Start a program that carries no mark of its worker, then crash or hang."""
    program = subprocess.Popen(["sleep", "600"], env={})
    Path(payload["pid_file"]).write_text(str(program.pid))
    if payload["then"] == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(600)


def speaks_in_bytes(payload: dict[str, Any]) -> None:
    """Fail with what a program wrote that is no text."""
    raise ValueError(b"caf\xe9 \0".decode(errors="surrogateescape"))


def leaves_a_program(payload: dict[str, Any]) -> None:
    """Start a program that left its parent, its session, and ignores SIGTERM; then return."""
    subprocess.run([sys.executable, "-c", STUBBORN, payload["pid_file"]], check=True)
    while not Path(payload["pid_file"]).exists() or not Path(payload["pid_file"]).read_text():
        time.sleep(0.01)


def starts_nameless_program(payload: dict[str, Any]) -> None:
    """Start a program with an emptied environment, as wrapper scripts do, and wait for it."""
    _run_nameless(payload["pid_file"], leaves_session=False)


def starts_nameless_session(payload: dict[str, Any]) -> None:
    """The same in a session of its own."""
    _run_nameless(payload["pid_file"], leaves_session=True)


def _run_nameless(pid_file: str, *, leaves_session: bool) -> None:
    with subprocess.Popen(["/bin/sleep", "600"], env={}, start_new_session=leaves_session) as program:
        Path(pid_file).write_text(str(program.pid))


def is_running(payload: dict[str, Any]) -> bool:
    """Whether the process named in a file lives."""
    return Path("/proc", Path(payload["pid_file"]).read_text()).exists()


def length(payload: dict[str, Any]) -> int:
    """Length of a text."""
    return len(payload["text"])


def wordy(payload: dict[str, Any]) -> list[int]:
    """Return a large result that does not compress away."""
    return [hash((payload["x"], n)) for n in range(payload["n_words"])]


def allocates(payload: dict[str, Any]) -> int:
    """Ask for memory."""
    return len(bytearray(payload["n_bytes"]))


def _append(line: str) -> None:
    handle = os.open(os.environ["FAKE_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)
