"""A worker process: imports callables once and runs tasks one after the other.

Started as ``python -m heliosc.execution.worker DRIVER_PID MEMORY_LIMIT`` by ``pool``. Folders with a ``task.json`` come
in on standard input, one a line, JSON objects go out on standard output; whatever a task prints goes into
``output.txt`` of its folder.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from heliosc.errors import HelioscError, MissingDependencyError, UsageError
from heliosc.execution.identity import canonical_json
from heliosc.execution.processes import adopt_orphans, die_with_parent
from heliosc.execution.protocol import OUTPUT_NAME, TASK_NAME, restore_import_path_variable
from heliosc.execution.tasks import UNEXPECTED


def main(arguments: list[str]) -> None:
    """Serve tasks until the driver closes the channel."""
    driver_pid, memory_limit_bytes = int(arguments[0]), int(arguments[1])
    _die_with(driver_pid)
    if memory_limit_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (memory_limit_bytes, memory_limit_bytes))
    restore_import_path_variable()
    incoming, outgoing = _private_channels()
    _send(outgoing, {"event": "ready"})
    for line in incoming:
        _serve(Path(line.rstrip("\n")), outgoing)
    os._exit(0)  # threads left over by a task must not keep the process


def load_callable(name: str) -> Callable[[dict[str, Any]], Any]:
    """Import ``package.module:function``.

    Raises
    ------
    MissingDependencyError : a module cannot be imported
    UsageError : the module has no such function
    """
    module_name, _, function_name = name.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), function_name, None)
    except ImportError as error:
        raise MissingDependencyError(f"cannot import {name}: {error}; install what is missing, then retry") from error
    if not callable(found):
        raise UsageError(f"{name} is no function; expected 'package.module:function'")
    return found


def _die_with(driver_pid: int) -> None:
    die_with_parent()
    adopt_orphans()  # what a task's programs leave becomes our child; see _end_children
    if os.getppid() != driver_pid:  # it died before the request above took effect
        os._exit(1)


def _end_children() -> None:
    """End what a task started and left running; the next task finds the machine as this one did."""
    while children := _children():  # their own children become ours as they die
        for pid in children:
            with suppress(ProcessLookupError):  # a thread of the task has just waited for it
                os.kill(pid, signal.SIGKILL)
        for pid in children:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> list[int]:
    """Pids of the children of every thread of this process."""
    return [int(pid) for thread in Path("/proc/self/task").iterdir() for pid in _read(thread / "children").split()]


def _read(path: Path) -> str:
    with suppress(FileNotFoundError, ProcessLookupError):  # that thread has just ended
        return path.read_text()
    return ""


def _private_channels() -> tuple[Iterator[str], int]:
    # programs started by a task, and C code that prints, must find neither end of the channel
    incoming = os.fdopen(os.dup(0), encoding="utf-8")
    outgoing = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return incoming, outgoing


def _send(channel: int, message: dict[str, Any]) -> None:
    data = f"{canonical_json(message)}\n".encode()
    while data:
        data = data[os.write(channel, data) :]


def _serve(folder: Path, channel: int) -> None:
    task = json.loads((folder / TASK_NAME).read_text())
    with _output_in(folder), _memory_limit(task["memory_mb"]):
        started, cpu_before = time.monotonic(), _cpu_seconds()
        try:
            function = load_callable(task["callable"])
            _send(channel, {"event": "started"})
            started, cpu_before = time.monotonic(), _cpu_seconds()
            answer = {"event": "done", "result": function(task["payload"])}
            canonical_json(answer["result"])  # refused here it is the task's error, not the worker's
        except (Exception, SystemExit) as error:  # noqa: BLE001 - every error of a task is recorded with its class
            answer = {"event": "failed", "traceback": traceback.format_exc(), **_classed(error)}
        _end_children()
        answer["wall_s"] = time.monotonic() - started
        answer["cpu_s"] = _cpu_seconds() - cpu_before
    _send(channel, answer)


def _classed(error: BaseException) -> dict[str, str]:
    if isinstance(error, HelioscError):
        return {"error_class": error.kind, "reason": str(error)}
    if isinstance(error, MemoryError):
        return {"error_class": "resource", "reason": "out of memory; run it with a larger memory limit"}
    return {"error_class": UNEXPECTED, "reason": f"{type(error).__name__}: {error}"}


@contextmanager
def _memory_limit(memory_mb: int | None) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if memory_mb is not None:
        limits = [limit for limit in (memory_mb << 20, soft, hard) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def _output_in(folder: Path) -> Iterator[None]:
    home, log, errors = Path.cwd(), os.dup(1), os.dup(2)
    os.chdir(folder)
    output = os.open(OUTPUT_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    _redirect(output, output)
    os.close(output)
    try:
        yield
    finally:
        _redirect(log, errors)
        os.close(log)
        os.close(errors)
        os.chdir(home)


def _redirect(output: int, errors: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(output, 1)
    os.dup2(errors, 2)


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    main(sys.argv[1:])
