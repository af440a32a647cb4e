"""How a geometry is optimised with GFN2-xTB: engine name -> function. The energies always come from tblite."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.qc.geometries import Geometry
from heliosc.qc.internal_coordinates import internal_coordinates
from heliosc.qc.optimizer import Minimum, OptimizationNotConverged, minimize
from heliosc.qc.units import BOHR_A
from heliosc.qc.xtb.binary import optimize_with_xtb
from heliosc.qc.xtb.engine import TbliteSession, energy_function

FloatArray = NDArray[np.float64]
GeometryOptimizer = Callable[..., Minimum]


def optimize_with_tblite(
    session: TbliteSession,
    start: Geometry,
    *,
    bonds: NDArray[np.intp],
    hessian: FloatArray | None = None,
    max_steps: int = 300,
) -> Minimum:
    """Minimum by the built-in optimiser; coordinates and Hessian are built anew once if it gets stuck.

    Parameters
    ----------
    bonds : (n_bonds, 2)
    hessian : of the internal coordinates of ``start``, from another state of the same molecule

    Raises
    ------
    ConvergenceError : not converged within ``max_steps`` gradient evaluations
    """
    function, positions = energy_function(session), start.positions / BOHR_A
    first_limit = max(max_steps // 2, 1)
    try:
        coordinates = internal_coordinates(positions, bonds)
        if hessian is not None and len(hessian) != coordinates.n_coordinates:
            hessian = None  # an angle became linear, or no longer is: the coordinates are not the same ones
        return minimize(function, positions, coordinates=coordinates, hessian=hessian, max_steps=first_limit)
    except OptimizationNotConverged as error:
        session.attempts.append(f"charge {session.charge}: geometry restarted after {first_limit} steps")
        coordinates = internal_coordinates(error.positions, bonds)
        return minimize(function, error.positions, coordinates=coordinates, max_steps=max_steps - first_limit)


ENGINES: dict[str, GeometryOptimizer] = {
    "auto": optimize_with_tblite,  # measured: faster than the program at every size tried
    "tblite": optimize_with_tblite,
    "xtb": optimize_with_xtb,
}


def geometry_optimizer(engine: str) -> GeometryOptimizer:
    """Look an engine up.

    Raises
    ------
    InputError : not registered
    """
    if engine not in ENGINES:
        raise InputError(f"unknown engine {engine!r}; expected one of: {', '.join(ENGINES)}")
    return ENGINES[engine]
