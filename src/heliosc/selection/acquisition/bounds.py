"""Acquisition by bounds: what candidates are worth at their mean, or at the optimistic end of their doubt.

References
----------
Auer, J. Mach. Learn. Res. 2002, 3, 397 (upper confidence bounds).
Deb et al., IEEE Trans. Evol. Comput. 2002, 6, 182, 10.1109/4235.996017 (ranking by fronts, then spread).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heliosc.selection.acquisition.promise import FloatArray, Promise
from heliosc.selection.pareto import non_dominated_rank, spread_in_front

_SPREAD = 5_000  # candidates whose places inside a front may matter; there are thousands of fronts in a large pool


def pareto_ucb(promise: Promise, _: np.random.Generator) -> FloatArray:
    """Fronts of the optimistic gains, spread inside a front as tie-break; see ``front_of_score``."""
    costs, rank = -promise.gains(promise.optimistic_cost), optimistic_front(promise)
    score = -rank.astype(np.float64)
    order = np.argsort(rank, kind="stable")
    starts = np.flatnonzero(np.diff(rank[order])) + 1
    for members in np.split(order, starts)[: 1 + np.searchsorted(starts, _SPREAD)]:
        score[members] += spread_in_front(costs[members], np.zeros(costs.shape[1]))
    return score


def front_of_score(score: FloatArray) -> NDArray[np.intp]:
    """(n,) front of each candidate from its score by ``pareto_ucb``, 0 the best (ranking anew takes a second)."""
    return np.ceil(-score).astype(np.intp)


def multi_ucb(promise: Promise, _: np.random.Generator) -> FloatArray:
    """Weighted sum of the gains, each objective at the optimistic end of its own doubt."""
    return promise.gains(promise.optimistic_cost) @ promise.weights


def ucb(promise: Promise, _: np.random.Generator) -> FloatArray:
    """Optimistic end of the doubt about the weighted sum of the gains; errors of the objectives add in quadrature."""
    mean, std = summed_gain(promise)
    return np.maximum(mean + promise.beta * std, 0.0) * promise.multiplier


def greedy(promise: Promise, _: np.random.Generator) -> FloatArray:
    """Weighted sum of the expected gains: no credit for doubt."""
    return promise.gains(promise.mean_cost) @ promise.weights


def random(promise: Promise, rng: np.random.Generator) -> FloatArray:
    """The baseline: uniform, blind to every prediction."""
    return rng.random(len(promise.mean_cost))


def optimistic_front(promise: Promise) -> NDArray[np.intp]:
    """(n,) front of each candidate's optimistic gains, 0 the best."""
    return non_dominated_rank(-promise.gains(promise.optimistic_cost))


def summed_gain(promise: Promise) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the weighted sum of improvements over the reference, (n,) each.

    Unlike a gain it goes below zero, and it carries no multiplier.
    """
    share = promise.weights / promise.scale(promise.optimistic_cost)
    mean = (promise.reference_cost - promise.mean_cost) @ share
    return mean, np.sqrt((promise.stds**2) @ share**2)
