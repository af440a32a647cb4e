"""Which figures a run has something to show in, with their captions and text alternatives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from heliosc.campaign.records import CandidateRecord
from heliosc.handoff.labels import ordered_keys, symbol, words
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.report import figures
from heliosc.report.pictures import Picture, figure_picture
from heliosc.report.run_view import RunView
from heliosc.report.tables import funnel_total, timing_stages, window_shares
from heliosc.selection.objectives import Objective
from heliosc.selection.roles import Role

FloatArray = NDArray[np.float64]

BASELINE_SEED = 20_260_101
MIN_CALIBRATION = 5
"""Fewer molecules say nothing about coverage."""


def funnel_picture(run: RunView) -> Picture | None:
    """Counts of all rounds."""
    total = funnel_total(run)
    if not total:
        return None
    return figure_picture(
        figures.funnel_figure(total),
        alt="Bar chart of the funnel: " + ", ".join(f"{stage} {count}" for stage, count in total.items()),
        caption="Molecules that reached each stage, all rounds together, on a logarithmic axis.",
    )


def share_picture(run: RunView) -> Picture | None:
    """Candidates beside the library."""
    shares = {
        role: groups for role, groups in window_shares(run).items() if any(judged for _, judged in groups.values())
    }
    if not shares:
        return None
    return figure_picture(
        figures.window_share_figure(shares),
        alt="Share of molecules inside the window of their role, candidates and library; numbers in the table",
        caption="Dots: share. Bars: 95 % binomial interval (Wilson). Small numbers give wide bars.",
    )


@dataclass(frozen=True, slots=True)
class Front:
    """A drawn Pareto front and how many points it rests on."""

    figure: Figure
    n_candidates: int
    n_library: int


def draw_front(role: Role, candidates: Sequence[CandidateRecord], *, library: PropertyTable | None) -> Front | None:
    """Front of one role's candidates in its first two objectives; None without two objectives or computed values."""
    if len(role.objectives) < 2:
        return None
    pair = (role.objectives[0], role.objectives[1])
    rounds = objective_values(candidates, pair)
    if not rounds:
        return None
    n_points = sum(len(points) for points in rounds.values())
    baseline = library_sample(library, pair, n_molecules=n_points)
    window = next((item.window for item in role.windows if item.key == pair[0].key), None)
    figure = figures.pareto_figure(pair, rounds=rounds, baseline=baseline, window=window)
    return Front(figure, n_points, len(baseline))


def pareto_picture(run: RunView, role: Role) -> Picture | None:
    """Front of one role, round by round."""
    front = draw_front(role, run.of_role(role.name), library=run.library)
    if front is None:
        return None
    names = " against ".join(words(objective.key) for objective in role.objectives[:2])
    beside = f" Crosses: {front.n_library} random library molecules (seed {BASELINE_SEED})." if front.n_library else ""
    return figure_picture(
        front.figure,
        alt=f"Computed {names} of {front.n_candidates} candidates for {role.name}, by round",
        caption=f"{role.name}: computed candidates. Lines join those that no other beats in both.{beside}",
    )


def hypervolume_picture(run: RunView, role: str) -> Picture | None:
    """Growth of the hypervolume of one role."""
    records = [record for record in run.history if role in record.hypervolume]
    if not records:
        return None
    candidates = [record.hypervolume[role] for record in records]
    random = [record.hypervolume_random.get(role, np.nan) for record in records]
    return figure_picture(
        figures.hypervolume_figure(rounds=[record.round for record in records], candidates=candidates, random=random),
        alt=f"Hypervolume of {role} by round: candidates end at {candidates[-1]:.3g}, random at {random[-1]:.3g}",
        caption=f"{role}: hypervolume of everything computed so far, in all objectives of the role. "
        "Dotted: as many random library molecules, mean of several draws.",
    )


