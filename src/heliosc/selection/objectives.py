"""What a candidate should be: windows to be inside of, objectives to trade off.

Every objective is turned into a cost, lower is better, so that the rest of the package knows one direction only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from heliosc.errors import InputError
from heliosc.properties import PropertyKey

FloatArray = NDArray[np.float64]
Direction = Literal["minimise", "maximise", "window", "target"]


@dataclass(frozen=True, slots=True)
class Window:
    """A closed interval; an absent limit is infinite.

    Attributes
    ----------
    lower, upper : in the unit of the property
    limits_std : standard error of the limits themselves, e.g. of the map from another energy scale
    """

    lower: float = -math.inf
    upper: float = math.inf
    limits_std: float = 0.0

    def __post_init__(self) -> None:
        if not self.lower <= self.upper:
            raise InputError(f"window [{self.lower}, {self.upper}] is empty; lower must not exceed upper")
        if not 0 <= self.limits_std < math.inf:
            raise InputError(f"the error of a window's limits is {self.limits_std}; expected a number >= 0")

    def contains(self, values: ArrayLike) -> NDArray[np.bool_]:
        """Whether each value lies inside; NaN lies nowhere."""
        array = np.asarray(values, dtype=np.float64)
        return (array >= self.lower) & (array <= self.upper)

    def distance(self, values: ArrayLike) -> FloatArray:
        """How far outside each value lies, 0 inside."""
        array = np.asarray(values, dtype=np.float64)
        return np.maximum(np.maximum(self.lower - array, array - self.upper), 0.0)

    def probability_inside(self, mean: ArrayLike, std: ArrayLike) -> FloatArray:
        """P(lower <= X <= upper) for X normal, the error of the limits added in quadrature.

        With no doubt at all it is 0 or 1; NaN stays NaN.
        """
        centre, doubt = np.asarray(mean, dtype=np.float64), np.hypot(np.asarray(std, dtype=np.float64), self.limits_std)
        with np.errstate(divide="ignore", invalid="ignore"):
            probability = ndtr((self.upper - centre) / doubt) - ndtr((self.lower - centre) / doubt)
        certain = np.where(np.isnan(centre), np.nan, self.contains(centre))
        return np.where(doubt == 0, certain, probability)


@dataclass(frozen=True, slots=True)
class Objective:
    """A property to push in one direction.

    Attributes
    ----------
    key : property and level of theory
    direction : ``minimise``, ``maximise``, into a ``window`` or onto a ``target``
    reference : the worst value still of interest, the reference point of the hypervolume
    goal : the window, or the target as a window of no width; None for ``minimise`` and ``maximise``
    weight : relative importance where objectives are summed
    bound : physical limit of the property in the good direction, which optimism does not pass (lambda >= 0)
    """

    key: PropertyKey
    direction: Direction
    reference: float
    goal: Window | None = None
    weight: float = 1.0
    bound: float | None = None

    def __post_init__(self) -> None:
        if (self.goal is None) != (self.direction in ("minimise", "maximise")):
            raise InputError(f"objective {self.key}: a window or target goes with that direction and no other")
        if not self.weight > 0 or not math.isfinite(self.reference):
            raise InputError(
                f"objective {self.key}: weight {self.weight} must be positive, reference {self.reference} finite"
            )
        if self.bound is not None and self.goal is not None:
            raise InputError(f"objective {self.key}: a bound goes with minimise and maximise only; a goal has limits")
        if self.bound is not None and not self.cost(self.bound) < self.reference_cost:
            raise InputError(
                f"objective {self.key}: bound {self.bound} is no better than the reference {self.reference}; the "
                "reference is the worst value still of interest, the bound the best there can be"
            )
        if self.goal is not None and self.goal.contains(self.reference):
            raise InputError(f"objective {self.key}: reference {self.reference} lies in the goal; give the worst value")

    def cost(self, values: ArrayLike) -> FloatArray:
        """Cost of each value, lower is better: the value, its negative, or its distance from the goal."""
        array = np.asarray(values, dtype=np.float64)
        if self.goal is not None:
            return self.goal.distance(array)
        return array if self.direction == "minimise" else -array

    @property
    def reference_cost(self) -> float:
        return float(self.cost(self.reference))

    def cost_std(self, mean: ArrayLike, std: ArrayLike) -> FloatArray:
        """Standard deviation of the cost of a normal value; with a goal, that of its distance from it."""
        centre, doubt = np.asarray(mean, dtype=np.float64), np.asarray(std, dtype=np.float64)
        if self.goal is None:
            return doubt
        below, above = _rectified(self.goal.lower - centre, doubt), _rectified(centre - self.goal.upper, doubt)
        first, second = below[0] + above[0], below[1] + above[1]  # a value cannot be on both sides
        return np.sqrt(np.maximum(second - first**2, 0.0))

    def optimistic_value(self, mean: ArrayLike, std: ArrayLike, *, beta: float) -> FloatArray:
        """The best value within ``beta`` standard deviations of the mean.

        The mean moves down or up, no further than the bound, or to the nearest point of the goal.
        """
        centre, reach = np.asarray(mean, dtype=np.float64), beta * np.asarray(std, dtype=np.float64)
        if self.goal is not None:
            nearest = np.clip(centre, self.goal.lower, self.goal.upper)
            return np.clip(nearest, centre - reach, centre + reach)
        if self.direction == "minimise":
            return np.maximum(centre - reach, -np.inf if self.bound is None else self.bound)
        return np.minimum(centre + reach, np.inf if self.bound is None else self.bound)


def _rectified(mean: FloatArray, std: FloatArray) -> tuple[FloatArray, FloatArray]:
    """E[max(X, 0)] and E[max(X, 0)^2] of normal X, elementwise; with no doubt those of the mean itself.

    References
    ----------
    Beauchamp, J. Stat. Distrib. Appl. 2018, 5, 4, 10.1186/s40488-018-0084-0 (moments of a rectified normal).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        z = mean / std
        density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
        first = mean * ndtr(z) + std * density
        second = (mean**2 + std**2) * ndtr(z) + mean * std * density
    certain = np.maximum(mean, 0.0)
    is_open = np.isneginf(mean)  # an absent limit is never passed
    return (
        np.where(is_open, 0.0, np.where(std > 0, first, certain)),
        np.where(is_open, 0.0, np.where(std > 0, second, certain**2)),
    )
