"""One number for how good a molecule is in a role, so that a gain can be set against a price.

merit = sum_o w_o max(reference_o - cost_o, 0) / span_o / sum_o w_o * P(windows met)

The span of an objective goes from its reference to the best there can be: the goal, the physical bound, or, where
neither is given, the best value known. 0 is a molecule of no interest, 1 one that is ideal in everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from heliosc.properties import PropertyKey
from heliosc.selection.objectives import FloatArray, Objective
from heliosc.selection.partners import with_pair_values
from heliosc.selection.roles import Role

_AT_ONCE = 256  # molecules, so that memory does not grow with a campaign
_N_DRAWS = 64  # of either kind: 4,096 pairs a molecule

Values = Mapping[PropertyKey, FloatArray]
"""Key -> values, arrays of one shape."""


def merit(role: Role, values: Values, *, spans: FloatArray) -> FloatArray:
    """Merit of values, in their shape; windows whose limits are uncertain are met with a probability.

    Parameters
    ----------
    values : of every key of ``role.keys``
    spans : (n_objectives,), see ``objective_spans``
    """
    values = with_pair_values(role.partner, values)
    total = sum(objective.weight for objective in role.objectives)
    gain: FloatArray = np.zeros(())
    for objective, span in zip(role.objectives, spans, strict=True):
        share = np.maximum(objective.reference_cost - objective.cost(values[objective.key]), 0.0) / span
        gain = gain + objective.weight / total * (share if objective.bound is None else np.minimum(share, 1.0))
    for window in role.windows:
        gain = gain * window.window.probability_inside(values[window.key], 0.0)
    return gain


def objective_spans(role: Role, values: Values) -> FloatArray:
    """(n_objectives,) from the reference to the best there can be, each positive.

    Parameters
    ----------
    values : of every key of ``role.keys``, NaN where unknown; for objectives without goal or bound
    """
    values = with_pair_values(role.partner, values)
    return np.array([_span(objective, values[objective.key]) for objective in role.objectives])


def _normal_draws(rng: np.random.Generator) -> FloatArray:
    """(n_draws,) one draw from each of as many equal parts of the normal distribution, in random order."""
    return np.asarray(ndtri((rng.permutation(_N_DRAWS) + 0.5) / _N_DRAWS), dtype=np.float64)


def _span(objective: Objective, values: FloatArray) -> float:
    if objective.goal is not None:
        return objective.reference_cost
    if objective.bound is not None:
        best = float(objective.cost(objective.bound))
    else:
        best = float(np.nanmin(objective.cost(values), initial=objective.reference_cost))
    span = objective.reference_cost - best
    return span if span > 0 else 1.0


@dataclass(frozen=True, slots=True)
class MeritMoments:
    """What is expected of merits at the best level, each (n_molecules,).

    Attributes
    ----------
    mean, std : of the merit
    told : standard deviation that the outcome of the cheap level takes out; 0 where that is known
    """

    mean: FloatArray
    std: FloatArray
    told: FloatArray

    @property
    def residual_std(self) -> FloatArray:
        """What is left in doubt once the cheap level is computed."""
        return np.sqrt(np.maximum(self.std**2 - self.told**2, 0.0))


def merit_moments(
    role: Role, means: Values, stds: Values, *, spreads: Mapping[PropertyKey, float], spans: FloatArray, seed: int
) -> MeritMoments:
    """Merits at the best level by draws: first of the cheap value, then of what the best level makes of it.

    The same draws serve all molecules, so that their order is not that of the draws; a Latin hypercube of them, so that
    few suffice (McKay, Beckman, Conover, Technometrics 1979, 21, 239, 10.1080/00401706.1979.10489755).

    Parameters
    ----------
    means, stds : of every key of ``role.keys`` at the cheap level, (n_molecules,) each; std 0 = computed
    spreads : standard deviation of the best level's values around the cheap ones; absent = it says nothing new
    """
    rng = np.random.default_rng(seed)
    draws = {key: (_normal_draws(rng)[:, None], _normal_draws(rng)) for key in role.keys}
    n_molecules = len(next(iter(means.values())))
    parts = [
        _moments(role, means, stds, draws, rows=slice(first, first + _AT_ONCE), spreads=spreads, spans=spans)
        for first in range(0, n_molecules, _AT_ONCE)
    ]
    return MeritMoments(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _moments(
    role: Role,
    means: Values,
    stds: Values,
    draws: Mapping[PropertyKey, tuple[FloatArray, FloatArray]],
    *,
    rows: slice,
    spreads: Mapping[PropertyKey, float],
    spans: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, standard deviation and what is told, of some molecules."""
    drawn = {
        key: means[key][rows, None, None] + stds[key][rows, None, None] * cheap + spreads.get(key, 0.0) * better
        for key, (cheap, better) in draws.items()
    }
    merits = merit(role, drawn, spans=spans)
    return merits.mean(axis=(1, 2)), merits.std(axis=(1, 2)), merits.mean(axis=2).std(axis=1)
