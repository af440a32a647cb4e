"""What the execution room speaks about: tasks, attempts, failures, counts and when to try again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from heliosc.errors import HelioscError, UsageError

TaskState = Literal["queued", "running", "done", "failed", "cancelled"]
Outcome = Literal["done", "failed", "interrupted", "cancelled"]

STATES: tuple[TaskState, ...] = ("queued", "running", "done", "failed", "cancelled")
FINAL_STATES: frozenset[str] = frozenset({"done", "failed", "cancelled"})

TRANSIENT = "transient"
TIMEOUT = "timeout"
CRASH = "crash"
UNEXPECTED = "unexpected"


@dataclass(frozen=True)
class TaskRequest:
    """One calculation asked for.

    Attributes
    ----------
    callable : ``package.module:function``, called with the payload as its only argument
    payload : JSON object handed to the callable
    identity : what makes the task unique; by default callable and payload
    priority : larger runs first
    timeout_s : wall-clock limit of one attempt; None for no limit
    max_attempts : tries in all where the failure is of a kind that may pass
    cores : CPU cores of one attempt
    memory_mb : memory of one attempt in MiB; locally a limit of the address space, on a cluster what is asked for
    cost_s : estimated core seconds of one attempt, for the remaining time shown; None where there is no estimate
    """

    callable: str
    payload: Mapping[str, Any]
    identity: Mapping[str, Any] | None = None
    priority: float = 0.0
    timeout_s: float | None = None
    max_attempts: int = 2
    cores: int = 1
    memory_mb: int | None = None
    cost_s: float | None = None

    def __post_init__(self) -> None:
        module, _, function = self.callable.partition(":")
        if not all(part.isidentifier() for part in [*module.split("."), function]) or module == "__main__":
            raise UsageError(
                f"callable {self.callable!r} cannot be imported by a worker; expected 'package.module:function'"
            )
        if self.timeout_s is not None and not self.timeout_s > 0:
            raise UsageError(f"timeout_s is {self.timeout_s}; expected a positive number of seconds or None")
        if self.max_attempts < 1:
            raise UsageError(f"max_attempts is {self.max_attempts}; expected 1 or more")
        if self.cores < 1:
            raise UsageError(f"cores is {self.cores}; expected 1 or more")
        if self.memory_mb is not None and self.memory_mb < 1:
            raise UsageError(f"memory_mb is {self.memory_mb}; expected 1 or more MiB, or None")
        if self.cost_s is not None and not 0 < self.cost_s < float("inf"):
            raise UsageError(f"cost_s is {self.cost_s}; expected a positive number of core seconds or None")


@dataclass(frozen=True)
class Task:
    """A claimed task: whoever holds the newest ``token`` may write its result."""

    key: str
    callable: str
    payload: dict[str, Any]
    token: int
    attempt: int
    timeout_s: float | None = None
    cores: int = 1
    memory_mb: int | None = None


@dataclass(frozen=True)
class Attempt:
    """One try of a task; ``outcome`` is None while it runs. Times are Unix seconds, durations seconds.

    ``host`` is where the driver of the attempt ran.
    """

    number: int
    token: int
    worker_id: str
    started_at: float
    finished_at: float | None
    outcome: Outcome | None
    error_class: str | None
    reason: str | None
    traceback: str | None
    scratch: str | None
    wall_s: float | None
    cpu_s: float | None
    host: str | None = None


@dataclass(frozen=True)
class RunningTask:
    """One attempt under way; ``job`` names the cluster's job, None where a local driver runs it."""

    key: str
    callable: str
    attempt: int
    worker_id: str
    job: str | None
    started_at: float


@dataclass(frozen=True)
class TaskFailure:
    """Why a task has failed for good."""

    key: str
    error_class: str
    reason: str
    n_attempts: int


@dataclass(frozen=True)
class AttemptCost:
    """What an attempt used and left: wall and CPU seconds, kept scratch folder."""

    wall_s: float | None = None
    cpu_s: float | None = None
    scratch: str | None = None


@dataclass(frozen=True)
class Counts:
    """Number of tasks in each state."""

    queued: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        return self.queued + self.running + self.done + self.failed + self.cancelled

    @property
    def n_final(self) -> int:
        return self.done + self.failed + self.cancelled


@dataclass(frozen=True)
class SubmitReport:
    """Keys in the order of the requests, and how many of them were new to the store."""

    keys: list[str] = field(default_factory=list)
    n_new: int = 0


class StaleLeaseError(HelioscError):
    """Another worker holds the task now, or it is final: the late answer was refused."""

    kind = "stale"


class TaskFailedError(HelioscError):
    """The result of a failed task was asked for.

    Attributes
    ----------
    failure : TaskFailure
    """

    kind = "failed"
    exit_code = 5

    def __init__(self, failure: TaskFailure) -> None:
        self.failure = failure
        super().__init__(
            f"task {failure.key[:12]} failed after {failure.n_attempts} attempt(s), class {failure.error_class}: "
            f"{failure.reason}; mend the cause, then retry it"
        )


class RunInterruptedError(HelioscError):
    """A signal ended the run cleanly; the same command goes on where it was.

    Attributes
    ----------
    counts : Counts of the tasks when the run stopped
    """

    kind = "interrupted"

    def __init__(self, signal_number: int, counts: Counts) -> None:
        self.exit_code = 128 + signal_number
        self.counts = counts
        super().__init__(
            f"stopped by signal {signal_number} with {counts.n_final} of {counts.total} tasks finished; "
            "nothing is lost, run the same command again to go on"
        )


def may_try_again(error_class: str, *, n_failures: int, max_attempts: int) -> bool:
    """Whether a task that has now failed ``n_failures`` times runs again.

    What passes by itself is tried up to ``max_attempts`` times; a timeout or a crash once more at most, because it
    usually comes back and costs the whole limit each time; everything else never.
    """
    limits = {TRANSIENT: max_attempts, TIMEOUT: min(2, max_attempts), CRASH: min(2, max_attempts)}
    return n_failures < limits.get(error_class, 0)
