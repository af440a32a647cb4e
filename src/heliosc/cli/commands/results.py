"""``heliosc status``, ``report`` and ``handoff``: look at a run and take things out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType

from heliosc.campaign.calculations import wall_time_s
from heliosc.campaign.known import known_molecules
from heliosc.campaign.models import generator_folder, surrogate_folder
from heliosc.campaign.optical import compute_optical, read_optical_keys, with_optical
from heliosc.campaign.promotions import better_values, with_better_values
from heliosc.campaign.records import (
    CandidateRecord,
    read_candidates,
    read_history,
    read_promotions,
)
from heliosc.campaign.run_folder import RunFolder, find_run, find_runs
from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson, RunId
from heliosc.cli.output import print_json, print_table, results, table_of
from heliosc.cli.progress import calculation_progress
from heliosc.cli.queue_view import rendered_queue
from heliosc.cli.watch import watch_until_done
from heliosc.execution import QCResultStore, summarize
from heliosc.properties import DEFAULT_TARGETS
from heliosc.selection.roles import load_roles

Runs = Annotated[Path, typer.Option("--runs", help="Folder that holds the runs.")]
_RUNS = Path("runs")
JUDGED_FOR_EACH = 3
"""Candidates that are judged, best ranked first, for each that is handed over."""


def status(
    name: RunId = None,
    runs: Runs = _RUNS,
    watch: Annotated[bool, typer.Option("--watch", help="Show the run and its queue until it is finished.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show where the runs stand, or one of them with the queue of its calculations."""
    if watch:
        folder = find_run(runs, name)
        watch_until_done(lambda: _look_at(folder))
        return
    chosen = [find_run(runs, name)] if name else find_runs(runs)
    if not chosen:
        find_run(runs, None)
    print_table([_status_row(folder) for folder in chosen], title=f"Runs in {runs}", as_json=as_json)
    if name and not as_json and chosen[0].has_store():
        results.print(_queue_of(chosen[0]))


