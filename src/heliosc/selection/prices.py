"""What a calculation costs, from the times of those that were done: seconds = a * size^b, one line for each level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from heliosc.errors import InputError
from heliosc.selection.objectives import FloatArray

_FEWEST = 5
_USUAL_EXPONENT = 2.5  # of xTB and small DFT, while too few sizes are measured


@dataclass(frozen=True, slots=True)
class PriceModel:
    """Seconds of a calculation by heavy atoms, a power law.

    Attributes
    ----------
    seconds_at_one : a, s
    exponent : b
    """

    seconds_at_one: float
    exponent: float

    @classmethod
    def fit(cls, n_heavy_atoms: ArrayLike, seconds: ArrayLike) -> PriceModel:
        """Least squares of logarithms; with fewer than five times, or one size only, the usual exponent.

        Raises
        ------
        InputError : no times, or numbers that are not positive
        """
        size, time = np.asarray(n_heavy_atoms, dtype=np.float64), np.asarray(seconds, dtype=np.float64)
        if size.shape != time.shape or size.ndim != 1 or not len(size) or not ((size > 0) & (time > 0)).all():
            raise InputError(
                "prices need measured times: sizes and seconds of equal number, at least one, all positive"
            )
        x, y = np.log(size), np.log(time)
        exponent = _USUAL_EXPONENT
        if len(size) >= _FEWEST and x.std() > 0:
            exponent = max(0.0, float(np.polyfit(x, y, 1)[0]))
        return cls(float(np.exp((y - exponent * x).mean())), exponent)

    def seconds(self, n_heavy_atoms: ArrayLike) -> FloatArray:
        """(n,) expected seconds."""
        return self.seconds_at_one * np.asarray(n_heavy_atoms, dtype=np.float64) ** self.exponent
