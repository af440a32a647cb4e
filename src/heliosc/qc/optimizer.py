"""Geometry optimisation: BFGS in redundant internal coordinates from a model Hessian, with curvilinear steps.

The Hessian of one state is a good start for another state of the same molecule (neutral -> ions), so it is returned.
Converged like xtb's ``normal``: energy change, gradient norm, and the energy still expected from the next step.

References
----------
Peng, Ayala, Schlegel, Frisch, J. Comput. Chem. 1996, 17, 49.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from heliosc.errors import ConvergenceError
from heliosc.qc.internal_coordinates import InternalCoordinates

FloatArray = NDArray[np.float64]
EnergyAndGradient = Callable[[FloatArray], tuple[float, FloatArray]]

ENERGY_TOLERANCE = 5e-6  # Eh
GRADIENT_TOLERANCE = 1e-3  # Eh/bohr, norm over all atoms
PREDICTED_TOLERANCE = 5e-6  # Eh
_REGULARIZATION = 1e-7  # Eh/bohr^2; holds the six rigid-body motions, far below the softest vibration
_TRUST_START, _TRUST_MIN, _TRUST_MAX = 0.3, 0.02, 0.6  # bohr or rad, largest change of one coordinate
_ENERGY_NOISE = 1e-6  # Eh; smaller rises are SCC noise, not a wrong step


class OptimizationNotConverged(ConvergenceError):  # noqa: N818 - named after what happened
    """The step limit was reached; ``positions`` (n_atoms, 3), bohr, is where to go on from."""

    def __init__(self, message: str, positions: FloatArray) -> None:
        super().__init__(message)
        self.positions = positions


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where an optimisation ended.

    Attributes
    ----------
    positions : (n_atoms, 3), bohr
    energy : Eh
    gradient_norm : Eh/bohr
    hessian : (n_coordinates, n_coordinates), of the internal coordinates; ``None`` = not known
    n_evaluations : gradient evaluations
    """

    positions: FloatArray
    energy: float
    gradient_norm: float
    hessian: FloatArray | None
    n_evaluations: int


@dataclass(frozen=True, slots=True)
class _Point:
    positions: FloatArray
    energy: float
    gradient: FloatArray  # (3 n_atoms,)
    values: FloatArray
    wilson: FloatArray
    internal_gradient: FloatArray


def minimize(
    function: EnergyAndGradient,
    positions: FloatArray,
    *,
    coordinates: InternalCoordinates,
    hessian: FloatArray | None = None,
    max_steps: int = 300,
) -> Minimum:
    """Nearest minimum.

    Parameters
    ----------
    function : positions (n_atoms, 3) in bohr -> energy in Eh, gradient (n_atoms, 3) in Eh/bohr
    positions : (n_atoms, 3), bohr
    hessian : (n_coordinates, n_coordinates) to start from; the model Hessian by default

    Raises
    ------
    OptimizationNotConverged : not converged within ``max_steps`` evaluations
    """
    model = coordinates.model_force_constants()
    hessian = np.diag(model) if hessian is None else hessian.copy()
    point = _evaluate(function, positions, coordinates=coordinates, weights=model)
    trust, change, n_evaluations = _TRUST_START, np.inf, 1
    while True:
        step, predicted, factor = _newton_step(point, hessian)
        norm = float(np.linalg.norm(point.gradient))
        if norm < GRADIENT_TOLERANCE and abs(change) < ENERGY_TOLERANCE and abs(predicted) < PREDICTED_TOLERANCE:
            return Minimum(point.positions, point.energy, norm, hessian, n_evaluations)
        if n_evaluations >= max_steps:
            raise OptimizationNotConverged(
                f"geometry not converged after {n_evaluations} gradient evaluations: gradient norm {norm:.1e} Eh/bohr, "
                f"expected < {GRADIENT_TOLERANCE:.0e}; raise max_steps or start from another conformer",
                point.positions,
            )
        scale = min(1.0, trust / float(np.abs(step).max(initial=1e-12)))
        moved = _displace(point, scale * step, coordinates=coordinates, hessian=hessian, factor=factor)
        trial = _evaluate(function, moved, coordinates=coordinates, weights=model)
        n_evaluations += 1
        rise = trial.energy - point.energy
        predicted *= scale * (2.0 - scale)
        hessian = _bfgs_update(
            hessian,
            coordinates.difference(trial.values, point.values),
            trial.internal_gradient - point.internal_gradient,
        )
        trust = _next_trust(trust, rise, predicted=predicted, is_limited=scale < 1.0)
        if rise < _ENERGY_NOISE or trust <= _TRUST_MIN:
            point, change = trial, rise


