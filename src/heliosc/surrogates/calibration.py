"""Making the stated uncertainty true.

Raw variances of networks rank molecules but are too small. Per key, on the validation part, the total variance becomes

    variance = scale^2 (a + b aleatoric + c epistemic)

with a, b, c >= 0 by maximum likelihood, and ``scale`` by split-conformal prediction such that mean +- 1.96 std covers
95 % of the validation errors. So the std of a prediction means its 95 % interval, also where errors have heavy tails.

References
----------
Levi et al., Sensors 2022, 22, 5540 (10.3390/s22155540): recalibration of variances.
Angelopoulos, Bates, arXiv 2107.07511, sec. 2.3.2: split-conformal quantiles of normalised errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from heliosc.errors import InputError
from heliosc.surrogates.metrics import Z90, Z95

FloatArray = NDArray[np.float64]

MIN_VALUES = 20
"""Fewest known validation values that calibrate a key."""


@dataclass(frozen=True, slots=True)
class KeyCalibration:
    """Recalibration of one key.

    Attributes
    ----------
    constant, aleatoric, epistemic : a (unit of the key squared), b, c
    scale : conformal factor on the std, so that 1.96 std covers 95 %
    multiplier_90 : half width of the 90 % interval in units of the final std (1.64 for Gaussian errors)
    """

    constant: float
    aleatoric: float
    epistemic: float
    scale: float
    multiplier_90: float

    def apply(self, aleatoric_variance: FloatArray, epistemic_variance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Calibrated aleatoric (with the constant) and epistemic std."""
        aleatoric = self.scale * np.sqrt(self.constant + self.aleatoric * aleatoric_variance)
        return aleatoric, self.scale * np.sqrt(self.epistemic * epistemic_variance)


def fit_variance(errors: FloatArray, terms: FloatArray) -> FloatArray:
    """Non-negative weights w that make N(0, terms @ w) most likely for the errors.

    Parameters
    ----------
    errors : (n,)
    terms : (n, n_terms), non-negative; one column should be constant

    Returns
    -------
    weights : (n_terms,)
    """
    squared = errors**2
    size = np.where(terms.mean(axis=0) > 0, terms.mean(axis=0), 1.0)  # so that all weights are of order one
    level = squared.mean() or 1.0
    scaled, target = terms / size, squared / level
    floor = 1e-6

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        variance = scaled @ weights + floor
        value = 0.5 * (target / variance + np.log(variance)).mean()
        slope = 0.5 * (1 / variance - target / variance**2) / len(target)
        return float(value), scaled.T @ slope

    starts = (np.full(terms.shape[1], 1 / terms.shape[1]), *np.eye(terms.shape[1]))
    bounds = [(0.0, None)] * terms.shape[1]
    fits = [optimize.minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B") for start in starts]
    best = min(fits, key=lambda fit: fit.fun)
    return best.x * level / size


def conformal_quantile(scores: FloatArray, *, level: float) -> float:
    """Score that covers ``level`` of new draws at least: the ceil((n + 1) level)-th smallest of n, or the largest."""
    rank = min(int(np.ceil((len(scores) + 1) * level)), len(scores))
    return float(np.sort(scores)[rank - 1])


def calibrate_key(errors: FloatArray, aleatoric: FloatArray, epistemic: FloatArray) -> KeyCalibration:
    """Fit one key.

    Parameters
    ----------
    errors : (n,) value - mean, NaN = unknown
    aleatoric, epistemic : (n,) raw variances

    Raises
    ------
    InputError : fewer than ``MIN_VALUES`` known values
    """
    known = np.isfinite(errors)
    if known.sum() < MIN_VALUES:
        raise InputError(
            f"{known.sum()} known validation values cannot calibrate an uncertainty; expected {MIN_VALUES}"
        )
    errors, aleatoric, epistemic = errors[known], aleatoric[known], epistemic[known]
    terms = np.stack([np.ones_like(errors), aleatoric, epistemic], axis=1)
    weights = fit_variance(errors, terms)
    if not (terms @ weights > 0).all():
        raise InputError("the validation errors are all zero; an uncertainty cannot be calibrated on copied values")
    scores = np.abs(errors) / np.sqrt(terms @ weights)
    scale = conformal_quantile(scores, level=0.95) / Z95
    multiplier_90 = conformal_quantile(scores, level=0.90) / scale if scale > 0 else Z90
    constant, b, c = (float(weight) for weight in weights)
    return KeyCalibration(constant, b, c, scale, multiplier_90)
