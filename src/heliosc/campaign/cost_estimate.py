"""How long work will take, before it begins: from what like work has taken here, or else from recorded figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from heliosc.campaign.calculations import n_workers
from heliosc.campaign.records import read_candidates, read_history
from heliosc.campaign.run_folder import RunFolder, find_runs
from heliosc.config import Config
from heliosc.datasets.library.labels import LABELS_FILE
from heliosc.datasets.library.load import library_folder
from heliosc.execution.reading import StoreReader
from heliosc.execution.tasks import FINAL_STATES

MIN_MEASURED = 5
"""Fewest finished calculations from which their times count more than the figures that come with heliosc."""


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """An estimate, never a limit.

    Attributes
    ----------
    n_calculations : still to be done
    calculations_s : wall time of them on so many workers
    other_s : wall time of everything else; None = never measured here
    core_hours : CPU time of the calculations
    basis : what it rests on, in words
    """

    n_calculations: int
    calculations_s: float
    other_s: float | None
    core_hours: float
    basis: str

    def __str__(self) -> str:
        if not self.n_calculations:
            return "Estimate: nothing is left to compute"
        rest = "" if self.other_s is None else f", {in_words(self.other_s)} for generating, predicting and learning"
        return (
            f"Estimate: {self.n_calculations} calculations, {in_words(self.calculations_s)} "
            f"({self.core_hours:.2g} core-hours){rest}; {self.basis}"
        )


def in_words(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3_600:.1f} h"


def estimate_campaign(config: Config, folder: RunFolder) -> CostEstimate:
    """What a campaign still has before it.

    Raises
    ------
    ParseError : a run is damaged
    """
    runs = [RunFolder(run.path) for run in find_runs(config.campaign.runs)]
    computed = [r.wall_time_s for run in runs for r in read_candidates(run.path) if r.wall_time_s]
    rounds = [record for run in runs for record in read_history(run.path)]
    n_left = config.campaign.rounds - (len(read_history(folder.path)) if folder.history.exists() else 0)
    n = max(0, n_left) * config.campaign.batch_size
    each, basis = _each_calculation(computed)
    workers = n_workers(config.qc) if config.execution.transport == "local" else config.campaign.batch_size
    others = [sum(s for stage, s in record.timing_s.items() if stage != "compute") for record in rounds]
    other_s = float(np.median(others)) * max(0, n_left) if others else None
    return CostEstimate(n, n * each / workers, other_s, n * each / 3_600, basis)


def estimate_tasks(store: StoreReader, keys: Iterable[str], *, workers: int) -> CostEstimate:
    """What is still to be computed of some tasks, whose figures are corrected by what the store has measured."""
    states = store.states()
    wanted = [key for key in keys if states.get(key) not in FINAL_STATES]
    figures = store.cost_estimates(wanted)
    known = [cost for cost in figures.values() if cost is not None]
    typical = float(np.median(known)) if known else 0.0
    seconds = sum(typical if cost is None else cost for cost in figures.values())
    factor, basis = _measured_factor(store, [key for key, state in states.items() if state == "done"])
    return CostEstimate(len(wanted), factor * seconds / workers, None, factor * seconds / 3_600, basis)


def _each_calculation(measured: list[float]) -> tuple[float, str]:
    if len(measured) >= MIN_MEASURED:
        return float(np.mean(measured)), f"from {len(measured)} calculations of the runs here"
    return _library_seconds(), "from the embedded library's calculations, on another machine"


def _library_seconds() -> float:
    """Mean wall time of a molecule of the embedded library, s."""
    table = pq.read_table(Path(library_folder()) / LABELS_FILE, columns=["inchikey", "wall_time_s"])
    times = dict(zip(table["inchikey"].to_pylist(), table["wall_time_s"].to_pylist(), strict=True))
    return float(np.mean([seconds for seconds in times.values() if seconds]))


def _measured_factor(store: StoreReader, done: list[str]) -> tuple[float, str]:
    """By how much measured wall times differ from the figures, over the last finished tasks."""
    figures = store.cost_estimates(done[-200:])
    pairs = [
        (attempt.wall_s, cost)
        for key, cost in figures.items()
        for attempt in store.attempts(key)
        if attempt.outcome == "done" and attempt.wall_s and cost
    ]
    if len(pairs) < MIN_MEASURED:
        return 1.0, "from the usual time of the level, nothing like it was measured in this store yet"
    factor = sum(wall for wall, _ in pairs) / sum(cost for _, cost in pairs)
    return factor, f"from {len(pairs)} calculations measured in this store"
