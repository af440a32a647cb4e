"""Which molecule at which level of theory: expected gain for each unit of measured cost.

What counts is the value at the best level. Computing a molecule at a level leaves a known error about that value, so it
is worth the expected improvement that its outcome may show (the knowledge gradient of one measurement). A cheap level
is worth its price while the molecule is in doubt; once it has been computed it can tell nothing more, and promotion
to the next level is what is left.

References
----------
Frazier, Powell, Dayanik, SIAM J. Control Optim. 2008, 47, 2410, 10.1137/070693424 (knowledge gradient).
Poloczek, Wang, Frazier, NeurIPS 2017, arXiv 1603.00389 (gain for each unit of cost over information sources).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.selection.acquisition.improvement import improvement_expected
from heliosc.selection.objectives import FloatArray


@dataclass(frozen=True, slots=True)
class Fidelity:
    """A level that can be computed.

    Attributes
    ----------
    level : its name
    residual_std : error of the best level's value as told from this level, in its unit; one number for all molecules
        or (n,); 0 for the best level
    cost : (n,) price of each molecule, in one unit for all levels
    """

    level: str
    residual_std: FloatArray | float
    cost: FloatArray


@dataclass(frozen=True, slots=True)
class Assignment:
    """A molecule to be computed at a level, with the expected gain and its price."""

    index: int
    level: str
    expected_gain: float
    cost: float


def choose_levels(
    mean_gain: FloatArray,
    std: FloatArray,
    *,
    levels: Sequence[Fidelity],
    best_known: float,
    budget: float,
    success: FloatArray | None = None,
) -> list[Assignment]:
    """Assign molecules to levels by expected gain for each unit of cost, best first, until the budget is spent.

    Parameters
    ----------
    mean_gain, std : (n,) what is expected of the value at the best level, larger is better, given all that is computed
    levels : from the cheapest to the best; each molecule is computed at one of them at most
    best_known : largest gain computed at the best level
    budget : in the unit of the costs; what does not fit any more is passed over, and a cheaper level may do instead
    success : (n,) probability that the calculation succeeds

    Raises
    ------
    InputError : no levels, costs that are not positive, or a best level that leaves an error
    """
    _check(levels, n=len(mean_gain))
    chance = np.ones(len(mean_gain)) if success is None else success
    gains = np.column_stack([_expected_gain(mean_gain, std, level, best_known) * chance for level in levels])
    costs = np.column_stack([level.cost for level in levels])
    rate = gains / costs
    rows, columns = np.divmod(np.arange(rate.size), len(levels))
    chosen: dict[int, Assignment] = {}
    left = budget
    for pair in np.lexsort((columns, rows, -rate.ravel())):
        row, column = int(rows[pair]), int(columns[pair])
        gain, cost = float(gains[row, column]), float(costs[row, column])
        if row not in chosen and gain > 0 and cost <= left:
            chosen[row] = Assignment(row, levels[column].level, gain, cost)
            left -= cost
    return list(chosen.values())


def _expected_gain(mean: FloatArray, std: FloatArray, level: Fidelity, best_known: float) -> FloatArray:
    """(n,) E[max(posterior mean - best, 0)] once this level is computed, less what is expected without it.

    The posterior mean moves by sqrt(std^2 - residual^2); a level that leaves more doubt than there is tells nothing.
    """
    told: NDArray[np.float64] = np.sqrt(np.maximum(std**2 - level.residual_std**2, 0.0))
    step = mean - best_known
    value = improvement_expected(step, told)
    # The best level turns an expectation into a result, which counts in full; a cheaper one only informs.
    return value if not np.any(level.residual_std) else value - np.maximum(step, 0.0)


def _check(levels: Sequence[Fidelity], *, n: int) -> None:
    if not levels or np.any(levels[-1].residual_std):
        raise InputError("levels must go from the cheapest to the best, and the best leaves no error (residual_std 0)")
    for level in levels:
        if level.cost.shape != (n,) or not (level.cost > 0).all() or np.any(np.asarray(level.residual_std) < 0):
            raise InputError(f"level {level.level}: expected {n} positive costs and an error of at least 0")