def _evaluate(
    function: EnergyAndGradient, positions: FloatArray, *, coordinates: InternalCoordinates, weights: FloatArray
) -> _Point:
    energy, gradient = function(positions)
    flat = np.asarray(gradient, dtype=np.float64).ravel()
    values, wilson = coordinates.wilson_matrix(positions)
    weighted = weights[:, None] * wilson
    factor = cho_factor(_regularized(wilson.T @ weighted), overwrite_a=True, check_finite=False)
    return _Point(positions, energy, flat, values, wilson, weighted @ cho_solve(factor, flat, check_finite=False))


def _regularized(matrix: FloatArray) -> FloatArray:
    matrix[np.diag_indices_from(matrix)] += _REGULARIZATION
    return matrix


def _newton_step(point: _Point, hessian: FloatArray) -> tuple[FloatArray, float, tuple[FloatArray, bool]]:
    """Step in the internal coordinates, predicted energy change (Eh) and the factorised Cartesian Hessian."""
    cartesian = _regularized(point.wilson.T @ (hessian @ point.wilson))
    factor = cho_factor(cartesian, overwrite_a=True, check_finite=False)
    displacement = -cho_solve(factor, point.gradient, check_finite=False)
    return point.wilson @ displacement, 0.5 * float(point.gradient @ displacement), factor


def _displace(
    point: _Point,
    step: FloatArray,
    *,
    coordinates: InternalCoordinates,
    hessian: FloatArray,
    factor: tuple[FloatArray, bool],
) -> FloatArray:
    """Cartesian positions whose internal coordinates changed by ``step`` as well as a redundant set allows."""
    positions, missing = point.positions, step
    best, best_error = positions, np.inf
    weighted = hessian @ point.wilson
    for _ in range(12):
        shift = cho_solve(factor, missing @ weighted, check_finite=False).reshape(positions.shape)
        positions = positions + shift
        missing = step - coordinates.difference(coordinates.values(positions), point.values)
        error = float(missing @ (hessian @ missing))
        if error < best_error or best is point.positions:
            best, best_error = positions, error
        if float(np.abs(shift).max()) < 1e-5 or error > 4.0 * best_error:
            break
    return best


def _bfgs_update(hessian: FloatArray, step: FloatArray, change: FloatArray) -> FloatArray:
    """BFGS update, damped (Powell) so that the Hessian stays positive definite."""
    product = hessian @ step
    curvature, expected = float(step @ change), float(step @ product)
    if expected < 1e-14:
        return hessian
    if curvature < 0.2 * expected:
        theta = 0.8 * expected / (expected - curvature)
        change = theta * change + (1.0 - theta) * product
        curvature = float(step @ change)
    return hessian + np.outer(change, change) / curvature - np.outer(product, product) / expected


def _next_trust(trust: float, rise: float, *, predicted: float, is_limited: bool) -> float:
    """Trust radius by the ratio of the actual to the predicted energy change."""
    if abs(rise) < _ENERGY_NOISE:
        return trust
    ratio = rise / predicted
    if ratio < 0.1:
        return max(0.4 * trust, _TRUST_MIN)
    if ratio > 0.6 and is_limited:
        return min(1.5 * trust, _TRUST_MAX)
    return trust
