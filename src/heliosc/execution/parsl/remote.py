"""What runs in a worker process of Parsl: one task at a time, in a child, through the local worker pool.

The child gives a task the same limits, error classes and clean end as on one machine. It is kept for the next task,
so that libraries are imported once. Neither the store nor a shared file system is needed; where the driver's folder
can be seen from here, a task is ended when it is called back or when the driver has gone.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliosc.errors import HelioscError
from heliosc.execution.identity import canonical_json
from heliosc.execution.pool import WorkerPool, WorkerSettings
from heliosc.execution.processes import die_with_parent
from heliosc.execution.protocol import restore_import_path_variable
from heliosc.execution.tasks import Task
from heliosc.execution.transport import TaskError, TaskStarted, TaskSuccess, TransportEvent

_LOOK_EVERY_S = 1.0
_BROKEN_PAUSE_S = 5.0  # a node on which nothing runs must not swallow the queue in a moment

_pool: WorkerPool | None = None


@dataclass(frozen=True)
class Order:
    """A task on its way to a worker.

    Attributes
    ----------
    task : what to run
    settings : how
    folder : of the driver; gone once it is
    """

    task: Task
    settings: WorkerSettings
    folder: Path

    @property
    def recall(self) -> Path:
        """File whose presence calls the task back."""
        return recall_file(self.folder, self.task)

    def to_bytes(self) -> bytes:
        """As JSON."""
        settings = {**vars(self.settings), "scratch": self.settings.scratch and str(self.settings.scratch)}
        return json.dumps({"task": vars(self.task), "settings": settings, "folder": str(self.folder)}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Order:
        """Inverse of ``to_bytes``."""
        order = json.loads(data)
        scratch = order["settings"].pop("scratch")
        settings = WorkerSettings(**order["settings"], scratch=Path(scratch) if scratch else None)
        return cls(Task(**order["task"]), settings, Path(order["folder"]))


def recall_file(folder: Path, task: Task) -> Path:
    """Where the driver leaves word that a task is no longer wanted."""
    return folder / "recalled" / str(task.token)


def run_order(buffer: bytes) -> str:
    """Run one task; called by Parsl's worker.

    Returns
    -------
    str : canonical JSON with ``event`` "done", "failed" (see ``worker``) or "lost" and a ``reason``
    """
    order = Order.from_bytes(buffer)
    try:
        event = _run(order)
    except HelioscError as error:  # no worker can start here, no scratch folder: not the task's fault
        _drop_pool()
        time.sleep(_BROKEN_PAUSE_S)
        return canonical_json({"event": "lost", "reason": str(error)})
    return canonical_json(_answer(event))


def _run(order: Order) -> TransportEvent | None:
    pool = _pool_with(order.settings)
    has_seen_driver = order.folder.is_dir()
    pool.start([order.task])
    while True:
        for event in pool.wait(_LOOK_EVERY_S):
            if not isinstance(event, TaskStarted):
                return event
        if has_seen_driver and (order.recall.exists() or _is_gone(order.folder)):
            pool.drop(order.task.key)
            return None


def _is_gone(folder: Path) -> bool:
    try:
        folder.stat()
    except FileNotFoundError:
        return True
    except OSError:  # a file server that does not answer is no sign of anything
        return False
    return False


def _pool_with(settings: WorkerSettings) -> WorkerPool:
    global _pool
    if _pool is None:
        die_with_parent()  # Parsl's workers outlive a killed manager by up to a heartbeat, a busy one until its end
        restore_import_path_variable()
        _pool = WorkerPool(1, settings)
    return _pool


def _drop_pool() -> None:
    global _pool
    if _pool is not None:
        _pool.close()
        _pool = None


def _answer(event: TransportEvent | None) -> dict[str, Any]:
    if isinstance(event, TaskSuccess):
        return {"event": "done", "result": event.result, "cost": vars(event.cost)}
    if isinstance(event, TaskError):
        return {
            "event": "failed",
            "error_class": event.error_class,
            "reason": event.reason,
            "traceback": event.traceback,
            "cost": vars(event.cost),
        }
    return {"event": "lost", "reason": "called back"}
