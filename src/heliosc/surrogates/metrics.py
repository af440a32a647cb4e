"""Figures of merit of predictions with uncertainty. Every function takes 1-D arrays without missing values.

References
----------
Gneiting, Raftery, J. Am. Stat. Assoc. 2007, 102, 359 (10.1198/016214506000001437), sec. 4.2: CRPS of a Gaussian.
Levi et al., Sensors 2022, 22, 5540 (10.3390/s22155540), eq. 8: ENCE.
Chung et al., arXiv 2109.10254: miscalibration area.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from heliosc.properties.intervals import LEVELS

FloatArray = NDArray[np.float64]

Z95 = 1.959963984540054
Z90 = 1.6448536269514722


def mae(y: FloatArray, mean: FloatArray) -> float:
    """Mean absolute error."""
    return float(np.abs(y - mean).mean())


def rmse(y: FloatArray, mean: FloatArray) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(((y - mean) ** 2).mean()))


def r2(y: FloatArray, mean: FloatArray) -> float:
    """Share of the variance explained; NaN when y is constant."""
    spread = ((y - y.mean()) ** 2).sum()
    return float(1 - ((y - mean) ** 2).sum() / spread) if spread > 0 else float("nan")


def nll(y: FloatArray, mean: FloatArray, std: FloatArray) -> float:
    """Mean negative log likelihood of a Gaussian."""
    return float((0.5 * ((y - mean) / std) ** 2 + np.log(std) + 0.5 * np.log(2 * np.pi)).mean())


def crps(y: FloatArray, mean: FloatArray, std: FloatArray) -> float:
    """Mean continuous ranked probability score of a Gaussian, in the unit of y; for std -> 0 the MAE."""
    z = (y - mean) / std
    terms = std * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
    return float(terms.mean())


def coverage(y: FloatArray, mean: FloatArray, std: FloatArray, *, z: float = Z95) -> float:
    """Share of values within mean +- z std."""
    return float((np.abs(y - mean) <= z * std).mean())


def gaussian_quantiles() -> FloatArray:
    """Half widths of the intervals at ``LEVELS`` of a Gaussian, in units of its std, (n_levels,)."""
    return stats.norm.ppf(0.5 + LEVELS / 2)


def miscalibration_area(
    y: FloatArray, mean: FloatArray, std: FloatArray, *, quantiles: FloatArray | None = None
) -> float:
    """Area between observed and expected coverage of central intervals over all confidence levels, 0 to 0.5.

    Parameters
    ----------
    quantiles : (n_levels,) half widths at ``LEVELS`` in units of the std, None = Gaussian
    """
    half_widths = gaussian_quantiles() if quantiles is None else quantiles
    observed = (np.abs((y - mean) / std)[:, None] <= half_widths[None, :]).mean(axis=0)
    gaps = np.concatenate([[0.0], np.abs(observed - LEVELS), [0.0]])
    return float(np.trapezoid(gaps, np.concatenate([[0.0], LEVELS, [1.0]])))


def ence(y: FloatArray, mean: FloatArray, std: FloatArray, *, n_bins: int = 10) -> float:
    """Expected normalised calibration error: mean |RMV - RMSE| / RMV over bins of equal count, sorted by std."""
    order = np.argsort(std, kind="stable")
    gaps = []
    for rows in np.array_split(order, min(n_bins, len(order))):
        rmv = np.sqrt((std[rows] ** 2).mean())
        gaps.append(abs(rmv - rmse(y[rows], mean[rows])) / rmv)
    return float(np.mean(gaps))


def error_rank_correlation(y: FloatArray, mean: FloatArray, std: FloatArray) -> float:
    """Spearman correlation of |error| and std; NaN when either is constant."""
    error = np.abs(y - mean)
    if np.ptp(error) == 0 or np.ptp(std) == 0:
        return float("nan")
    return float(stats.spearmanr(error, std).statistic)


def all_metrics(
    y: FloatArray, mean: FloatArray, std: FloatArray, *, quantiles: FloatArray | None = None
) -> dict[str, float]:
    """Every figure of this module, plus ``n`` and ``sharpness`` (mean std).

    Parameters
    ----------
    quantiles : (n_levels,) half widths of the model's intervals at ``LEVELS`` in units of the std, None = Gaussian
    """
    widths = gaussian_quantiles() if quantiles is None else quantiles
    z90, z95 = (float(np.interp(level, LEVELS, widths)) for level in (0.90, 0.95))
    return {
        "n": float(len(y)),
        "mae": mae(y, mean),
        "rmse": rmse(y, mean),
        "r2": r2(y, mean),
        "nll": nll(y, mean, std),
        "crps": crps(y, mean, std),
        "miscalibration_area": miscalibration_area(y, mean, std, quantiles=quantiles),
        "ence": ence(y, mean, std),
        "coverage_90": coverage(y, mean, std, z=z90),
        "coverage_95": coverage(y, mean, std, z=z95),
        "sharpness": float(std.mean()),
        "error_rank_correlation": error_rank_correlation(y, mean, std),
    }
