"""Where the work in a store stands: queue, what is running, failures by cause, core-hours, time left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from heliosc.execution.reading import StoreReader
from heliosc.execution.tasks import Counts, RunningTask

RECENT_S = 1_800.0  # the rate of the last half hour tells how long the rest will take


@dataclass(frozen=True)
class QueueSummary:
    """The state of a store at one moment.

    Attributes
    ----------
    counts : number of tasks in each state
    running : attempts under way, the longest first
    failures : number of failed tasks by class of their last error
    core_hours : CPU time of all finished attempts, those that failed included, h
    core_hours_lost : the part of it in attempts that gave no result, h
    eta_s : seconds until the queue is empty at the rate of the last half hour; None where nothing was finished in it
    """

    counts: Counts
    running: list[RunningTask] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    core_hours: float = 0.0
    core_hours_lost: float = 0.0
    eta_s: float | None = None


def summarize(store: StoreReader) -> QueueSummary:
    """Look at a store without changing it or holding up those who work with it."""
    counts, cpu_s = store.counts(), store.cpu_seconds()
    return QueueSummary(
        counts,
        running=store.running(),
        failures=dict(Counter(failure.error_class for failure in store.failures()).most_common()),
        core_hours=sum(cpu_s.values()) / 3_600,
        core_hours_lost=sum(used for outcome, used in cpu_s.items() if outcome != "done") / 3_600,
        eta_s=_time_left(counts, store.finish_times(since=time.time() - RECENT_S)),
    )


def _time_left(counts: Counts, finished_at: Sequence[float]) -> float | None:
    n_open = counts.total - counts.n_final
    if n_open == 0:
        return 0.0
    if len(finished_at) < 2:
        return None
    return n_open * (time.time() - finished_at[0]) / len(finished_at)
