"""Widths of predictive intervals from the tabulated quantiles of |error| / std."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError

FloatArray = NDArray[np.float64]

LEVELS: FloatArray = np.arange(1, 100) / 100
"""Probabilities at which the quantiles are tabulated."""


def multipliers(quantiles: FloatArray, level: float) -> FloatArray:
    """Half widths of the intervals of one probability, in units of the std.

    Parameters
    ----------
    quantiles : (n_keys, n_levels) at ``LEVELS``
    level : probability of the interval

    Returns
    -------
    (n_keys,)

    Raises
    ------
    InputError : a probability outside the table
    """
    if not LEVELS[0] <= level <= LEVELS[-1]:
        raise InputError(f"an interval of probability {level} is not tabulated; expected {LEVELS[0]} to {LEVELS[-1]}")
    return np.array([np.interp(level, LEVELS, row) for row in quantiles])


def interval_level(scores: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Probability of the smallest interval that holds each error.

    Parameters
    ----------
    scores : (n,) |error| / std
    quantiles : (n_levels,) at ``LEVELS``; beyond the last one the probability goes to 1 over twice that width

    Returns
    -------
    (n,) from 0 to 1
    """
    widths = np.concatenate([[0.0], quantiles, [2 * quantiles[-1]]])
    return np.interp(scores, widths, np.concatenate([[0.0], LEVELS, [1.0]]))
