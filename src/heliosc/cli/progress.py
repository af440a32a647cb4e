"""Progress on a terminal as bars, elsewhere as plain lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from heliosc.campaign.progress import Listener
from heliosc.campaign.progress import Progress as Step
from heliosc.cli.errors import messages


def _heading(step: Step) -> str:
    of_all = "" if step.n_rounds is None else f"/{step.n_rounds}"
    return f"round {step.round + 1}{of_all}  {step.stage}"


@contextmanager
def campaign_progress() -> Iterator[Listener]:
    """A listener that shows each stage of each round."""
    if not messages.is_terminal:
        yield _plain_listener()
        return
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    with Progress(*columns, console=messages) as bars:
        tasks: dict[str, TaskID] = {}

        def show(step: Step) -> None:
            heading = _heading(step)
            if heading not in tasks:
                tasks[heading] = bars.add_task(heading, total=step.total, note="")
            bars.update(tasks[heading], completed=step.done, total=step.total, note=step.note[:60])

        yield show


def _plain_listener() -> Listener:
    """A line when a stage begins and at every tenth of it: readable in a log file."""
    last: dict[str, int] = {}

    def show(step: Step) -> None:
        tenth = 10 * step.done // step.total if step.total else 0
        if last.get(_heading(step)) == tenth:
            return
        last[_heading(step)] = tenth
        count = f"  {step.done}/{step.total}" if step.total else ""
        messages.print(f"{_heading(step)}{count}  {step.note}".rstrip(), markup=False, soft_wrap=True)

    return show


@contextmanager
def calculation_progress(total: int) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A listener for the events of calculations: done, left, and how long it will take."""
    columns = (
        TextColumn("[bold]computing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[eta]}"),
    )
    with Progress(*columns, console=messages, disable=not messages.is_terminal) as bars:
        task = bars.add_task("", total=total, eta="")

        def show(event: dict[str, Any]) -> None:
            eta = f"{event['eta_s'] / 60:.0f} min left" if event["eta_s"] else ""
            bars.update(task, completed=event["done"], total=event["total"], eta=eta)
            if not messages.is_terminal and event["state"] in ("done", "failed") and event["done"] % 50 == 0:
                messages.print(f"{event['done']}/{event['total']}  {eta}")

        yield show
