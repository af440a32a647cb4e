"""The queue of a store for people: counts, what is running, failures by cause, cost and time left."""

from __future__ import annotations

import time
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from heliosc.cli.output import table_of
from heliosc.execution import QueueSummary, RunningTask, TaskFailure

_MAX_SHOWN = 10  # running tasks; --json has all


def rendered_queue(summary: QueueSummary, failures: list[TaskFailure]) -> RenderableType:
    """Tables and the line of costs below them."""
    parts = [table_of([asdict(summary.counts)], title="Calculations")]
    if summary.running:
        parts.append(_running_table(summary.running))
    if failures:
        parts.append(_failure_table(failures))
    return Group(*parts, Text(_cost_line(summary)))


def duration(seconds: float) -> str:
    """A time for people: 45 s, 12 min, 3.4 h, 2.1 d."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"{seconds / 3_600:.1f} h"
    return f"{seconds / 86_400:.1f} d"


def _running_table(running: list[RunningTask]) -> Table:
    rows = [
        {
            "key": task.key[:12],
            "calculation": task.callable,
            "attempt": task.attempt,
            "for": duration(time.time() - task.started_at),
            "where": task.job or f"driver {task.worker_id}",
        }
        for task in running[:_MAX_SHOWN]
    ]
    return table_of(rows, title=f"Running: the longest of {len(running)}")


def _failure_table(failures: list[TaskFailure]) -> Table:
    rows = []
    for error_class in dict.fromkeys(failure.error_class for failure in failures):
        alike = [failure for failure in failures if failure.error_class == error_class]
        newest = alike[-1]
        rows.append({"class": error_class, "n": len(alike), "newest": newest.key[:12], "reason": newest.reason})
    return table_of(rows, title="Failures by cause")


def _cost_line(summary: QueueSummary) -> str:
    lost = f", {summary.core_hours_lost:.3g} of them in attempts without a result" if summary.core_hours_lost else ""
    left = "unknown" if summary.eta_s is None else duration(summary.eta_s)
    return f"{summary.core_hours:.3g} core-hours used{lost}; time left: {left}"
