"""What driver, worker and guard agree on."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from heliosc.execution.processes import TOKEN_VARIABLE
from heliosc.execution.tasks import Task

WORKER_MODULE = "heliosc.execution.worker"
GUARD_MODULE = "heliosc.execution.guard"
OUTPUT_NAME = "output.txt"  # in an attempt's folder: all that the task printed
TASK_NAME = "task.json"  # in an attempt's folder: what to run
GUARD_DISMISSED = b"q"
_PATH_VARIABLE = "PYTHONPATH"
_PATH_BEFORE_VARIABLE = "HELIOSC_PYTHONPATH_BEFORE"
IMPORT_PATH_VARIABLES = (_PATH_VARIABLE, _PATH_BEFORE_VARIABLE)
_THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
THREAD_VARIABLES = (*_THREAD_COUNTS, "OMP_STACKSIZE")


def write_task(folder: Path, task: Task) -> None:
    """Leave a task in its folder: through a pipe a large one would wait for a worker that is stopped.

    Raises
    ------
    OSError : the folder cannot be written
    """
    order = {"callable": task.callable, "payload": task.payload, "memory_mb": task.memory_mb}
    (folder / TASK_NAME).write_text(json.dumps(order))


def module_command(module: str, *arguments: str) -> list[str]:
    """Command that runs one of the modules; ``-P`` keeps the working folder off the import path."""
    return [sys.executable, "-P", "-m", module, *arguments]


def child_environment(*, token: str | None = None, n_threads: int = 1) -> dict[str, str]:
    """Environment of a child: the driver's import path, thread counts set before any library reads them.

    Without a token the child is not marked, even where its parent is.
    """
    environment = dict(os.environ)
    environment[_PATH_BEFORE_VARIABLE] = os.environ.get(_PATH_VARIABLE, "")
    environment[_PATH_VARIABLE] = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109
    for name in _THREAD_COUNTS:
        environment[name] = str(n_threads)
    environment.setdefault("OMP_STACKSIZE", "2G")  # xtb's large arrays live on the threads' stacks
    environment.pop(TOKEN_VARIABLE, None)
    if token is not None:
        environment[TOKEN_VARIABLE] = token
    return environment


def restore_import_path_variable() -> None:
    """Hide the driver's import path from programs that a task starts: Psi4 may be of another Python."""
    before = os.environ.pop(_PATH_BEFORE_VARIABLE, "")
    os.environ.pop(_PATH_VARIABLE, None)
    if before:
        os.environ[_PATH_VARIABLE] = before
