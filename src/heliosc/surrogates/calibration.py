"""Making the stated uncertainty true.

Raw variances of networks rank molecules but are too small, and say little of molecules unlike any that were learnt
from. Per key, on the validation part, the total variance becomes

    variance = a + b aleatoric + c epistemic + d distance^2

with a, b, c, d >= 0 by maximum likelihood; ``distance`` is how far a molecule lies from those of the train part
(``landmarks``). The std is thus the error to be expected. Errors of molecules have heavier tails than a Gaussian, so an
interval of a given probability takes its width from split-conformal quantiles of |error| / std, not from 1.64 std.

References
----------
Levi et al., Sensors 2022, 22, 5540 (10.3390/s22155540): recalibration of variances.
Angelopoulos, Bates, arXiv 2107.07511, sec. 2.3.2: split-conformal quantiles of normalised errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from heliosc.errors import InputError
from heliosc.properties.intervals import LEVELS

FloatArray = NDArray[np.float64]

MIN_VALUES = 20
"""Fewest known validation values that calibrate a key."""


@dataclass(frozen=True, slots=True)
class KeyCalibration:
    """Recalibration of one key.

    Attributes
    ----------
    constant, aleatoric, epistemic, distance : a (unit of the key squared), b, c, d (unit of the key squared)
    quantiles : half widths, in units of the std, of the intervals with probabilities ``LEVELS``
    """

    constant: float
    aleatoric: float
    epistemic: float
    distance: float
    quantiles: tuple[float, ...]

    def apply(
        self,
        aleatoric_variance: FloatArray,
        epistemic_variance: FloatArray,
        distance: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """Calibrated aleatoric std (with the constant) and epistemic std (with the distance, where it is known)."""
        aleatoric = np.sqrt(self.constant + self.aleatoric * aleatoric_variance)
        doubt = self.epistemic * epistemic_variance
        if distance is not None:
            doubt = doubt + self.distance * distance**2
        return aleatoric, np.sqrt(doubt)


def interval_quantiles(calibrations: Sequence[KeyCalibration]) -> FloatArray:
    """Half widths in units of the std, (n_keys, n_levels), of the intervals with probabilities ``LEVELS``."""
    return np.array([calibration.quantiles for calibration in calibrations]).reshape(len(calibrations), len(LEVELS))


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


def conformal_quantiles(scores: FloatArray) -> tuple[float, ...]:
    """Scores that cover each of ``LEVELS`` of new draws at least.

    The ceil((n + 1) level)-th smallest of n, or the largest: no more is known.
    """
    ranks = np.ceil((len(scores) + 1) * LEVELS - 1e-9).astype(int).clip(1, len(scores))
    return tuple(np.sort(scores)[ranks - 1].tolist())


def calibrate_key(
    errors: FloatArray, aleatoric: FloatArray, epistemic: FloatArray, distance: FloatArray | None = None
) -> KeyCalibration:
    """Fit one key.

    Parameters
    ----------
    errors : (n,) value - mean, NaN = unknown
    aleatoric, epistemic : (n,) raw variances
    distance : (n,) distance to the train part, None where a model has no such notion

    Raises
    ------
    InputError : fewer than ``MIN_VALUES`` known values
    """
    known = np.isfinite(errors)
    if known.sum() < MIN_VALUES:
        raise InputError(
            f"{known.sum()} known validation values cannot calibrate an uncertainty; expected {MIN_VALUES}"
        )
    squared = np.zeros_like(errors) if distance is None else distance**2
    terms = np.stack([np.ones_like(errors), aleatoric, epistemic, squared], axis=1)[known]
    weights = fit_variance(errors[known], terms)
    if not (terms @ weights > 0).all():
        raise InputError("the validation errors are all zero; an uncertainty cannot be calibrated on copied values")
    scores = np.abs(errors[known]) / np.sqrt(terms @ weights)
    constant, b, c, d = map(float, weights)
    return KeyCalibration(constant, b, c, d, conformal_quantiles(scores))
