"""From oligomers to the polymer: extrapolation of levels and gaps to an endless chain.

    inverse length   E(n) = E_inf + a / n
    Kuhn             E(N) = E_0 [1 + 2 (k'/k_0) cos(pi / (N + 1))]^1/2     gaps; N double bonds along the chain
    chain orbitals   E(n) = e + 2 t cos(pi / (n + 1))                      HOMO or LUMO of n coupled units (Hueckel)

Gaps level off in long chains, which 1/n misses: it goes too low. Kuhn's form bends but its limit still rests on the
longest oligomers; the standard errors are those of the fit and say nothing about the form.

References
----------
Kuhn, Helv. Chim. Acta 1948, 31, 1780.
Gierschner, Cornil, Egelhaaf, Adv. Mater. 2007, 19, 173, 10.1002/adma.200600277 (use for conjugated oligomers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError


@dataclass(frozen=True, slots=True)
class ChainLimit:
    """Value for the endless chain.

    Attributes
    ----------
    value, std : eV; std of the fit, NaN when there are only as many points as parameters
    rms_residual : eV
    method : ``1/n``, ``kuhn`` or ``chain orbitals``
    """

    value: float
    std: float
    rms_residual: float
    method: str


def inverse_length_limit(n_units: Sequence[int], energies: Sequence[float]) -> ChainLimit:
    """Level or gap by a straight line in 1/n.

    Raises
    ------
    InputError : fewer than two different lengths, or not one energy for each
    """
    lengths, values = _checked(n_units, energies)
    return _line_limit(1.0 / lengths, values, at=0.0, method="1/n")


def chain_orbital_limit(n_units: Sequence[int], levels: Sequence[float]) -> ChainLimit:
    """HOMO or LUMO by the chain of coupled orbitals.

    Raises
    ------
    InputError : see ``inverse_length_limit``
    """
    lengths, values = _checked(n_units, levels)
    return _line_limit(np.cos(np.pi / (lengths + 1)), values, at=1.0, method="chain orbitals")


def kuhn_limit(n_double_bonds: Sequence[int], gaps: Sequence[float]) -> ChainLimit:
    """Gap or excitation energy by Kuhn's coupled oscillators, fitted as a line in E^2.

    Raises
    ------
    InputError : see ``inverse_length_limit``; gaps that are not positive or extrapolate to none
    """
    lengths, values = _checked(n_double_bonds, gaps)
    if (values <= 0).any():
        raise InputError(f"gaps {list(map(float, values))} for Kuhn's formula; expected positive energies in eV")
    cosines = np.cos(np.pi / (lengths + 1))
    squared = _line_limit(cosines, values**2, at=1.0, method="kuhn")
    if squared.value <= 0:
        raise InputError("the gaps fall so fast that Kuhn's formula leaves none; use 1/n, or longer oligomers")
    limit = sqrt(squared.value)
    slope, intercept = np.polyfit(cosines, values**2, 1)
    residuals = np.sqrt(np.maximum(intercept + slope * cosines, 0.0)) - values
    return ChainLimit(limit, squared.std / (2.0 * limit), float(np.sqrt(np.mean(residuals**2))), "kuhn")


def _checked(lengths: Sequence[int], energies: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if len(lengths) != len(energies) or len(set(lengths)) < 2 or min(lengths) < 1:
        raise InputError(
            f"{len(energies)} energies for chain lengths {list(lengths)}; expected one each for two or more lengths"
        )
    return np.asarray(lengths, dtype=np.float64), np.asarray(energies, dtype=np.float64)


def _line_limit(x: NDArray[np.float64], y: NDArray[np.float64], *, at: float, method: str) -> ChainLimit:
    """Least-squares line evaluated at one point, with the standard error of that value."""
    design = np.column_stack([np.ones_like(x), x])
    coefficients = np.linalg.lstsq(design, y, rcond=None)[0]
    residuals = y - design @ coefficients
    point = np.array([1.0, at])
    freedom = len(x) - 2
    variance = (
        residuals @ residuals / freedom * (point @ np.linalg.inv(design.T @ design) @ point) if freedom else np.nan
    )
    return ChainLimit(
        float(point @ coefficients), float(np.sqrt(variance)), float(np.sqrt(np.mean(residuals**2))), method
    )
