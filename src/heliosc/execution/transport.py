"""What carries tasks to where they run and their answers back: the contract of every transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from heliosc.execution.store import QCResultStore
from heliosc.execution.tasks import AttemptCost, Task


@dataclass(frozen=True)
class TaskStarted:
    """The callable is imported and running."""

    task: Task


@dataclass(frozen=True)
class TaskSuccess:
    """An attempt that returned."""

    task: Task
    result: Any
    cost: AttemptCost


@dataclass(frozen=True)
class TaskError:
    """An attempt that did not return."""

    task: Task
    error_class: str
    reason: str
    traceback: str | None
    cost: AttemptCost


@dataclass(frozen=True)
class TaskLost:
    """An attempt that ended through no fault of its task, such as a node that failed: it costs none of its tries."""

    task: Task
    reason: str


TransportEvent = TaskStarted | TaskSuccess | TaskError | TaskLost


class Transport(Protocol):
    """Runs claimed tasks somewhere. All calls but ``wake`` come from the thread that made it."""

    @property
    def n_free(self) -> int:
        """Number of tasks that ``start`` would take now."""

    def adopt(self) -> Mapping[str, int]:
        """Take up what a driver that died or let go left running; returns its leases as key and token.

        Asked again and again, mostly for nothing.
        """

    def start(self, tasks: Sequence[Task]) -> None:
        """Take these tasks, at most ``n_free``.

        Raises
        ------
        ResourceError, MissingDependencyError : nothing can run there; the driver ends
        """

    def wait(self, timeout_s: float) -> list[TransportEvent]:
        """What has happened, after waiting at most so long for something to happen."""

    def wake(self) -> None:
        """Make ``wait`` return at once; may be called from any thread."""

    def drop(self, key: str) -> None:
        """End this task's attempt without an event: its lease is lost."""

    def close(self) -> set[str]:
        """Let go; returns the keys of tasks that go on without this driver and can be adopted."""


TransportFactory = Callable[[QCResultStore], Transport]
