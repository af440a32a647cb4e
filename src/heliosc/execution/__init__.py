"""Durable tasks: stored, leased, run by worker processes, retried. Runs named callables on JSON payloads."""

from heliosc.execution.driver import run_tasks
from heliosc.execution.identity import canonical_json, task_key
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
    "Attempt",
    "Counts",
    "QCResultStore",
    "RunInterruptedError",
    "StaleLeaseError",
    "Task",
    "TaskFailedError",
    "TaskFailure",
    "TaskRequest",
    "WorkerSettings",
    "canonical_json",
    "run_tasks",
    "task_key",
]
