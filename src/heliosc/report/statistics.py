"""The few statistics that the report shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

FloatArray = NDArray[np.float64]


def wilson_interval(n_met: int, n_judged: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Binomial interval of a share, (low, high) in 0..1; (0, 1) when nothing was judged.

    References
    ----------
    Wilson, J. Am. Stat. Assoc. 1927, 22, 209 (score interval).
    """
    if n_judged == 0:
        return 0.0, 1.0
    z = float(norm.ppf(0.5 + confidence / 2))
    share, spread = n_met / n_judged, z**2 / n_judged
    centre = (share + spread / 2) / (1 + spread)
    half = z * np.sqrt(share * (1 - share) / n_judged + spread / (4 * n_judged)) / (1 + spread)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def observed_coverage(standardised: FloatArray, expected: FloatArray) -> FloatArray:
    """Share of errors inside each central Gaussian interval, (n_expected,).

    Parameters
    ----------
    standardised : (n_values,), (computed - predicted mean) / predicted std
    expected : (n_expected,), nominal coverages, 0..1
    """
    half_widths = norm.ppf(0.5 + expected / 2)
    return np.mean(np.abs(standardised)[:, None] <= half_widths[None, :], axis=0)


def coverage_band(n_values: int, expected: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where 95 % of perfectly calibrated models would lie with as many independent values."""
    low, high = binom.ppf(0.025, n_values, expected), binom.ppf(0.975, n_values, expected)
    return low / n_values, high / n_values
