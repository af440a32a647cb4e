"""Geometry optimisation on a PySCF surface, by heliosc's own optimiser with a start Hessian from GFN2-xTB.

A gradient costs minutes here and a GFN2-xTB Hessian a second, so the Hessian nearly halves the number of gradients.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import HelioscError
from heliosc.qc.geometries import Geometry
from heliosc.qc.geometry import perceived_bonds
from heliosc.qc.internal_coordinates import InternalCoordinates, internal_coordinates
from heliosc.qc.optimizer import Minimum, OptimizationNotConverged, minimize
from heliosc.qc.pyscf.scf import ScfSession
from heliosc.qc.units import BOHR_A
from heliosc.qc.xtb.engine import TbliteSession

FloatArray = NDArray[np.float64]

SYMMETRY_BREAKING_A = 0.01
SOFTEST = 2e-3  # Eh/bohr^2; smaller curvatures of the start Hessian, negative ones too, are raised to this
_STEP = 0.005  # bohr


def optimize(session: ScfSession, start: Geometry, *, max_steps: int, seed: int = 2026) -> Minimum:
    """Minimum; coordinates and Hessian are built anew once if it gets stuck.

    The start is moved off symmetry by 0.01 A: a symmetric start keeps its symmetry and can end on a saddle point.

    Raises
    ------
    ConvergenceError : SCF or geometry not converged
    """
    shifts = np.random.default_rng(seed).normal(scale=SYMMETRY_BREAKING_A, size=start.positions.shape)
    start = Geometry(start.symbols, start.positions + shifts)
    first_limit = max(max_steps // 2, 1)
    try:
        return _minimum(session, start, bonds=perceived_bonds(start), max_steps=first_limit)
    except OptimizationNotConverged as error:
        session.attempts.append(f"charge {session.job.charge}: geometry restarted after {first_limit} steps")
        start = Geometry(start.symbols, error.positions * BOHR_A)
        return _minimum(session, start, bonds=perceived_bonds(start), max_steps=max_steps - first_limit)


def _minimum(session: ScfSession, start: Geometry, *, bonds: NDArray[np.intp], max_steps: int) -> Minimum:
    positions = start.positions / BOHR_A
    coordinates = internal_coordinates(positions, bonds)
    hessian = _start_hessian(session, start, coordinates=coordinates)
    return minimize(
        session.energy_and_gradient, positions, coordinates=coordinates, hessian=hessian, max_steps=max_steps
    )


def _start_hessian(session: ScfSession, start: Geometry, *, coordinates: InternalCoordinates) -> FloatArray | None:
    """GFN2-xTB Hessian in internal coordinates; ``None`` (the model Hessian) where GFN2-xTB has no answer."""
    try:
        cartesian = xtb_hessian(start, charge=session.job.charge)
    except HelioscError as error:
        session.attempts.append(f"charge {session.job.charge}: no GFN2-xTB start Hessian ({error})"[:200])
        return None
    inverse = np.linalg.pinv(coordinates.wilson_matrix(start.positions / BOHR_A)[1], rcond=1e-6)
    return np.asarray(inverse.T @ cartesian @ inverse)


def xtb_hessian(geometry: Geometry, *, charge: int) -> FloatArray:
    """Cartesian GFN2-xTB Hessian by central differences, (3n, 3n), Eh/bohr^2, made positive definite."""
    session = TbliteSession(geometry.symbols, charge=charge, accuracy=0.1)
    columns = []
    for index in range(3 * geometry.n_atoms):
        shift = np.zeros(3 * geometry.n_atoms)
        shift[index] = _STEP * BOHR_A
        ahead, behind = (session.evaluate(geometry.positions + s * shift.reshape(-1, 3)).gradient for s in (1, -1))
        columns.append((ahead - behind).ravel() / (2 * _STEP))
    matrix = np.array(columns)
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return np.asarray((vectors * np.maximum(values, SOFTEST)) @ vectors.T)