def parity_pictures(run: RunView) -> list[Picture]:
    """One parity plot a property that was both predicted and computed."""
    return [
        figure_picture(
            figures.parity_figure(key, computed=pairs[0], predicted=pairs[1], std=pairs[2], rounds=rounds),
            alt=f"Predicted against computed {words(key)} of {len(rounds)} candidates",
            caption=f"{symbol(key)} at {key.level}. Bars: one predicted standard deviation. Dashed: equal.",
        )
        for key in predicted_keys(run.computed)
        for pairs, rounds in (predictions_and_values(run.computed, key),)
    ]


def calibration_picture(run: RunView) -> Picture | None:
    """Whether the uncertainties were honest."""
    standardised = standardised_errors(run.computed)
    n_molecules = max((len(values) for values in standardised.values()), default=0)
    if n_molecules < MIN_CALIBRATION:
        return None
    return figure_picture(
        figures.calibration_figure(standardised),
        alt=f"Observed against expected coverage of the predictive intervals of {len(standardised)} properties",
        caption="Below the diagonal: overconfident; above: too cautious; grey: 95 % of perfect models. "
        "The model itself chose the molecules, so this is harsher than a random test set.",
    )


def cost_picture(run: RunView) -> Picture | None:
    """Wall time by stage."""
    timings = {record.round: record.timing_s for record in run.history if record.timing_s}
    if not timings:
        return None
    return figure_picture(
        figures.cost_figure(timings, stages=timing_stages(run)),
        alt="Stacked bars of the wall time of each round by stage; numbers in the table",
        caption="Wall time of each round by stage.",
    )


def objective_values(
    candidates: Iterable[CandidateRecord], objectives: tuple[Objective, Objective]
) -> dict[int, FloatArray]:
    """Round -> (n_points, 2) values of the candidates that have both."""
    found: dict[int, list[list[float]]] = {}
    for candidate in candidates:
        values = [objective_value(candidate, objective) for objective in objectives]
        if None not in values:
            found.setdefault(candidate.round, []).append([float(value) for value in values if value is not None])
    return {index: np.array(points) for index, points in sorted(found.items())}


def objective_value(candidate: CandidateRecord, objective: Objective) -> float | None:
    """Computed value of an objective; the SA score is that of the core, for computed candidates alone."""
    if str(objective.key) == "sa_score@structure":
        return candidate.sa_score_core if candidate.computed else None
    return candidate.computed.get(str(objective.key))


def library_sample(
    library: PropertyTable | None, objectives: tuple[Objective, Objective], *, n_molecules: int
) -> FloatArray:
    """As many random library molecules with both values, (n_points, 2); empty without a library."""
    if library is None or any(objective.key not in library.keys for objective in objectives):
        return np.empty((0, 2))
    values = np.column_stack([library.column(objective.key) for objective in objectives])
    known = values[np.isfinite(values).all(axis=1)]
    rng = np.random.default_rng(BASELINE_SEED)
    return known[rng.permutation(len(known))[:n_molecules]]


def predicted_keys(candidates: Sequence[CandidateRecord]) -> list[PropertyKey]:
    """Properties that some candidate has both predicted and computed."""
    return ordered_keys(key for c in candidates for key in c.predicted if key in c.computed)


def predictions_and_values(
    candidates: Sequence[CandidateRecord], key: PropertyKey
) -> tuple[tuple[FloatArray, FloatArray, FloatArray], NDArray[np.int_]]:
    """Computed values, predicted means and stds, (n_values,) each, and the round of each."""
    name = str(key)
    both = [c for c in candidates if name in c.predicted and name in c.computed]
    rows = np.array([[c.computed[name], c.predicted[name].mean, c.predicted[name].std] for c in both]).reshape(-1, 3)
    return (rows[:, 0], rows[:, 1], rows[:, 2]), np.array([c.round for c in both], dtype=int)


def standardised_errors(candidates: Sequence[CandidateRecord]) -> dict[PropertyKey, FloatArray]:
    """(computed - mean) / std of each property; predictions without any std are left out."""
    errors = {}
    for key in predicted_keys(candidates):
        (computed, mean, std), _ = predictions_and_values(candidates, key)
        certain = std > 0
        if certain.any():
            errors[key] = (computed[certain] - mean[certain]) / std[certain]
    return errors
