"""The runner of one array element on a node. It never opens the store: it reads and writes the job's folder only.

Started as ``python -P -m heliosc.execution.slurm.node FOLDER ELEMENT`` by the job's script. Its tasks run in the same
worker processes as on one machine, with the same limits.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path
from types import FrameType
from typing import Any

from heliosc.errors import HelioscError, UsageError
from heliosc.execution.pool import WorkerPool, WorkerSettings
from heliosc.execution.protocol import restore_import_path_variable
from heliosc.execution.slurm.folder import JobFolder
from heliosc.execution.transport import TaskError, TaskLost, TaskStarted, TaskSuccess

STOPPED = 143  # as after SIGTERM
_WAIT_S = 1.0
_ERROR_DELAY_S = 0.2  # Slurm ends a job's processes one after the other: a task may fail of it before this process


def main(arguments: list[str]) -> int:
    """Run what is left of an element; returns the exit code."""
    folder, element = JobFolder(Path(arguments[0])), int(arguments[1])
    restore_import_path_variable()
    try:
        own = os.environ.get("SLURM_ARRAY_JOB_ID") or os.environ.get("SLURM_JOB_ID")
        if own is None:
            raise UsageError("SLURM_JOB_ID is not set; this module is started by Slurm with a job's script")
        if (holder := folder.take_claim(own)) != own:
            print(f"the job in {folder.path} belongs to {holder}: {own} is a second copy and ends here")
            return 0
        return _run(folder, element)
    except HelioscError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _run(folder: JobFolder, element: int) -> int:
    plan = folder.plan()
    waiting = deque(folder.tasks(element))
    settings = WorkerSettings(
        n_threads=plan.cores,
        scratch=None if plan.scratch is None else Path(plan.scratch),
        keep_scratch=plan.keep_scratch,
    )
    with WorkerPool(plan.n_parallel, settings) as pool:
        stopped = _stop_on_sigterm(pool)
        while not stopped and (waiting or pool.running()):
            while waiting and pool.n_free:
                task = waiting.popleft()
                if not folder.is_dropped(task.token):
                    pool.start([task])
            events = pool.wait(_WAIT_S)
            if any(isinstance(event, TaskError) for event in events):
                time.sleep(_ERROR_DELAY_S)
            for event in events:
                if isinstance(event, TaskLost):
                    waiting.append(event.task)
                elif not (stopped and isinstance(event, TaskError)):
                    _tell(folder, event)
    return STOPPED if stopped else 0


def _stop_on_sigterm(pool: WorkerPool) -> list[int]:
    caught: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        caught.append(number)
        pool.wake()

    signal.signal(signal.SIGTERM, note)
    return caught


def _tell(folder: JobFolder, event: TaskStarted | TaskSuccess | TaskError) -> None:
    if isinstance(event, TaskStarted):
        folder.mark_started(event.task.token)
        return
    answer: dict[str, Any] = {"key": event.task.key, "host": socket.gethostname()}
    if isinstance(event, TaskSuccess):
        answer |= {"event": "done", "result": event.result}
    else:
        answer |= {
            "event": "failed",
            "error_class": event.error_class,
            "reason": event.reason,
            "traceback": event.traceback,
        }
    answer |= {"wall_s": event.cost.wall_s, "cpu_s": event.cost.cpu_s, "scratch": event.cost.scratch}
    folder.write_answer(event.task.token, answer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
