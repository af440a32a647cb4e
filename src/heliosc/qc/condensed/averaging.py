"""Mean of a fluctuating series with its standard error, without the part before equilibrium.

    g = 1 + 2 sum_t (1 - t/N) C(t)          statistical inefficiency, summed while the autocorrelation C stays positive
    t0 maximises (N - t0) / g(t0)           what comes before is left out
    standard error = std(block means) / sqrt(number of blocks),  blocks of 2 g samples or longer

References
----------
Chodera, J. Chem. Theory Comput. 2016, 12, 1799, 10.1021/acs.jctc.5b00784 (equilibration).
Flyvbjerg, Petersen, J. Chem. Phys. 1989, 91, 461, 10.1063/1.457480 (block averages).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import ConvergenceError

FEWEST_BLOCKS = 5
_MOST_BLOCKS = 20
_N_ORIGINS = 50
_LARGEST_DISCARDED = 0.8


@dataclass(frozen=True, slots=True)
class EquilibriumMean:
    """Mean over the equilibrated part of a series.

    Attributes
    ----------
    value, standard_error : in the series' unit
    n_discarded : samples before equilibrium
    n_blocks : block means that the error rests on
    inefficiency : samples that are worth one independent one
    """

    value: float
    standard_error: float
    n_discarded: int
    n_blocks: int
    inefficiency: float


def equilibrium_mean(series: NDArray[np.float64]) -> EquilibriumMean:
    """Mean and standard error of a series.

    Raises
    ------
    ConvergenceError : fewer than five independent blocks after equilibrium, or a value that is not finite
    """
    if not np.isfinite(series).all():
        raise ConvergenceError("the series holds values that are not finite; take a shorter step or another start")
    origins = np.unique(np.linspace(0, _LARGEST_DISCARDED * len(series), _N_ORIGINS).astype(int))
    independent = [(len(series) - t0) / statistical_inefficiency(series[t0:]) for t0 in origins]
    start = int(origins[int(np.argmax(independent))])
    kept = series[start:]
    inefficiency = statistical_inefficiency(kept)
    n_blocks = min(_MOST_BLOCKS, int(len(kept) / (2.0 * inefficiency)))
    if n_blocks < FEWEST_BLOCKS:
        raise ConvergenceError(
            f"only {n_blocks} independent blocks in {len(kept)} samples after equilibrium (one independent sample in "
            f"{inefficiency:.0f}); expected at least {FEWEST_BLOCKS}: simulate for longer"
        )
    means = np.array([block.mean() for block in np.array_split(kept, n_blocks)])
    error = float(means.std(ddof=1) / np.sqrt(n_blocks))
    return EquilibriumMean(float(kept.mean()), error, start, n_blocks, inefficiency)


def statistical_inefficiency(series: NDArray[np.float64]) -> float:
    """Samples of a series that are worth one independent sample, at least 1; all of them for a constant one."""
    n_samples = len(series)
    departures = series - series.mean()
    variance = float(departures @ departures) / max(n_samples, 1)
    if variance <= 0.0:
        return float(max(n_samples, 1))
    inefficiency = 1.0
    for lag in range(1, n_samples - 1):
        correlation = float(departures[:-lag] @ departures[lag:]) / (variance * (n_samples - lag))
        if correlation <= 0.0:
            break
        inefficiency += 2.0 * correlation * (1.0 - lag / n_samples)
    return max(inefficiency, 1.0)
