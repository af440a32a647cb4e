"""Whether a converged open-shell field is a minimum, and where to go from one that is not.

A field can converge to an excited state: of thiophene's cation in a small basis to the one with its hole in the second
orbital, 14 to 18 mEh too high and with nothing to show for it. Such a field is a saddle point of the energy in the
space of orbital rotations. The lowest curvature there costs about half as much as the field itself.

References
----------
Seeger, Pople, J. Chem. Phys. 1977, 66, 3045. doi:10.1063/1.434318
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

UNSTABLE_EH = -1e-3  # flatter directions are degenerate states and the noise of grids
_N_GUESSES = 3
_TOLERANCE = 1e-2  # of the residual; the sign is wanted, not the value
_MAX_ITERATIONS = 30


def unstable_density(mean_field: Any) -> tuple[float, FloatArray] | None:
    """Lowest curvature (Eh) and the density (2, n, n) of orbitals turned along it; ``None`` for a stable field.

    Real rotations within each spin of an unrestricted field ("internal" stability).
    """
    from pyscf.lib import davidson1
    from pyscf.soscf.newton_ah import gen_g_hop_uhf

    _, product, diagonal = gen_g_hop_uhf(
        mean_field, mean_field.mo_coeff, mean_field.mo_occ, with_symmetry=False
    )  # fmt: skip
    diagonal = 2.0 * diagonal
    guesses = [_unit(len(diagonal), index) for index in np.argsort(diagonal)[:_N_GUESSES]]
    _, curvatures, directions = davidson1(
        lambda vectors: [2.0 * product(vector) for vector in vectors],
        guesses,
        lambda residual, value, _: residual / _away_from_zero(diagonal - value),
        tol=_TOLERANCE,
        nroots=1,
        max_cycle=_MAX_ITERATIONS,
        verbose=0,
    )
    if curvatures[0] >= UNSTABLE_EH:
        return None
    turned = _turned(mean_field, np.asarray(directions[0]))
    return float(curvatures[0]), np.asarray(mean_field.make_rdm1(turned, mean_field.mo_occ))


def _unit(size: int, index: int) -> FloatArray:
    vector = np.zeros(size)
    vector[index] = 1.0
    return vector


def _away_from_zero(values: FloatArray) -> FloatArray:
    return np.where(np.abs(values) < 1e-8, 1e-8, values)


def _turned(mean_field: Any, direction: FloatArray) -> FloatArray:
    """Orbitals (2, n, n) after a unit rotation along a direction of the virtual-occupied block of each spin."""
    from scipy.linalg import expm

    turned, start = [], 0
    for coefficients, occupations in zip(mean_field.mo_coeff, mean_field.mo_occ, strict=True):
        block = np.outer(occupations == 0, occupations > 0)
        generator = np.zeros(block.shape)
        generator[block] = direction[start : start + block.sum()]
        start += block.sum()
        turned.append(coefficients @ expm(generator - generator.T))
    return np.array(turned)
