"""What a better level of theory adds to a cheap value: an offset that all molecules share, and a spread around it.

better = cheap + offset + normal(0, spread). The offset is taken from pairs of values alone, since levels differ by
amounts that nobody can guess; it ranks no molecule, so nothing is lost while there is no pair. The spread is learnt
from the same pairs, a stated default counting as ``PRIOR_PAIRS`` of them:

    spread^2 = (PRIOR_PAIRS prior^2 + sum_i (d_i - mean d)^2) / (PRIOR_PAIRS + max(n - 1, 0))

References
----------
Gelman et al., Bayesian Data Analysis, 3rd ed., section 3.3 (normal data, scaled inverse chi-squared prior).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from heliosc.errors import InputError

PRIOR_PAIRS = 4.0
DEFAULT_SPREADS: Mapping[str, float] = MappingProxyType(
    {
        "vertical_ionization_energy": 0.2,
        "adiabatic_ionization_energy": 0.2,
        "vertical_electron_affinity": 0.35,
        "adiabatic_electron_affinity": 0.35,
        "fundamental_gap": 0.4,
        "lambda_hole": 0.05,
        "lambda_electron": 0.05,
        "homo_energy": 0.2,
        "lumo_energy": 0.3,
        "homo_lumo_gap": 0.4,
    }
)
"""Stated defaults from xTB to small-basis DFT, eV: how far a better level scatters about its offset.

Of 23 small molecules (``benchmarks/dft_references.py``, ``dft-fast``) adiabatic IE scatters by 0.19 eV from
``ipea1//gfn2``, EA by 0.37 eV from ``gfn2``; lambda_hole of seven (``benchmarks/lambda_references.py``) by 0.03 eV on
the same geometries, 0.07 eV with DFT geometries. Orbital energies and gaps are not measured.
"""


@dataclass(frozen=True, slots=True)
class LevelOffset:
    """How values of a better level lie around those of a cheap one.

    Attributes
    ----------
    offset : better less cheap, in the unit of the property; None before the first pair
    spread : standard deviation of one molecule around the offset
    n_pairs : molecules known at both levels
    """

    offset: float | None
    spread: float
    n_pairs: int

    @property
    def std(self) -> float:
        """Of a new molecule's value, the error of the offset included once there is one."""
        return self.spread * (1.0 + 1.0 / self.n_pairs) ** 0.5 if self.n_pairs else self.spread

    @property
    def source(self) -> str:
        """Where the numbers are from, for people."""
        return f"{self.n_pairs} pairs and the stated default" if self.n_pairs else "stated default"


def fit_offset(cheap: ArrayLike, better: ArrayLike, *, prior_spread: float) -> LevelOffset:
    """Learn from molecules known at both levels.

    Parameters
    ----------
    cheap, better : (n_pairs,) finite
    prior_spread : stated default of the spread, positive

    Raises
    ------
    InputError : values of different number, or a prior that is not positive
    """
    low, high = np.asarray(cheap, dtype=np.float64), np.asarray(better, dtype=np.float64)
    if low.shape != high.shape or low.ndim != 1 or not prior_spread > 0:
        raise InputError(f"pairs of shapes {low.shape}, {high.shape}, prior {prior_spread}; expected (n,), positive")
    steps = high - low
    n_pairs = len(steps)
    offset = float(steps.mean()) if n_pairs else None
    around = float(((steps - steps.mean()) ** 2).sum()) if n_pairs else 0.0
    variance = (PRIOR_PAIRS * prior_spread**2 + around) / (PRIOR_PAIRS + max(n_pairs - 1, 0))
    return LevelOffset(offset, variance**0.5, n_pairs)
