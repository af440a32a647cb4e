"""Acquisition by expected and probable improvement of the weighted sum of gains over the best that is known.

References
----------
Jones, Schonlau, Welch, J. Glob. Optim. 1998, 13, 455, 10.1023/A:1008306431147 (expected improvement, eq. 15).
Kushner, J. Basic Eng. 1964, 86, 97, 10.1115/1.3653121 (probability of improvement).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from heliosc.selection.acquisition.bounds import summed_gain
from heliosc.selection.acquisition.promise import FloatArray, Promise


def expected_improvement(promise: Promise, _: np.random.Generator) -> FloatArray:
    """E[max(gain - best, 0)] times the multiplier."""
    mean, std = summed_gain(promise)
    return improvement_expected(mean - best_known(promise), std) * promise.multiplier


def probability_of_improvement(promise: Promise, _: np.random.Generator) -> FloatArray:
    """P(gain > best) times the multiplier."""
    mean, std = summed_gain(promise)
    step = mean - best_known(promise)
    with np.errstate(divide="ignore", invalid="ignore"):
        probability = ndtr(step / std)
    return np.where(std > 0, probability, step > 0) * promise.multiplier


def improvement_expected(step: FloatArray, std: FloatArray) -> FloatArray:
    """E[max(X, 0)] of normal X with mean ``step`` and ``std``, elementwise; a zero std is certainty."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = step / std
        value = step * ndtr(z) + std * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return np.where(std > 0, np.maximum(value, 0.0), np.maximum(step, 0.0))


def best_known(promise: Promise) -> float:
    """Largest weighted gain among what is known and pending; 0, the reference, where nothing is."""
    share = promise.weights / promise.scale(promise.optimistic_cost)
    known = (promise.reference_cost - promise.known_front) @ share
    return float(known.max(initial=0.0))
