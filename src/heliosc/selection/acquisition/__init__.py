"""Which candidates promise most: acquisition functions over costs, all of one signature, in one registry.

Each objective becomes a gain in [0, 1]: 0 at its reference value or worse, 1 for the best of the pool. Gains are
multiplied by P(inside window) and by P(the calculation succeeds), so a candidate that will hardly meet its role's
window gains hardly anything, however good the rest; where prices differ they are gains for each unit of price.
"""

from __future__ import annotations

import difflib

from heliosc.errors import InputError
from heliosc.selection.acquisition.bayesian import check_botorch, check_qlognehvi, parego, qlognehvi
from heliosc.selection.acquisition.bounds import greedy, multi_ucb, pareto_ucb, random, ucb
from heliosc.selection.acquisition.improvement import expected_improvement, probability_of_improvement
from heliosc.selection.acquisition.promise import Acquisition, FloatArray, Promise
from heliosc.selection.acquisition.sampling import parego_ucb, probability_of_front, thompson

__all__ = [
    "ACQUISITIONS",
    "DEFAULT_BETA",
    "Acquisition",
    "FloatArray",
    "Promise",
    "check_acquisition",
    "get_acquisition",
]

ACQUISITIONS: dict[str, Acquisition] = {
    "pareto_ucb": pareto_ucb,
    "ucb": ucb,
    "multi_ucb": multi_ucb,
    "greedy": greedy,
    "ei": expected_improvement,
    "pi": probability_of_improvement,
    "thompson": thompson,
    "parego_ucb": parego_ucb,
    "front_probability": probability_of_front,
    "parego": parego,
    "qlognehvi": qlognehvi,
    "random": random,
}


DEFAULT_BETA = 1.5
"""Standard deviations of optimism; the best that ``heliosc tune`` tried (``benchmarks/results/tuning.json``)."""


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


def check_acquisition(name: str, *, n_objectives: int, n_batch: int) -> None:
    """Refuse, before anything is proposed, what an acquisition function cannot be asked for.

    Raises
    ------
    InputError : there is none of that name, or it is not for so many objectives or so large a batch
    MissingDependencyError : BoTorch is not installed
    """
    function = get_acquisition(name)
    if function in (parego, qlognehvi):
        check_botorch()
    if function is qlognehvi:
        check_qlognehvi(n_objectives=n_objectives, n_batch=n_batch)
