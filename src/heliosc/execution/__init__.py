"""Durable tasks: stored, leased, run by worker processes, retried. Runs named callables on JSON payloads."""

from heliosc.execution.driver import run_tasks
from heliosc.execution.identity import canonical_json, task_key
from heliosc.execution.manager import AsyncQCManager, DFTInterface, TaskFuture
from heliosc.execution.pool import WorkerSettings
from heliosc.execution.store import QCResultStore
from heliosc.execution.tasks import (
    Attempt,
    Counts,
    RunInterruptedError,
    StaleLeaseError,
    Task,
    TaskFailedError,
    TaskFailure,
    TaskRequest,
)

__all__ = [
    "AsyncQCManager",
    "Attempt",
    "Counts",
    "DFTInterface",
    "QCResultStore",
    "RunInterruptedError",
    "StaleLeaseError",
    "Task",
    "TaskFailedError",
    "TaskFailure",
    "TaskFuture",
    "TaskRequest",
    "WorkerSettings",
    "canonical_json",
    "run_tasks",
    "task_key",
]
