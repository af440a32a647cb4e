"""``heliosc qc status``, ``retry``, ``cancel``, ``repair``: the queue of calculations in a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from heliosc.campaign.run_folder import find_run
from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson, RunId
from heliosc.cli.output import print_json, results
from heliosc.cli.queue_view import rendered_queue
from heliosc.cli.watch import watch_until_done
from heliosc.errors import InputError, UsageError
from heliosc.execution import QCResultStore, summarize

Store = Annotated[
    str | None, typer.Option("--store", help="Store file or postgresql:// URL; none = the store of the run.")
]
Runs = Annotated[Path, typer.Option("--runs", help="Folder that holds the runs.")]
Keys = Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", help="Keys of tasks, or their first letters.")]
_RUNS = Path("runs")
_SHORTEST_KEY = 6


def status(
    store: Store = None,
    name: RunId = None,
    runs: Runs = _RUNS,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it again every two seconds until it is through.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Queue, what is running, failures by cause, core-hours and time left."""
    with _opened(store, name, runs) as opened:
        if as_json:
            print_json({**asdict(summarize(opened)), "failed": [asdict(failure) for failure in opened.failures()]})
        elif watch:
            watch_until_done(lambda: _look_at(opened))
        else:
            results.print(_look_at(opened)[0])


def retry(
    keys: Keys = None,
    error_class: Annotated[
        str | None, typer.Option("--class", help="All that failed with this class, e.g. timeout; 'all' for every one.")
    ] = None,
    store: Store = None,
    name: RunId = None,
    runs: Runs = _RUNS,
) -> None:
    """Queue failed or cancelled calculations again; the next `heliosc run`, `label` or `qc run` computes them."""
    if bool(keys) == bool(error_class):
        raise UsageError("nothing chosen: name keys, or a class of failures by --class; see `heliosc qc status`")
    with _opened(store, name, runs) as opened:
        n_queued = opened.retry(_full_keys(opened, keys) if keys else _failed_with(opened, error_class or ""))
    messages.print(f"{n_queued} queued again; run the command that computes them.")


def cancel(
    keys: Keys = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is queued or running.")] = False,
    store: Store = None,
    name: RunId = None,
    runs: Runs = _RUNS,
) -> None:
    """Cancel queued and running calculations; one that runs is ended by its driver within seconds."""
    if bool(keys) == everything:
        raise UsageError("nothing chosen: name keys, or --all; see `heliosc qc status`")
    with _opened(store, name, runs) as opened:
        n_cancelled = opened.cancel(_full_keys(opened, keys) if keys else list(opened.states()))
    messages.print(f"{n_cancelled} cancelled; `heliosc qc retry` takes it back.")


def repair(
    store: Annotated[Path, typer.Argument(help="Store file, as the message that sent you here names it.")],
    as_json: AsJson = False,
) -> None:
    """Put a damaged store together from what is whole in it and in its backup; the damaged file is kept beside it."""
    from heliosc.execution.repair import repair as repair_store

    if not store.is_file() and not store.with_name(f"{store.name}.backup").is_file():
        raise InputError(f"there is no store at {store}, and no backup of one; name a store file")
    report = repair_store(store)
    if as_json:
        print_json(asdict(report))
    elif report.damaged is None:
        messages.print(f"{store} is sound: {report.n_tasks} tasks, {report.n_results} results; nothing was changed.")
    else:
        messages.print(
            f"{store} was damaged: {report.damage}\nIt has {report.n_tasks} tasks and {report.n_results} results now, "
            f"{report.n_tasks_from_backup} and {report.n_results_from_backup} of them from the backup. "
            f"{report.n_requeued} will be computed again; {report.n_results_without_task} results have no task now. "
            f"The damaged file is kept: {report.damaged}",
            markup=False,
            soft_wrap=True,
        )


def _look_at(store: QCResultStore) -> tuple[RenderableType, bool]:
    summary = summarize(store)
    return rendered_queue(summary, store.failures()), summary.counts.n_final == summary.counts.total


@contextmanager
def _opened(store: str | None, name: str | None, runs: Path) -> Iterator[QCResultStore]:
    if store is None:
        folder = find_run(runs, name)
        store = str(folder.store_location())
    if "://" not in store and not Path(store).is_file():
        raise InputError(f"there is no store at {store}; name one by --store, or a run by --id")
    with QCResultStore(store if "://" in store else Path(store)) as opened:
        yield opened


def _full_keys(store: QCResultStore, beginnings: list[str]) -> list[str]:
    known = store.states()
    keys = []
    for beginning in beginnings:
        matching = [key for key in known if key.startswith(beginning)]
        if len(beginning) < _SHORTEST_KEY or len(matching) != 1:
            raise InputError(
                f"{beginning!r} names {len(matching)} tasks of {len(known)}; expected the first {_SHORTEST_KEY} "
                "or more letters of one key, as `heliosc qc status --json` shows them"
            )
        keys += matching
    return keys


def _failed_with(store: QCResultStore, error_class: str) -> list[str]:
    failures = store.failures()
    chosen = [failure.key for failure in failures if error_class in ("all", failure.error_class)]
    if not chosen:
        there = ", ".join(sorted({failure.error_class for failure in failures})) or "no failures"
        raise InputError(f"no failure of class {error_class!r}; there is: {there}")
    return chosen
