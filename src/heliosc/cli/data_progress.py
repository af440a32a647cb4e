"""Progress of downloads and merges: bars with the time left on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from heliosc.cli.errors import messages

if TYPE_CHECKING:
    from heliosc.datasets.merge import MergeProgress


@contextmanager
def fetch_progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """A listener of ``heliosc.datasets.fetch``."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages, disable=not messages.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def show(name: str, n_bytes: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=n_bytes, total=total)

        yield show


@contextmanager
def describe_progress() -> Iterator[Callable[[int, int], None]]:
    """A listener of ``heliosc.datasets.full_descriptors``."""
    columns = (TextColumn("describe"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages, disable=not messages.is_terminal) as bars:
        task = bars.add_task("", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def merge_progress() -> Iterator[Callable[[MergeProgress], None]]:
    """A listener of ``heliosc.datasets.merge``."""
    if not messages.is_terminal:
        yield _plain_listener()
        return
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]} rows"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=messages) as bars:
        tasks: dict[str, TaskID] = {}

        def show(step: MergeProgress) -> None:
            if step.stage not in tasks:
                tasks[step.stage] = bars.add_task(step.stage, total=step.total, rows=0)
            bars.update(tasks[step.stage], completed=step.done, total=step.total, rows=f"{step.n_rows:,}")

        yield show


def _plain_listener() -> Callable[[MergeProgress], None]:
    """A line at every tenth of a stage, with rows a second and the time left, both of this run alone."""
    first: dict[str, tuple[float, MergeProgress]] = {}
    last: dict[str, int] = {}

    def show(step: MergeProgress) -> None:
        begin, start = first.setdefault(step.stage, (time.perf_counter(), step))
        tenth = 10 * step.done // step.total if step.total else 10
        if last.get(step.stage) == tenth:
            return
        last[step.stage] = tenth
        elapsed, done = time.perf_counter() - begin, step.done - start.done
        speed = ""
        if elapsed > 1 and done:
            rate, left = (step.n_rows - start.n_rows) / elapsed, elapsed * (step.total - step.done) / done / 60
            speed = f", {rate:,.0f} rows/s, {left:.1f} min left"
        messages.print(f"{step.stage}  {10 * tenth} %  {step.n_rows:,} rows{speed}", markup=False, soft_wrap=True)

    return show