def report(
    name: RunId = None,
    runs: Runs = _RUNS,
    out: Annotated[Path | None, typer.Option(help="File to write; none = report.html in the run's folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the HTML report of a run, finished or not."""
    path = write_run_report(find_run(runs, name), out=out)
    print_json({"report": str(path)}) if as_json else messages.print(f"Report: {path}")


def handoff(
    candidates: Annotated[list[str] | None, typer.Argument(help="Candidate ids; none = the best.")] = None,
    name: RunId = None,
    runs: Runs = _RUNS,
    best: Annotated[int, typer.Option(min=1, help="How many of the best, when no ids are given.")] = 4,
    optical: Annotated[
        str | None, typer.Option(help="Compute S1, T1 and oscillator strength first, at this level, e.g. dft-fast.")
    ] = None,
    criteria: Annotated[
        Path | None, typer.Option(help="Criteria of promotion of your own, as for `heliosc promote`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write hand-off packages for the laboratory."""
    path = write_handoff(
        find_run(runs, name), candidates or None, best=best, optical_level=optical, criteria_file=criteria
    )
    print_json({"handoff": str(path) if path else None}) if as_json else messages.print(f"Hand-off packages: {path}")


def write_run_report(folder: RunFolder, *, out: Path | None = None) -> Path:
    """Write the report of a run, by default ``report.html`` in its folder, and return its path."""
    from heliosc.report import write_report

    config = folder.read_config()
    models = {
        "Surrogate at the start": surrogate_folder(config.surrogate.weights),
        "Generator at the start": generator_folder(config.generator.weights),
    }
    roles = load_roles(config.selection.role_file)
    library = known_molecules(config, DEFAULT_TARGETS)
    return write_report(folder.path, roles=roles, models=models, library=library, references=_references(), out=out)


def write_handoff(
    folder: RunFolder,
    ids: list[str] | None = None,
    *,
    best: int,
    optical_level: str | None = None,
    criteria_file: Path | None = None,
) -> Path | None:
    """Write the packages of some candidates, or of the best; None when nothing has been computed or none is wanted.

    Parameters
    ----------
    optical_level : level of the excited states that are computed first; None = those of earlier calls, or none
    criteria_file : criteria of promotion over the shipped ones

    Raises
    ------
    InputError : an id that is unknown or has no result, or criteria that cannot be read
    """
    from heliosc.handoff.judging import package_context, promotable_first
    from heliosc.handoff.package import choose_candidates, write_package
    from heliosc.handoff.promotion.criteria import load_criteria

    config, criteria = folder.read_config(), load_criteria(criteria_file)
    roles = load_roles(config.selection.role_file)
    with QCResultStore(folder.store_location()) as store:
        stored = store.results([record.calculation_key for record in read_candidates(folder.path)])
        if ids is None and (best == 0 or not stored):
            return None
        better = better_values(folder.path)
        chosen = choose_candidates(folder.path, ids, computed=stored, roles=roles, best=best * JUDGED_FOR_EACH)
        if ids is None:
            known = _handed(store, stored, chosen, optical=read_optical_keys(folder.path), better=better)
            messages.print(f"Judging {len(chosen)} candidates to hand over the promoted ones first ...")
            chosen = promotable_first(folder.path, chosen, results=known, roles=roles, criteria=criteria)[:best]
        if optical_level is not None:
            messages.print(f"Computing the optical gap of {len(chosen)} candidates at {optical_level} ...")
            with calculation_progress(len(chosen)) as on_event:
                compute_optical(folder.path, chosen, store, config, level=optical_level, on_event=on_event)
        handed = _handed(store, stored, chosen, optical=read_optical_keys(folder.path), better=better)
    ids = [candidate.id for candidate in chosen]
    context = package_context(
        folder.path, chosen, results=handed, roles=roles, references=_references(), criteria=criteria
    )
    return write_package(folder.path, ids, results=handed, roles=roles, context=context)


def _handed(
    store: QCResultStore,
    stored: Mapping[str, Mapping[str, Any]],
    candidates: Sequence[CandidateRecord],
    *,
    optical: Mapping[str, str],
    better: Mapping[str, Mapping[str, float]],
) -> dict[str, dict[str, Any]]:
    """Calculation key -> result with everything that was computed for the candidate since."""
    return {
        candidate.calculation_key: with_optical(
            {
                **with_better_values(stored[candidate.calculation_key], better.get(candidate.id)),
                "wall_time_s": wall_time_s(store, candidate.calculation_key),
            },
            store,
            optical.get(candidate.id),
        )
        for candidate in candidates
    }


def write_calculations(folder: RunFolder) -> Path:
    """Write every result of a run with its metadata, ready to be merged into the master data set; returns the folder.

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    from heliosc.campaign.exporting import export_results

    out = folder.path / "calculations"
    with QCResultStore(folder.store_location()) as store:
        candidates = [record.calculation_key for record in read_candidates(folder.path)]
        promoted = [promotion.calculation_key for promotion in read_promotions(folder.path)]
        export_results(store, out, keys=[*candidates, *promoted, *read_optical_keys(folder.path).values()])
    return out


def _references() -> dict[str, dict[str, float]]:
    """Computed values of well-known materials of the embedded library, for comparison at the same level."""
    from heliosc.datasets.library.load import load_library

    return load_library().reference_values(DEFAULT_TARGETS)


def _status_row(folder: RunFolder) -> dict[str, Any]:
    config, state = folder.read_config(), folder.read_state()
    records = read_candidates(folder.path)
    return {
        "run": folder.id,
        "round": f"{state.round + 1}/{config.campaign.rounds}",
        "stage": state.stage.value,
        "rounds_complete": len(read_history(folder.path)),
        **_counts(folder, records),
    }


def _look_at(folder: RunFolder) -> tuple[RenderableType, bool]:
    parts: list[RenderableType] = [table_of([_status_row(folder)], title=f"Run {folder.id}")]
    if folder.has_store():
        parts.append(_queue_of(folder))
    return Group(*parts), folder.is_finished()


def _queue_of(folder: RunFolder) -> RenderableType:
    with QCResultStore(folder.store_location()) as store:
        return rendered_queue(summarize(store), store.failures())


def _counts(folder: RunFolder, records: list[CandidateRecord]) -> dict[str, int]:
    counts = {"selected": len(records), "done": 0, "running": 0, "failed": 0}
    if folder.has_store() and records:
        with QCResultStore(folder.store_location()) as store:
            tasks = store.counts([record.calculation_key for record in records])
        counts |= {"done": tasks.done, "running": tasks.running, "failed": tasks.failed}
    counts["in_window"] = sum(record.meets_window is True for record in records)
    return counts
