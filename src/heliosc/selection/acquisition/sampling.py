"""Acquisition by draws of what the objectives may turn out to be.

Each member of an ensemble is one draw, and its errors on similar molecules go together; without members the draws are
Gaussian and independent, which the reasons then say.

References
----------
Thompson, Biometrika 1933, 25, 285, 10.1093/biomet/25.3-4.285.
Fromer, Wang, Sunderraj, Coley, 2024, arXiv 2410.06333 (qPO: batches ranked by the probability of optimality).
Fromer, Graff, Coley, Digital Discovery 2024, 3, 467, 10.1039/D3DD00227F (Pareto batches in virtual screening).
Knowles, IEEE Trans. Evol. Comput. 2006, 10, 50, 10.1109/TEVC.2005.851274 (ParEGO: random augmented Chebyshev weights).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heliosc.selection.acquisition.bounds import multi_ucb
from heliosc.selection.acquisition.promise import FloatArray, Promise
from heliosc.selection.pareto import non_dominated_mask

_MAX_DRAWS = 128
_DRAWN = 20_000  # candidates that draws are made of; one behind so many more hopeful ones is nobody's best
_JUDGED = 4_000  # candidates whose fronts are drawn; those far behind have no chance, and fronts cost time
_AUGMENTATION = 0.05  # rho of ParEGO


def draw_costs(promise: Promise, n_draws: int, rng: np.random.Generator) -> FloatArray:
    """(n_draws, n, k) possible costs: members in random order, each once before any comes twice; else Gaussian."""
    if promise.member_costs is None:
        noise = rng.standard_normal((n_draws, *promise.mean_cost.shape))
        return promise.mean_cost + noise * promise.stds
    n_members = len(promise.member_costs)
    turns = [rng.permutation(n_members) for _ in range(-(-n_draws // n_members))]
    return promise.member_costs[np.concatenate(turns)[:n_draws]]


def thompson(promise: Promise, rng: np.random.Generator) -> FloatArray:
    """Each draw in turn gives the batch its best candidate not taken yet; minus the turn is the score."""
    optimism = multi_ucb(promise, rng)
    rows = np.argsort(-optimism, kind="stable")[:_DRAWN]
    part = promise.rows(rows)
    draws = draw_costs(part, min(promise.n_batch, _MAX_DRAWS), rng)
    turns = _in_turns(np.stack([part.gains(draw) @ part.weights for draw in draws]))
    score = optimism - optimism.max(initial=0.0) - 1.0 + turns.min(initial=0.0)  # behind all that are drawn
    score[rows] = turns
    return score


def parego_ucb(promise: Promise, rng: np.random.Generator) -> FloatArray:
    """As Thompson sampling, but what varies from turn to turn is how much each objective counts."""
    gains = promise.gains(promise.optimistic_cost)
    n_draws = min(promise.n_batch, _MAX_DRAWS)
    weights = rng.dirichlet(np.ones(promise.n_objectives), size=n_draws) * promise.weights
    worst = np.stack([(gains * row).min(axis=1) + _AUGMENTATION * gains @ row for row in weights])
    return _in_turns(worst)


def probability_of_front(promise: Promise, rng: np.random.Generator) -> FloatArray:
    """Share of draws in which a candidate is of the best: the batch is ranked by it, as probabilities add.

    With one objective, the best are the ``n_batch`` best of the pool; with more, those that neither another candidate
    nor anything known dominates. What is never among them follows, by optimistic gain.
    """
    optimism = multi_ucb(promise, rng)
    rows = np.argsort(-optimism, kind="stable")[:_JUDGED]
    part = promise.rows(rows)
    hits = np.zeros(len(rows))
    n_draws = _MAX_DRAWS if promise.n_objectives == 1 else _MAX_DRAWS // 2
    for draw in draw_costs(part, n_draws, rng):
        hits += _is_among_best(part, draw)
    score = optimism / (1.0 + optimism.max(initial=0.0)) / (n_draws + 1)
    score[rows] += hits / n_draws * part.multiplier
    return score


def _is_among_best(promise: Promise, costs: FloatArray) -> NDArray[np.bool_]:
    if promise.n_objectives == 1:
        n_best = min(promise.n_batch, len(costs))
        return costs[:, 0] <= np.partition(costs[:, 0], n_best - 1)[n_best - 1] if n_best else np.zeros(0, dtype=bool)
    return non_dominated_mask(np.vstack([costs, promise.known_front]))[: len(costs)]


def _in_turns(values: FloatArray) -> FloatArray:
    """(n,) scores from (n_draws, n) values: minus the number of turns before a candidate is taken.

    The order of draws is one of precedence within a rank: the first candidate of each draw, then the second, and so on.
    """
    n_draws, n = values.shape
    if n == 0:
        return np.zeros(0)
    order = np.argsort(-values, axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(n)[None, :], axis=1)
    turns = places * n_draws + np.arange(n_draws)[:, None]
    return -turns.min(axis=0).astype(np.float64)
