"""Selects the batch that deserves a calculation: predictions and a role in, picks with their reasons out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.chemistry.fingerprints import PackedFingerprints
from heliosc.errors import InputError
from heliosc.properties import PredictionTable, PropertyKey, property_definition
from heliosc.selection.acquisition import Promise, get_acquisition, optimistic_front
from heliosc.selection.diversity import Diversity, Pick, pick_diverse
from heliosc.selection.estimates import Estimates, probability_inside, role_estimates
from heliosc.selection.objectives import FloatArray
from heliosc.selection.roles import Role


@dataclass(frozen=True, slots=True)
class Selection:
    """One molecule of the batch and why it was taken.

    Attributes
    ----------
    index : row in the predictions
    score : of the acquisition function, higher is better
    front : of the optimistic gains, 0 the best
    probability_inside : that the windows of the role are met
    optimistic : value of each objective within beta standard deviations of its mean
    similarity_to_batch : Tanimoto to the nearest earlier pick; None for the first
    similarity_to_known : Tanimoto to the nearest known molecule; None where no known fingerprints were given
    reason : the same in a sentence
    """

    index: int
    smiles: str
    score: float
    front: int
    probability_inside: float
    optimistic: Mapping[PropertyKey, float]
    scaffold: str
    similarity_to_batch: float | None
    similarity_to_known: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class _Ranking:
    """The rows that can be judged, best first.

    Attributes
    ----------
    rows : (m,) rows of the predictions
    score, front, probability_inside : (m,)
    estimates : columns of (m,)
    """

    rows: NDArray[np.intp]
    score: FloatArray
    front: NDArray[np.intp]
    probability_inside: FloatArray
    estimates: Estimates


def select_batch(
    predictions: PredictionTable,
    *,
    role: Role,
    n: int,
    seed: int,
    acquisition: str = "pareto_ucb",
    beta: float = 2.0,
    diversity: Diversity | None = None,
    known_fingerprints: PackedFingerprints | None = None,
    sa_scores: FloatArray | None = None,
) -> list[Selection]:
    """Choose up to ``n`` molecules, in the order picked; the same arguments give the same batch.

    Rows without a finite prediction of every property that the role needs are never chosen. Fewer than ``n`` come back
    when there are no more such rows, or when the diversity caps allow no more.

    Parameters
    ----------
    beta : standard deviations of optimism
    known_fingerprints : (n_known, 256) packed, of everything already known
    sa_scores : (n_molecules,) SA scores of the cores, for objectives on ``sa_score@structure``

    Raises
    ------
    InputError : unknown acquisition, a property the model does not predict, missing SA scores, n < 1 or beta < 0
    """
    if n < 1 or not 0 <= beta < np.inf:
        raise InputError(f"cannot select {n} molecules with beta {beta}; expected n >= 1 and a finite beta >= 0")
    estimates = role_estimates(role, predictions, sa_scores=sa_scores)
    ranking = _rank(estimates, role=role, acquisition=acquisition, beta=beta, seed=seed)
    picks = pick_diverse(
        [predictions.smiles[row] for row in ranking.rows],
        n=n,
        diversity=diversity or Diversity(),
        known=known_fingerprints,
    )
    return [_selection(pick, ranking, smiles=predictions.smiles, role=role, beta=beta) for pick in picks]


def _rank(estimates: Estimates, *, role: Role, acquisition: str, beta: float, seed: int) -> _Ranking:
    score_of = get_acquisition(acquisition)
    rows = np.flatnonzero(np.logical_and.reduce([np.isfinite(m) & np.isfinite(s) for m, s in estimates.values()]))
    judged = {key: (mean[rows], std[rows]) for key, (mean, std) in estimates.items()}
    inside = probability_inside(role, judged)
    promise = Promise(
        mean_cost=np.column_stack([o.cost(judged[o.key][0]) for o in role.objectives]),
        optimistic_cost=np.column_stack(
            [o.cost(o.optimistic_value(*judged[o.key], beta=beta)) for o in role.objectives]
        ),
        reference_cost=role.reference_costs,
        probability_inside=inside,
        weights=np.array([o.weight for o in role.objectives]),
    )
    score, front = score_of(promise, np.random.default_rng(seed)), optimistic_front(promise)
    order = np.lexsort((rows, -inside, -score))
    ordered = {key: (mean[order], std[order]) for key, (mean, std) in judged.items()}
    return _Ranking(rows[order], score[order], front[order], inside[order], ordered)


def _selection(pick: Pick, ranking: _Ranking, *, smiles: tuple[str, ...], role: Role, beta: float) -> Selection:
    at, row = pick.position, int(ranking.rows[pick.position])
    estimates = {o.key: tuple(float(part[at]) for part in ranking.estimates[o.key]) for o in role.objectives}
    optimistic = {o.key: float(o.optimistic_value(*estimates[o.key], beta=beta)) for o in role.objectives}
    front, inside = int(ranking.front[at]), float(ranking.probability_inside[at])
    sentence = [
        f"front {front + 1}",
        f"P(inside {role.name} window) {inside:.2f}",
        *(_describe(key, estimates[key], value, beta=beta) for key, value in optimistic.items()),
    ]
    if pick.similarity_to_batch is not None:
        sentence.append(f"similarity {pick.similarity_to_batch:.2f} to the batch")
    if pick.similarity_to_known is not None:
        sentence.append(f"{pick.similarity_to_known:.2f} to what is known")
    return Selection(
        index=row,
        smiles=smiles[row],
        score=float(ranking.score[at]),
        front=front,
        probability_inside=inside,
        optimistic=optimistic,
        scaffold=pick.scaffold,
        similarity_to_batch=pick.similarity_to_batch,
        similarity_to_known=pick.similarity_to_known,
        reason="; ".join(sentence),
    )


def _describe(key: PropertyKey, estimate: tuple[float, ...], optimistic: float, *, beta: float) -> str:
    symbol, unit = property_definition(key.name).symbol, "" if key.unit == "1" else f" {key.unit}"
    mean, std = estimate
    if std == 0:
        return f"{symbol} {mean:.2f}{unit}"
    return f"{symbol} {mean:.2f} +- {std:.2f}{unit} (at best {optimistic:.2f}, beta {beta:g})"
