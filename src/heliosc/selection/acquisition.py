"""Which candidates promise most: acquisition functions over costs, all of one signature, in one registry.

Each objective becomes a gain in [0, 1]: 0 at its reference value or worse, 1 for the best of the pool. Gains are
multiplied by P(inside window), so a candidate that will hardly meet its role's window gains hardly anything, however
good the rest (the constrained improvement of Schonlau).

References
----------
Auer, J. Mach. Learn. Res. 2002, 3, 397 (upper confidence bounds).
Schonlau, Welch, Jones, IMS Lect. Notes 1998, 34, 11, 10.1214/lnms/1215456182 (probability of feasibility).
Deb et al., IEEE Trans. Evol. Comput. 2002, 6, 182, 10.1109/4235.996017 (ranking by fronts, then spread).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.selection.pareto import non_dominated_rank, spread_in_front

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Promise:
    """What is expected of n candidates under k objectives; costs are minimised.

    Attributes
    ----------
    mean_cost, optimistic_cost : (n, k), finite
    reference_cost : (k,)
    probability_inside : (n,) that the role's windows are met
    weights : (k,)
    """

    mean_cost: FloatArray
    optimistic_cost: FloatArray
    reference_cost: FloatArray
    probability_inside: FloatArray
    weights: FloatArray


Acquisition = Callable[[Promise, np.random.Generator], FloatArray]
"""(n,) score of each candidate, higher is better."""


def pareto_ucb(promise: Promise, _: np.random.Generator) -> FloatArray:
    """Fronts of the optimistic gains, spread inside a front as tie-break: the integer part of -score is the front."""
    costs, rank = -_gains(promise.optimistic_cost, promise), optimistic_front(promise)
    score = -rank.astype(np.float64)
    order = np.argsort(rank, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(rank[order])) + 1):
        score[members] += spread_in_front(costs[members], np.zeros(costs.shape[1]))
    return score


def ucb(promise: Promise, _: np.random.Generator) -> FloatArray:
    """Weighted sum of the optimistic gains."""
    return _gains(promise.optimistic_cost, promise) @ promise.weights


def greedy(promise: Promise, _: np.random.Generator) -> FloatArray:
    """Weighted sum of the expected gains: no credit for doubt."""
    return _gains(promise.mean_cost, promise) @ promise.weights


def random(promise: Promise, rng: np.random.Generator) -> FloatArray:
    """The baseline: uniform, blind to every prediction."""
    return rng.random(len(promise.mean_cost))


ACQUISITIONS: dict[str, Acquisition] = {"pareto_ucb": pareto_ucb, "ucb": ucb, "greedy": greedy, "random": random}


def get_acquisition(name: str) -> Acquisition:
    """Look an acquisition function up.

    Raises
    ------
    InputError : there is none of that name
    """
    if name not in ACQUISITIONS:
        close = difflib.get_close_matches(name, ACQUISITIONS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ";"
        raise InputError(f"unknown acquisition {name!r}{hint} expected one of: {', '.join(ACQUISITIONS)}")
    return ACQUISITIONS[name]


def optimistic_front(promise: Promise) -> NDArray[np.intp]:
    """(n,) front of each candidate's optimistic gains, 0 the best."""
    return non_dominated_rank(-_gains(promise.optimistic_cost, promise))


def _gains(costs: FloatArray, promise: Promise) -> FloatArray:
    """(n, k) improvement over the reference, as a share of the best in the pool, times P(inside window)."""
    improvement = np.maximum(promise.reference_cost - costs, 0.0)
    best = improvement.max(axis=0, initial=0.0)
    return improvement / np.where(best > 0, best, 1.0) * promise.probability_inside[:, None]
