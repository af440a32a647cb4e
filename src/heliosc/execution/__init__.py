"""Durable tasks: stored, leased, run by worker processes, retried. Runs named callables on JSON payloads.

The names load on first use: worker and guard processes start many times and need few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heliosc.execution.driver import run_tasks
    from heliosc.execution.identity import canonical_json, task_key
    from heliosc.execution.manager import AsyncQCManager, DFTInterface, TaskFuture
    from heliosc.execution.pool import WorkerSettings
    from heliosc.execution.store import QCResultStore
    from heliosc.execution.summary import QueueSummary, summarize
    from heliosc.execution.tasks import (
        Attempt,
        AttemptCost,
        Counts,
        RunInterruptedError,
        RunningTask,
        StaleLeaseError,
        Task,
        TaskFailedError,
        TaskFailure,
        TaskRequest,
    )
    from heliosc.execution.transport import TransportFactory
    from heliosc.execution.transports import transport_factory

__all__ = [
    "AsyncQCManager",
    "Attempt",
    "AttemptCost",
    "Counts",
    "DFTInterface",
    "QCResultStore",
    "QueueSummary",
    "RunInterruptedError",
    "RunningTask",
    "StaleLeaseError",
    "Task",
    "TaskFailedError",
    "TaskFailure",
    "TaskFuture",
    "TaskRequest",
    "TransportFactory",
    "WorkerSettings",
    "canonical_json",
    "run_tasks",
    "summarize",
    "task_key",
    "transport_factory",
]

_HOMES = {
    "AsyncQCManager": "manager",
    "DFTInterface": "manager",
    "QCResultStore": "store",
    "QueueSummary": "summary",
    "TaskFuture": "manager",
    "TransportFactory": "transport",
    "WorkerSettings": "pool",
    "canonical_json": "identity",
    "run_tasks": "driver",
    "summarize": "summary",
    "task_key": "identity",
    "transport_factory": "transports",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'tasks')}"), name)
